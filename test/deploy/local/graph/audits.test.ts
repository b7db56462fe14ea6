import { describe, expect, it } from 'vitest';
import { ALICE, APP, ASSIGNMENTS, AUDITS, Caller, control, MINUTE, refusal, SECURITY_ADMIN } from './harness.js';
import { simulator, T0, type Wire } from './harness.js';

const LATER = T0 + 3 * 60 * MINUTE;
const activities = (rows: Wire[]): unknown[] =>
  rows.map((r) => `${String(r['loggedByService'])}: ${String(r['activityDisplayName'])}`);

describe('when PIM makes a change', () => {
  it('logs both families once the latency has passed, the Core Directory copy by MS-PIM', async () => {
    const caller = new Caller(await simulator());
    const { id } = await caller.pim();
    caller.now = T0 + 100_000;
    expect(await caller.list(AUDITS)).toHaveLength(0);
    caller.now = T0 + 125_000;
    const rows = await caller.list(AUDITS);
    expect(activities(rows).sort()).toEqual([
      'Core Directory: Add member to role',
      'PIM: Add member to role in PIM completed (timebound)',
      'PIM: Add member to role in PIM requested (timebound)',
    ]);
    const core = rows.find((r) => r['loggedByService'] === 'Core Directory');
    expect(core?.['initiatedBy']).toMatchObject({ app: { displayName: 'MS-PIM' } });
    const done = rows.find((r) => String(r['activityDisplayName']).includes('completed'));
    expect(done).toMatchObject({ resultReason: 'incident 42', initiatedBy: { app: { appId: APP } } });
    expect(done?.['additionalDetails']).toContainEqual({ key: 'RoleAssignmentRequestId', value: id });
    expect(await caller.get(`${AUDITS}/${String(done?.['id'])}`)).toMatchObject({ id: done?.['id'] });
  });

  it('logs the expiry, and not where a removal came first', async () => {
    const caller = new Caller(await simulator());
    await caller.pim();
    await caller.pim({ principalId: 'b0b00000-0000-4000-8000-000000000002' });
    caller.now = T0 + 10 * MINUTE;
    await caller.remove();
    caller.now = LATER;
    const filter =
      "loggedByService eq 'PIM' and startswith(activityDisplayName,'Remove member from role in PIM completed')";
    const rows = await caller.list(AUDITS, filter);
    const at = rows.map((r) => String(r['activityDateTime']).slice(0, 16));
    expect(at).toEqual(['2026-11-21T02:00', '2026-11-21T01:10']);
  });

  it('logs a direct grant with its real initiator, as outside of PIM', async () => {
    const caller = new Caller(await simulator());
    await caller.graph.api(ASSIGNMENTS).post({
      '@odata.type': '#microsoft.graph.unifiedRoleAssignment',
      principalId: ALICE,
      roleDefinitionId: SECURITY_ADMIN,
      directoryScopeId: '/',
    });
    caller.now = LATER;
    const rows = await caller.list(AUDITS, `initiatedBy/app/appId eq '${APP}'`);
    expect(activities(rows).sort()).toEqual([
      'Core Directory: Add member to role',
      'PIM: Add member to role outside of PIM (permanent)',
    ]);
  });
});

describe('when the audit log is queried', () => {
  it('filters by time, orders, and follows the set latency', async () => {
    const sim = await simulator();
    const caller = new Caller(sim);
    await control(sim, '/audits', { latency_seconds: 0 });
    await caller.pim();
    caller.now = T0 + 10 * MINUTE;
    await caller.remove();
    caller.now = T0 + 11 * MINUTE;
    const recent = await caller.list(
      `${AUDITS}?$filter=activityDateTime ge 2026-11-21T01:05:00Z and loggedByService eq 'PIM'`,
    );
    expect(recent).toHaveLength(2);
    const oldest = await caller.list(`${AUDITS}?$orderby=activityDateTime asc&$top=1`);
    expect(String(oldest[0]?.['activityDisplayName'])).toMatch(/^Add member/);
    expect(await refusal(caller.list(AUDITS, "targetResources/id eq 'x'"))).toBe('400 Request_UnsupportedQuery');
    expect(await refusal(caller.list(AUDITS, 'activityDateTime gt 2026-11-21T01:05:00Z'))).toMatch(/^400/);
  });
});
