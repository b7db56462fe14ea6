import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CeremonyStack, type Asked } from '../support/ceremony-stack.js';
import { verifiedBundle } from '../support/good-end.js';
import { PEOPLE, tenantOf, testPolicy } from '../support/people.js';
import { approveExtension, askToExtend } from '../support/extending.js';
import { entriesOf, hurry, isOver } from '../support/records.js';
import { foundIn, sweepStack } from '../support/sweeping.js';
import { Tampering } from '../support/tampering.js';

const POLICY = '6f2a0c1e-0000-4000-8000-000000000001';
const NAME = 'Require MFA';
const [ALICE] = PEOPLE;

/** The first two profiles edit a Conditional Access policy; the rest are as in every other test. */
const edited = (yaml: string, profile: string, action: string): string =>
  yaml.replace(
    new RegExp(`( {2}${profile}:\\n)((?: {4}.*\\n)+)`),
    (_, head: string, body: string) =>
      head +
      body.replace(/ {4}(action|role|scope):.*\n/g, '') +
      `    action: ${action}\n    access_policy: { id: ${POLICY}, name: ${NAME} }\n    allow_without_dead_man: true\n`,
  );

let stack: CeremonyStack;
beforeAll(async () => {
  const yaml = edited(edited(testPolicy(), 'p0', 'entra.ca_exclusion'), 'p1', 'entra.ca_policy');
  // The reconciler looks once, at the start: what becomes of the last ceremony is the sweep's alone.
  stack = await CeremonyStack.start({ policyYaml: edited(yaml, 'p2', 'entra.ca_exclusion'), reconcileSeconds: 3600 });
});
afterAll(() => stack?.stop());

async function truth(tenant: string): Promise<{ state: string; excluded: string[] } | undefined> {
  const { access_policies } = (await stack.graph.truth(tenant)) as unknown as {
    access_policies: { state: string; conditions: { users: { excludeUsers: string[] } } }[];
  };
  const [policy] = access_policies;
  return policy && { state: policy.state, excluded: policy.conditions.users.excludeUsers };
}

async function asked(profile: string, kind: string): Promise<Asked> {
  const tenant = tenantOf(Number(profile.slice(1)));
  await stack.graph.post('/access-policies', { id: POLICY, display_name: NAME, tenant });
  const effect = { kind, tenant_id: tenant, policy_id: POLICY, policy_name: NAME, end_sessions: true };
  return stack.ask({ profile, effect });
}

describe('a ceremony that edits a Conditional Access policy', () => {
  it.each([
    ['p0', 'entra.ca_exclusion', { state: 'enabled', excluded: [ALICE?.object_id] }],
    ['p1', 'entra.ca_policy', { state: 'disabled', excluded: [] }],
  ] as const)(
    '%s: %s is made with a quorum, taken back when it is closed, and proven',
    async (profile, kind, during) => {
      const request = await asked(profile, kind);
      await stack.approve(request);
      await hurry(stack, request.event, ({ state }) => state === 'active');
      expect(await truth(request.tenant)).toEqual(during);
      expect((await stack.say(request, 'alice', 'close')).status).toBe('accepted');
      const view = await hurry(stack, request.event, isOver);
      expect(view.state).toBe('closed');
      expect(await truth(request.tenant)).toEqual({ state: 'enabled', excluded: [] });
      const [confirmed] = await entriesOf(stack, request.event, 'confirmed');
      expect(confirmed).toMatchObject({ kind, effective: { holds: 'yes' }, findings: [] });
      const report = await verifiedBundle(stack, request.event);
      expect(report.errors).toEqual([]);
      expect(report.facts).toMatchObject({ end: 'closed', dead_man: null });
    },
  );

  it('an exclusion is kept for longer by another quorum without a write, and the sweep takes it back when nobody else does', async () => {
    const request = await asked('p2', 'entra.ca_exclusion');
    await stack.approve(request);
    await hurry(stack, request.event, ({ state }) => state === 'active');
    const writes = async (): Promise<number> =>
      (await stack.graph.truth(request.tenant)).calls.filter(({ method }) => method === 'PATCH').length;
    expect(await writes()).toBe(1);
    const extending = await askToExtend(stack, request, 20);
    await approveExtension(stack, request, extending);
    await stack.until(
      request.event,
      ({ expires_at }) => Date.parse(expires_at ?? '') === Date.parse(extending.deadline),
    );
    expect(await entriesOf(stack, request.event, 'extended')).toHaveLength(1);
    expect(await writes()).toBe(1);

    await new Tampering(stack).terminate(request.event);
    const pass = (minutes: number): Promise<void> =>
      stack.graph.post('/clock', { tenant: request.tenant, advance_seconds: minutes * 60 });
    // Past the deadline that was, before the one that is.
    await pass(35);
    expect((await sweepStack(stack)).status).toBe(0);
    expect(await truth(request.tenant)).toMatchObject({ excluded: [ALICE?.object_id] });
    await pass(20);
    const due = foundIn(await sweepStack(stack), request.tenant);
    expect(due).toMatchObject([{ verdict: 'due', event_id: request.event, outcome: { code: 'revoked' } }]);
    expect(await truth(request.tenant)).toEqual({ state: 'enabled', excluded: [] });
    expect(await entriesOf(stack, request.event, 'swept')).toMatchObject([{ ended_by: 'sweep' }]);
  }, 180_000);
});
