import { describe, expect, it } from 'vitest';
import { ALICE, APP, ASSIGNMENTS, AUDITS, Caller, control, INSTANCES, MINUTE, refusal, REQUESTS } from './harness.js';
import { SECURITY_ADMIN, simulator, T0, TENANT, truth, until } from './harness.js';

const OTHER = '7e4a0000-0000-4000-8000-000000000002';
const app = (permissions: string, tenant = TENANT): string => `sim.${tenant}.${APP}.${permissions}`;

describe('when a call is authenticated', () => {
  it.each(['', 'sim', `sim.${TENANT}`, `sim.nobody.${APP}.`, 'eyJhbGciOi.J9.x'])(
    'refuses the token "%s"',
    async (t) => {
      const sim = await simulator();
      expect(await refusal(new Caller(sim, t).list(INSTANCES))).toBe('401 InvalidAuthenticationToken');
      expect((await truth(sim)).calls).toMatchObject([{ status: 401, tenant_id: null }]);
    },
  );

  it.each<[string, string, (c: Caller) => Promise<unknown>, boolean]>([
    ['RoleAssignmentSchedule.ReadWrite.Directory', 'grant', (c) => c.pim(), true],
    ['RoleAssignmentSchedule.Remove.Directory', 'grant', (c) => c.pim(), false],
    ['RoleAssignmentSchedule.Read.Directory', 'grant', (c) => c.pim(), false],
    ['RoleAssignmentSchedule.Read.Directory', 'read', (c) => c.list(INSTANCES), true],
    ['RoleAssignmentSchedule.Remove.Directory', 'read', (c) => c.list(INSTANCES), false],
    ['RoleManagement.Read.All', 'read', (c) => c.list(REQUESTS), true],
    ['RoleAssignmentSchedule.Read.Directory', 'list role assignments', (c) => c.list(ASSIGNMENTS), false],
    ['AuditLog.Read.All', 'read the audit log', (c) => c.list(AUDITS), false],
    ['AuditLog.Read.All+Directory.Read.All', 'read the audit log', (c) => c.list(AUDITS), true],
    ['User.Read.All', 'revoke', (c) => c.graph.api(`/users/${ALICE}/revokeSignInSessions`).post({}), false],
    ['User.RevokeSessions.All', 'revoke', (c) => c.graph.api(`/users/${ALICE}/revokeSignInSessions`).post({}), true],
  ])('with %s, may it %s?', async (permissions, _what, call, allowed) => {
    const caller = new Caller(await simulator(), app(permissions));
    if (allowed) await call(caller);
    else expect(await refusal(call(caller))).toBe('403 Authorization_RequestDenied');
  });

  it('lets the removing app remove, and nothing else', async () => {
    const sim = await simulator();
    await new Caller(sim).pim();
    const sweeper = new Caller(sim, app('RoleAssignmentSchedule.Remove.Directory'), T0 + 6 * MINUTE);
    expect(await sweeper.remove()).toMatchObject({ status: 'Revoked' });
    expect(await refusal(sweeper.pim({ action: 'adminUpdate' }))).toBe('403 Authorization_RequestDenied');
  });
});

describe('when there are several tenants', () => {
  it('keeps their records and clocks apart', async () => {
    const sim = await simulator();
    const one = new Caller(sim);
    const two = new Caller(sim, app('', OTHER), Date.parse('2030-01-01T00:00:00Z'));
    await one.pim();
    expect(await two.list(INSTANCES)).toHaveLength(0);
    await two.pim();
    expect((await truth(sim)).now).toMatch(/^2030-01-01T00:00:0/);
    expect((await truth(sim, TENANT)).now).toMatch(/^2026-11-21T01:00:0/);
    expect((await truth(sim)).assignments).toHaveLength(2);
    expect((await truth(sim, OTHER)).assignments).toMatchObject([{ tenant_id: OTHER }]);
    await control(sim, '/reset', { tenant: TENANT });
    expect((await truth(sim)).assignments).toMatchObject([{ tenant_id: OTHER }]);
    await control(sim, '/reset');
    expect(await truth(sim)).toMatchObject({ assignments: [], calls: [], sessions_revoked: [] });
  });

  it('applies what names no tenant to those that come later, too', async () => {
    const sim = await simulator();
    await control(sim, '/assignments', { principal_id: ALICE, role_definition_id: SECURITY_ADMIN });
    await control(sim, '/lag', { ms: 0 });
    for (const tenant of [TENANT, OTHER]) {
      expect(await new Caller(sim, app('', tenant)).list(INSTANCES)).toHaveLength(1);
    }
  });
});

describe('when time passes', () => {
  it('follows the last caller, runs on, goes back, and adds the offset', async () => {
    const sim = await simulator();
    const caller = new Caller(sim);
    await caller.list(INSTANCES);
    expect(Date.parse((await truth(sim)).now) - T0).toBeLessThan(5000);
    await control(sim, '/clock', { advance_seconds: 3600 });
    expect(Date.parse((await truth(sim)).now) - T0 - 60 * MINUTE).toBeLessThan(5000);
    caller.now = T0 - 10 * MINUTE;
    await caller.list(INSTANCES);
    expect(Math.abs(Date.parse((await truth(sim)).now) - T0 - 50 * MINUTE)).toBeLessThan(5000);
  });

  it('is real time while nobody names another, and an advance ends an assignment', async () => {
    const sim = await simulator();
    const caller = new Caller(sim, app(''), null);
    await caller.pim({ scheduleInfo: until(Date.now() + 60 * MINUTE) });
    expect(Math.abs(Date.parse((await truth(sim)).now) - Date.now())).toBeLessThan(5000);
    await control(sim, '/clock', { advance_seconds: 3601, tenant: TENANT });
    expect((await truth(sim)).assignments).toHaveLength(0);
  });

  it('gives the tenant time as Date, and refuses a time that is none', async () => {
    const sim = await simulator();
    const caller = new Caller(sim);
    const headers: Headers[] = [];
    caller.onResponse = (_context, response) => void headers.push(response.headers);
    await caller.graph.api(INSTANCES).header('client-request-id', 'c0ffee00-0000-4000-8000-000000000000').get();
    expect(headers[0]?.get('date')).toMatch(/^Sat, 21 Nov 2026 01:00:0/);
    expect(headers[0]?.get('client-request-id')).toBe('c0ffee00-0000-4000-8000-000000000000');
    expect(headers[0]?.get('request-id')).toMatch(/^[0-9a-f-]{36}$/);
    expect(headers[0]?.get('content-type')).toMatch(/^application\/json;odata/);
    const answer = await fetch(`${sim.url}/v1.0${INSTANCES}`, {
      headers: { authorization: `Bearer ${caller.token}`, 'x-reseal-now': 'yesterday' },
    });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({
      error: { code: 'BadRequest', innerError: { date: expect.any(String) as string } },
    });
  });
});
