import { describe, expect, it } from 'vitest';
import { lookAgain } from '../../../../activities/graph/follow-up/look-again.js';
import type { FollowUpDeps } from '../../../../activities/graph/follow-up/order.js';
import { restoreAccount } from '../../../../activities/graph/follow-up/restore-account.js';
import { takeBack } from '../../../../activities/graph/follow-up/take-back.js';
import { verifyFollowUp } from '../../../../activities/graph/follow-up/verify-follow-up.js';
import { loopbackAccess } from '../../../../activities/graph/wire/graph-access.js';
import { givenInForce } from '../../../../deploy/local/stack/given-in-force.js';
import { lookDataSchema, type LookedAt } from '../../../../domain/follow-up-tasks.js';
import { instant } from '../../../../domain/identifiers.js';
import type { Granted } from '../../../../domain/kill-state.js';
import type { Receipt } from '../../../../domain/entry.js';
import { digestOf } from '../../../../proofs/canonical-json.js';
import {
  bob,
  carol,
  keyOf,
  mallory,
  policy,
  policyDigest,
  requestFor,
  roleKeys,
  roster,
} from '../../../proofs/ceremony-people.js';
import { FollowUpScene, ON_KILL } from '../../../proofs/follow-up-scene.js';
import { runAttempts, type RunOptions } from '../attempts.js';
import { inAWorld, MINUTE } from '../in-a-world.js';
import { ADMIN, ALICE, BOB, SECURITY_READER, WRITER, READER, type World } from '../world.js';

const DISABLER = '55555555-0000-4000-8000-000000000005';
const ASSIGNER = '66666666-0000-4000-8000-000000000006';
const ASSIGNMENTS = '/roleManagement/directory/roleAssignments';
const REQUESTS = '/roleManagement/directory/roleAssignmentScheduleRequests';
let world: World;
inAWorld((fresh) => {
  world = fresh;
});

/** A ceremony whose principal gave a role to Bob ten minutes in, and that was killed two minutes later. */
async function killed(via: 'pim' | 'direct' = 'pim') {
  const request = requestFor({ at: world.clock.now() });
  const about = { request_digest: digestOf(request), policy_digest: policyDigest };
  const signed = world.intent({ event_id: request.event_id, ...about, on_kill: ON_KILL });
  world.clock.advance(10 * MINUTE);
  await give(ALICE, via);
  world.clock.advance(2 * MINUTE);
  const until = instant(world.clock.now());
  const scene = new FollowUpScene(request, signed.intent, world.clock.now());
  const { result } = await runAttempts(
    world.verifier.listGranted,
    { signed, until, settled: via === 'direct' },
    world.clock,
  );
  const granted = result.granted ?? [];
  return {
    scene,
    signed,
    granted,
    thing: granted[0]!,
    later: new FollowUpScene(request, signed.intent, world.clock.now()),
  };
}

async function give(who: string, via: 'pim' | 'direct'): Promise<void> {
  const ends_at = via === 'pim' ? instant(world.clock.now() + 600 * MINUTE) : null;
  const body = { principal_id: BOB, role_definition_id: SECURITY_READER, created_by_user: who, via, ends_at };
  await world.control('/assignments', body);
}

const held = async (): Promise<boolean> =>
  (await world.truth()).assignments.some(({ principal_id }) => principal_id === BOB);

function deps(application: string, permissions: string[]): FollowUpDeps {
  const access = loopbackAccess({ application_id: application, base_url: world.url, permissions });
  const inForce = givenInForce(
    () => ({ policy, digest: policyDigest }),
    () => roster,
  );
  return { ...world.holdings, access, inForce, roleKeys: keyOf, ownIds: new Set([DISABLER]) };
}
const reader = () =>
  deps(READER, ['RoleManagement.Read.Directory', 'AuditLog.Read.All', 'Directory.Read.All', 'User.Read.All']);

type Signed = Awaited<ReturnType<typeof killed>>['signed'];
function take(signed: Signed, order: Receipt, thing: Granted, via: 'pim' | 'direct' = 'pim', options: RunOptions = {}) {
  const role =
    via === 'pim'
      ? deps(WRITER, ['RoleAssignmentSchedule.ReadWrite.Directory'])
      : deps(ASSIGNER, ['RoleManagement.ReadWrite.Directory']);
  return runAttempts(takeBack(role, via), { signed, order, digest: digestOf(thing) }, world.clock, options);
}
function orderOf(
  { later, granted, thing }: Awaited<ReturnType<typeof killed>>,
  over: Record<string, unknown> = {},
  key = roleKeys.authority,
) {
  const statements = [later.takeBack(later.listedEntry(granted), [thing])];
  return later.order({
    act: 'take_back',
    statements,
    report: later.listed(granted),
    entries: [digestOf(thing)],
    over,
    key,
  });
}
async function look(signed: Signed, at: LookedAt) {
  await runAttempts(lookAgain(reader()), { signed, report_digest: 'a'.repeat(64), at }, world.clock);
  return lookDataSchema.parse(world.entry('follow_up_looked'));
}
const looks = async ({ signed, granted }: Awaited<ReturnType<typeof killed>>): Promise<string[]> =>
  (await look(signed, { act: 'take_back', entries: granted })).entries.map((entry) => entry.look);
const seen = async ({ signed, granted }: Awaited<ReturnType<typeof killed>>) =>
  (
    await runAttempts(
      verifyFollowUp(reader()),
      { signed, order_digest: 'b'.repeat(64), at: { act: 'take_back', entries: granted } },
      world.clock,
      { maxAttempts: 80 },
    )
  ).result.confirmed;

describe.each(['pim', 'direct'] as const)('taking back a role that was given by way of %s', (via) => {
  it('removes exactly it, and the second identity sees that it is gone', async () => {
    const scene = await killed(via);
    expect(scene.thing).toMatchObject({ via, standing: true });
    expect(scene.thing.assignment_id).not.toBeNull();
    expect(await looks(scene)).toEqual(['as_listed']);
    const { result } = await take(scene.signed, orderOf(scene), scene.thing, via);
    expect(result).toMatchObject({ result: 'done', code: null });
    expect(await held()).toBe(false);
    expect(world.entry(via === 'pim' ? 'taken_back' : 'taken_back_direct')).toMatchObject({ principal_id: BOB });
    expect(await seen(scene)).toBe(true);
    expect(await looks(scene)).toEqual(['gone']);
  });

  it('goes on after lost answers and throttling, and removes nothing twice', async () => {
    const scene = await killed(via);
    world.clock.advance(6 * MINUTE);
    const method = via === 'pim' ? 'POST' : 'DELETE';
    await world.fault({ method, path: '/roleManagement', effect: 'lost_response' });
    await world.fault({ method: 'GET', path: '/roleManagement', effect: 'status', status: 429, retry_after: 5 });
    const { result } = await take(scene.signed, orderOf(scene), scene.thing, via);
    expect(result).toMatchObject({ result: 'done', code: null });
    expect(
      (await world.truth()).calls.filter((call) => call.method === method && call.path.includes('roleA')),
    ).toHaveLength(1);
  });

  it('leaves what somebody removed and gave again', async () => {
    const scene = await killed(via);
    if (via === 'pim') {
      const tuple = { principalId: BOB, roleDefinitionId: SECURITY_READER, directoryScopeId: '/' };
      await world.graph('POST', REQUESTS, `user:${ADMIN}`, { action: 'adminRemove', ...tuple, justification: 'no' });
    } else await world.graph('DELETE', `${ASSIGNMENTS}/${scene.thing.assignment_id}`, `user:${ADMIN}`);
    world.clock.advance(MINUTE);
    await give(ADMIN, via);
    world.clock.advance(20 * MINUTE);
    // A plain assignment may have the id of the one before: only the audit log knows, which the verifier reads.
    expect(await looks(scene)).toEqual(['changed']);
    if (via === 'pim')
      expect((await take(scene.signed, orderOf(scene), scene.thing)).result).toMatchObject({ code: 'changed_since' });
    expect(await held()).toBe(true);
  });

  it('does nothing to a protected grantee', async () => {
    const scene = await killed(via);
    world.protectedIds.add(BOB);
    expect((await take(scene.signed, orderOf(scene), scene.thing, via)).result).toMatchObject({
      result: 'refused',
      code: 'protected_target',
    });
    expect(await held()).toBe(true);
  });
});

describe('an order to take something back', () => {
  it.each([
    ['the authority did not sign', {}, roleKeys.register, 'order_not_authentic'],
    ['is over', { expires_at: '2026-06-01T10:00:00Z' }, roleKeys.authority, 'expired'],
    [
      'rests on no statement',
      { statements: [{ payload: '{}', signature: 'x'.repeat(40) }] },
      roleKeys.authority,
      'malformed',
    ],
    ['is of what ended without a kill', { mark: null }, roleKeys.authority, 'not_killed'],
    ['is about an account', { act: 'restore_account' }, roleKeys.authority, 'order_malformed'],
  ])('that %s is refused, whoever holds the authority’s key', async (_, over, key, code) => {
    const scene = await killed();
    await expect(take(scene.signed, orderOf(scene, over, key), scene.thing)).rejects.toMatchObject({
      type: code,
      nonRetryable: true,
    });
    expect(await held()).toBe(true);
  });

  it('removes nothing that it does not name, nor what another credential is for', async () => {
    const scene = await killed();
    const other = { ...scene.thing, principal_id: ALICE };
    await expect(take(scene.signed, orderOf(scene), other)).rejects.toMatchObject({ type: 'not_in_the_order' });
    await expect(take(scene.signed, orderOf(scene), scene.thing, 'direct')).rejects.toMatchObject({
      type: 'not_in_the_order',
    });
    const statements = [scene.later.takeBack(scene.later.listedEntry(scene.granted), [scene.thing], mallory)];
    await expect(take(scene.signed, orderOf(scene, { statements }), scene.thing)).rejects.toMatchObject({
      type: 'unknown_person',
    });
    expect(await held()).toBe(true);
  });

  it('is carried out once Graph’s floor of five minutes is over', async () => {
    const scene = await killed();
    const { failures, result } = await take(scene.signed, orderOf(scene), scene.thing);
    expect(failures.map(({ type }) => type)).toContain('too_short');
    expect(result.result).toBe('done');
  });
});

describe('enabling an account again', () => {
  async function disabled() {
    const request = requestFor({ at: world.clock.now() });
    const about = { request_digest: digestOf(request), policy_digest: policyDigest };
    const signed = world.intent({ event_id: request.event_id, ...about, on_kill: ON_KILL });
    world.clock.advance(10 * MINUTE);
    await world.graph('PATCH', `/users/${ALICE}`, DISABLER, { accountEnabled: false });
    const scene = new FollowUpScene(request, signed.intent, world.clock.now());
    world.clock.advance(20 * MINUTE);
    return { signed, scene, since: scene.disabledEntry().at };
  }
  const orderFor = (scene: FollowUpScene, people = [bob, carol], over = {}) => {
    const expires_at = instant(world.clock.now() + 10 * MINUTE);
    const statements = people.map((by) => scene.restore(scene.disabledEntry(), by));
    return scene.order({
      act: 'restore_account',
      statements,
      report: scene.disabled(),
      entries: [],
      over: { expires_at, ...over },
    });
  };
  const enable = (signed: Signed, order: Receipt, options: RunOptions = {}) =>
    runAttempts(
      restoreAccount(deps(DISABLER, ['User.EnableDisableAccount.All', 'User.Read.All'])),
      { signed, order },
      world.clock,
      options,
    );
  const isEnabled = async (): Promise<boolean | undefined> =>
    ((await world.truth()) as unknown as { accounts: { id: string; enabled: boolean }[] }).accounts.find(
      ({ id }) => id === ALICE,
    )?.enabled;

  it('enables what Reseal disabled, reads it back, and the second identity sees it', async () => {
    const { signed, scene, since } = await disabled();
    expect((await look(signed, { act: 'restore_account', since })).account).toMatchObject({
      enabled: false,
      acted: [],
    });
    await world.fault({ method: 'PATCH', path: '/users', effect: 'lost_response' });
    expect((await enable(signed, orderFor(scene))).result).toMatchObject({ result: 'done', code: null });
    expect(await isEnabled()).toBe(true);
    const { result } = await runAttempts(
      verifyFollowUp(reader()),
      { signed, order_digest: 'b'.repeat(64), at: { act: 'restore_account', since } },
      world.clock,
    );
    expect(result.confirmed).toBe(true);
  });

  it('sees what somebody did to the account since, Reseal’s own doings left out', async () => {
    const { signed, since } = await disabled();
    await world.graph('PATCH', `/users/${ALICE}`, `user:${ADMIN}`, {
      passwordProfile: { password: 'Correct-Horse-9' },
    });
    world.clock.advance(20 * MINUTE);
    expect((await look(signed, { act: 'restore_account', since })).account).toMatchObject({
      enabled: false,
      acted: [{ activity: 'Reset user password', by: ADMIN }],
    });
  });

  it('leaves one that is enabled already, and enables none that somebody disables again', async () => {
    const { signed, scene } = await disabled();
    await world.graph('PATCH', `/users/${ALICE}`, `user:${ADMIN}`, { accountEnabled: true });
    expect((await enable(signed, orderFor(scene))).result).toMatchObject({ result: 'refused', code: 'acted_since' });
    await world.graph('PATCH', `/users/${ALICE}`, `user:${ADMIN}`, { accountEnabled: false });
    const again = enable(signed, orderFor(scene), {
      before: async (attempt) => {
        if (attempt === 3) await world.graph('PATCH', `/users/${ALICE}`, `user:${ADMIN}`, { accountEnabled: false });
      },
      maxAttempts: 200,
    });
    await expect(again).rejects.toMatchObject({ type: 'expired' });
    expect(await isEnabled()).toBe(false);
  });

  it.each([
    ['of one person where the policy wants two', [bob], {}, 'quorum_not_met'],
    ['after a compromise', [bob, carol], { compromise: true }, 'for_compromise'],
  ])('refuses an order %s', async (_, people, mark, code) => {
    const { signed, scene } = await disabled();
    await expect(enable(signed, orderFor(scene, people, { mark: scene.mark(mark) }))).rejects.toMatchObject({
      type: code,
    });
    expect(await isEnabled()).toBe(false);
  });

  it('refuses a protected principal', async () => {
    const { signed, scene } = await disabled();
    world.protectedIds.add(ALICE);
    expect((await enable(signed, orderFor(scene))).result).toMatchObject({ code: 'protected_target' });
    expect(await isEnabled()).toBe(false);
  });
});
