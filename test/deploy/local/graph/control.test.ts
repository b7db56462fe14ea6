import { describe, expect, it } from 'vitest';
import { ALICE, APP, BOB, Caller, control, INSTANCES, REQUESTS, SECURITY_ADMIN, simulator, truth } from './harness.js';

const tuple = { principal_id: ALICE, role_definition_id: SECURITY_ADMIN };

describe('when control input is bad', () => {
  it.each([
    ['/faults', { effect: 'status' }, 'status'],
    ['/faults', { effect: 'explode' }, 'effect'],
    ['/faults', { effect: 'delay' }, 'delay_ms'],
    ['/faults', { effect: 'html', times: 0 }, 'times'],
    ['/lag', { ms: -1 }, 'ms'],
    ['/lag', { ms: 1, tenant: 'x' }, 'tenant'],
    ['/clock', {}, 'advance_seconds'],
    ['/time', { now: '2026-06-01' }, 'now'],
    ['/assignments', { principal_id: 'x' }, 'principal_id'],
    ['/assignments', { ...tuple, ends_at: 'soon' }, 'ends_at'],
    ['/assignments', { ...tuple, via: 'direct', ends_at: '2026-11-21T02:00:00Z' }, 'ends_at'],
    ['/policies', { max_active_duration: 'P1H' }, 'max_active_duration'],
    ['/lag', { ms: 1, colour: 'red' }, 'colour'],
  ])('%s %j is refused by the name of the field: %s', async (path, body, field) => {
    const answer = await control(await simulator(), path, body);
    expect(answer.status).toBe(400);
    const { code, message } = answer.body['error'] as { code: string; message: string };
    expect(code).toBe('invalid_control_input');
    expect(message).toContain(field);
  });
});

describe('when somebody else changes an assignment', () => {
  it('appears with another maker, is moved to another end, and is removed without the floor', async () => {
    const sim = await simulator();
    const caller = new Caller(sim);
    await caller.list(INSTANCES);
    await control(sim, '/assignments', {
      ...tuple,
      created_by_app: APP,
      ticket_number: 'T1',
      ends_at: '2026-11-21T02:00:00Z',
    });
    expect((await truth(sim)).assignments).toMatchObject([{ created_by_app: APP, ticket_number: 'T1' }]);
    await control(sim, '/assignments', { ...tuple, created_by_user: BOB });
    expect((await truth(sim)).assignments).toMatchObject([
      { created_by_app: null, created_by_user: BOB, ends_at: null },
    ]);
    const actions = (await caller.list(REQUESTS)).map((r) => r['action']);
    expect(actions).toEqual(['adminUpdate', 'adminAssign']);
    await control(sim, `/assignments?principal_id=${ALICE}&role_definition_id=${SECURITY_ADMIN}`, {}, 'DELETE');
    expect((await truth(sim)).assignments).toHaveLength(0);
    await control(sim, '/assignments', tuple);
    await control(sim, '/assignments', { ...tuple, remove: true });
    expect((await truth(sim)).assignments).toHaveLength(0);
  });
});
