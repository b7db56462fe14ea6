import { GraphError } from '@microsoft/microsoft-graph-client';
import { describe, expect, it } from 'vitest';
import { pathMatches } from '../../../../deploy/local/graph/faults.js';
import { Caller, control, INSTANCES, refusal, REQUESTS, simulator, TENANT, truth } from './harness.js';

describe('when a fault is set', () => {
  it.each([
    [429, 'TooManyRequests', 7, '7'],
    [429, 'TooManyRequests', undefined, null],
    [500, 'InternalServerError', undefined, null],
    [502, 'BadGateway', undefined, null],
    [503, 'ServiceUnavailable', 3, '3'],
    [504, 'GatewayTimeout', undefined, null],
  ])('answers %i %s with Retry-After %s, without effect, as often as asked', async (status, code, after, header) => {
    const sim = await simulator();
    const caller = new Caller(sim);
    let seen: string | null = 'none';
    caller.onResponse = (_context, response) => {
      seen = response.headers.get('retry-after');
    };
    const fault = { method: 'POST', path: REQUESTS, times: 2, effect: 'status', status, retry_after: after };
    expect((await control(sim, '/faults', fault)).status).toBe(201);
    expect(await refusal(caller.pim())).toBe(`${status} ${code}`);
    expect(seen).toBe(header);
    expect((await truth(sim)).assignments).toHaveLength(0);
    expect(await refusal(caller.pim())).toBe(`${status} ${code}`);
    expect(await caller.pim()).toMatchObject({ status: 'Provisioned' });
  });

  it('carries out the write and then drops the connection; dry runs and refusals do not spend it', async () => {
    const sim = await simulator();
    const caller = new Caller(sim);
    await control(sim, '/faults', { method: 'POST', path: REQUESTS, times: 1, effect: 'lost_response' });
    await caller.pim({ isValidationOnly: true });
    expect(await refusal(caller.pim({ directoryScopeId: 'nowhere' }))).toBe('400 InvalidScope');
    const error = await caller.pim().catch((e: unknown) => e);
    expect(error).toBeInstanceOf(GraphError);
    expect(error).toMatchObject({ statusCode: -1, code: 'TypeError' });
    const { assignments, calls } = await truth(sim);
    expect(assignments).toHaveLength(1);
    expect(calls.at(-1)).toMatchObject({ status: null, unanswered_status: 201, fault: 'lost_response' });
    expect(await refusal(caller.pim())).toBe('400 RoleAssignmentExists');
  });

  it('can carry out the write and then answer an error', async () => {
    const sim = await simulator();
    const fault = { method: 'POST', path: REQUESTS, effect: 'status', status: 504, after: true };
    await control(sim, '/faults', fault);
    expect(await refusal(new Caller(sim).pim())).toBe('504 GatewayTimeout');
    expect((await truth(sim)).assignments).toHaveLength(1);
  });

  it('can answer text/html, which leaves the client without a code', async () => {
    const sim = await simulator();
    await control(sim, '/faults', { effect: 'html', status: 502 });
    const error = await new Caller(sim).list(INSTANCES).catch((e: unknown) => e);
    expect(error).toMatchObject({ statusCode: 502, code: null });
  });

  it('can delay an answer, and a delayed one does not outlive the simulator', async () => {
    const sim = await simulator();
    const caller = new Caller(sim);
    await control(sim, '/faults', { method: 'GET', effect: 'delay', delay_ms: 60 });
    const began = performance.now();
    await caller.list(INSTANCES);
    expect(performance.now() - began).toBeGreaterThanOrEqual(55);
    await control(sim, '/faults', { method: 'GET', effect: 'delay', delay_ms: 60_000 });
    const hanging = caller.list(INSTANCES).catch((e: unknown) => e);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await sim.close();
    expect(await hanging).toMatchObject({ statusCode: -1 });
  });

  it('strikes only the action, the kind of request and the tenant that it names', async () => {
    const sim = await simulator();
    const caller = new Caller(sim);
    const other = '7e4a0000-0000-4000-8000-000000000002';
    const fault = { effect: 'status', status: 503, times: null };
    await control(sim, '/faults', { ...fault, action: 'adminRemove' });
    await control(sim, '/faults', { ...fault, validation_only: true });
    await control(sim, '/faults', { ...fault, tenant: other });
    expect(await caller.pim()).toMatchObject({ status: 'Provisioned' });
    expect(await refusal(caller.remove())).toBe('503 ServiceUnavailable');
    expect(await refusal(caller.pim({ isValidationOnly: true }))).toBe('503 ServiceUnavailable');
    const foreign = new Caller(sim, caller.token.replace(TENANT, other));
    expect(await refusal(foreign.list(INSTANCES))).toBe('503 ServiceUnavailable');
  });

  it('lists what remains, keeps a null count, and clears', async () => {
    const sim = await simulator();
    await control(sim, '/faults', { effect: 'status', status: 500, times: null, code: 'Odd' });
    for (let i = 0; i < 3; i += 1) expect(await refusal(new Caller(sim).list(INSTANCES))).toBe('500 Odd');
    expect((await control(sim, '/faults', {}, 'GET')).body['faults']).toMatchObject([{ times: null, code: 'Odd' }]);
    expect((await control(sim, '/faults', {}, 'DELETE')).body).toEqual({ faults: [] });
    expect(await new Caller(sim).list(INSTANCES)).toEqual([]);
  });
});

describe('when a path is matched', () => {
  it.each([
    ['/roleManagement/directory', '/v1.0/roleManagement/directory/roleAssignments', true],
    ['/v1.0/rolemanagement', '/v1.0/roleManagement/directory', true],
    ['/users/*/revokeSignInSessions', '/v1.0/users/x/revokeSignInSessions', true],
    ['/users/*/revokeSignInSessions', '/v1.0/users/x', false],
    ['*/cancel', '/v1.0/roleManagement/directory/roleAssignmentScheduleRequests/x/cancel', true],
    ['*', '/v1.0/users/x', true],
    ['/auditLogs', '/v1.0/users/x', false],
  ])('%s against %s is %s', (pattern, path, expected) => {
    expect(pathMatches(pattern, path)).toBe(expected);
  });
});
