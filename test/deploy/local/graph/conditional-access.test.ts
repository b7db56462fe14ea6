import { describe, expect, it } from 'vitest';
import { ALICE, APP, AUDITS, BOB, Caller, control, MINUTE, refusal, simulator, T0, TENANT, truth } from './harness.js';
import type { Wire } from './harness.js';

const POLICY = 'ca000000-0000-4000-8000-000000000001';
const PATH = `/identity/conditionalAccess/policies/${POLICY}`;
const SIGN_INS = '/auditLogs/signIns';
const excluding = (...ids: string[]): Wire => ({ conditions: { users: { excludeUsers: ids } } });
const excluded = (policy: Wire): unknown =>
  (policy as { conditions: { users: Wire } }).conditions.users['excludeUsers'];

async function withPolicy(body: Wire = {}) {
  const sim = await simulator();
  const caller = new Caller(sim);
  await caller.get(`/users/${ALICE}`);
  await control(sim, '/access-policies', { id: POLICY, tenant: TENANT, ...body });
  return { sim, caller };
}

describe('when a Conditional Access policy is changed', () => {
  it('replaces an array whole, keeps what was not named, and says nothing back', async () => {
    const { sim, caller } = await withPolicy({ exclude_users: [BOB], exclude_groups: [APP] });
    await caller.graph.api(PATH).patch(excluding(ALICE));
    const policy = await caller.get(PATH);
    expect(policy).toMatchObject({ state: 'enabled', grantControls: { builtInControls: ['mfa'] } });
    expect(policy).toMatchObject({
      conditions: { users: { includeUsers: ['All'], excludeUsers: [ALICE], excludeGroups: [APP] } },
    });
    expect(Date.parse(policy['modifiedDateTime'] as string)).toBeGreaterThanOrEqual(T0);
    expect((await truth(sim)).calls.at(-2)).toMatchObject({ method: 'PATCH', status: 204 });
  });

  it('lets the last writer win: there is no ETag to hold another off with', async () => {
    const { caller } = await withPolicy();
    await caller.graph.api(PATH).patch(excluding(ALICE));
    await caller.graph.api(PATH).header('If-Match', 'W/"1"').patch(excluding(BOB));
    const policy = await caller.get(PATH);
    expect(excluded(policy)).toEqual([BOB]);
    expect(policy).not.toHaveProperty('@odata.etag');
  });

  it('refuses a policy that is sent back as it was read, unknown users and unknown states', async () => {
    const { caller } = await withPolicy();
    const policy = await caller.get(PATH);
    const patch = (body: Wire): Promise<string> => refusal(caller.graph.api(PATH).patch(body));
    expect(await patch(policy)).toBe('400 BadRequest');
    expect(await patch({ conditions: { locations: null } })).toBe('400 BadRequest');
    expect(await patch(excluding(POLICY))).toBe('400 BadRequest');
    expect(await patch({ state: 'reportOnly' })).toBe('400 BadRequest');
    expect(await refusal(caller.graph.api(`${PATH.slice(0, -1)}2`).patch({ state: 'disabled' }))).toBe(
      '404 Request_ResourceNotFound',
    );
  });

  it('needs both permissions to be written, and one to be read', async () => {
    const { sim } = await withPolicy();
    const as = (permissions: string): Caller => new Caller(sim, `sim.${TENANT}.${APP}.${permissions}`);
    expect(await as('Policy.Read.All').get(PATH)).toMatchObject({ id: POLICY });
    const patch = (permissions: string) => as(permissions).graph.api(PATH).patch({ state: 'disabled' });
    expect(await refusal(patch('Policy.ReadWrite.ConditionalAccess'))).toBe('403 Authorization_RequestDenied');
    await patch('Policy.Read.All+Policy.ReadWrite.ConditionalAccess');
    expect(await as('Policy.Read.All').get(PATH)).toMatchObject({ state: 'disabled' });
    expect(await refusal(as('User.Read.All').get(PATH))).toBe('403 Authorization_RequestDenied');
  });

  it('is shown late by replicas that lag, and writes on what really stands', async () => {
    const { sim, caller } = await withPolicy();
    await control(sim, '/lag', { ms: 30_000 });
    caller.now = T0 + MINUTE;
    await caller.graph.api(PATH).patch(excluding(ALICE));
    const seen = await Promise.all(Array.from({ length: 12 }, async () => excluded(await caller.get(PATH))));
    expect(seen).toContainEqual([]);
    expect(seen).toContainEqual([ALICE]);
    await caller.graph.api(PATH).patch({ state: 'disabled' });
    caller.now = T0 + 3 * MINUTE;
    expect(await caller.get(PATH)).toMatchObject({
      state: 'disabled',
      conditions: { users: { excludeUsers: [ALICE] } },
    });
  });

  it('stands in the audit log with both texts and with who changed it', async () => {
    const { sim, caller } = await withPolicy();
    await caller.graph.api(PATH).patch(excluding(ALICE));
    await control(sim, '/access-policies', { id: POLICY, tenant: TENANT, state: 'disabled' });
    caller.now = T0 + 10 * MINUTE;
    const rows = await caller.list(AUDITS, "loggedByService eq 'Conditional Access'");
    expect(rows).toHaveLength(2);
    const ours = rows.find((row) => (row['initiatedBy'] as { app: unknown }).app !== null);
    expect(ours).toMatchObject({
      category: 'Policy',
      initiatedBy: { app: { appId: APP } },
      targetResources: [{ id: POLICY }],
    });
    const [target] = ours?.['targetResources'] as { modifiedProperties: { oldValue: string; newValue: string }[] }[];
    expect(excluded(JSON.parse(target?.modifiedProperties[0]?.oldValue ?? '{}') as Wire)).toEqual([]);
    expect(excluded(JSON.parse(target?.modifiedProperties[0]?.newValue ?? '{}') as Wire)).toEqual([ALICE]);
  });
});

describe('when sign-ins are read', () => {
  it('gives those of a user and a time, the newest first, minutes late', async () => {
    const { sim, caller } = await withPolicy();
    for (const [user_id, minute] of [
      [ALICE, 1],
      [ALICE, 3],
      [BOB, 2],
      [ALICE, 30],
    ] as const)
      await control(sim, '/sign-ins', { user_id, at: new Date(T0 + minute * MINUTE).toISOString(), tenant: TENANT });
    const filter = `userId eq '${ALICE}' and createdDateTime ge ${new Date(T0).toISOString()} and createdDateTime le ${new Date(T0 + 10 * MINUTE).toISOString()}`;
    caller.now = T0 + 4 * MINUTE;
    expect(await caller.list(SIGN_INS, filter)).toHaveLength(1);
    caller.now = T0 + 20 * MINUTE;
    const rows = await caller.list(SIGN_INS, filter);
    expect(rows.map((row) => row['createdDateTime'])).toEqual(['2026-11-21T01:03:00Z', '2026-11-21T01:01:00Z']);
    expect(rows[0]).toMatchObject({ userId: ALICE, conditionalAccessStatus: 'notApplied', status: { errorCode: 0 } });
  });

  it('refuses what the log does not filter by, a token without the permission and a tenant without the licence', async () => {
    const { sim, caller } = await withPolicy();
    expect(await refusal(caller.list(SIGN_INS, "deviceDetail/os eq 'x'"))).toBe('400 Request_UnsupportedQuery');
    const poor = new Caller(sim, `sim.${TENANT}.${APP}.User.Read.All`);
    expect(await refusal(poor.list(SIGN_INS))).toBe('403 Authorization_RequestDenied');
    await control(sim, '/policies', { premium_license: false, tenant: TENANT });
    expect(await refusal(caller.list(SIGN_INS))).toBe('400 AadPremiumLicenseRequired');
  });
});
