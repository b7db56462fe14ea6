import { beforeEach, describe, expect, it } from 'vitest';

import type { SignedIntent } from '../../../../domain/intent.js';
import type { Request } from '../../../../domain/request.js';
import { generateRoleKey } from '../../../../proofs/role-key.js';
import { runAttempts } from '../attempts.js';
import { applyIn, grantedIn, inAWorld, MINUTE, NOTHING } from '../in-a-world.js';
import { ALICE, BOB, EVIDENCE, STRANGER, WRITER, type World } from '../world.js';

const GROUP = '68e55cce-cf7e-4a2d-9046-3e4e75c4bfa7';
const NAME = 'CA exclusion (break-glass)';
/** The membership, as the simulator's control names it. */
const HELD = { principal_id: ALICE, role_definition_id: GROUP, directory_scope_id: '#member' };

let world: World;
let signed: SignedIntent;
inAWorld((fresh) => {
  world = fresh;
  world.effectRole = 'effect:entra.group_membership';
  signed = world.groupIntent(GROUP);
});
beforeEach(() => world.control('/groups', { id: GROUP, display_name: NAME }));

function asked(effect: object = {}): Request {
  return {
    event_id: '0123456789abcdef',
    profile: 'ca-exclusion',
    reason_code: 'incident',
    justification: 'the sign-in policy locks everybody out',
    ticket: null,
    duration_seconds: 1800,
    invoker: { person: 'alice', upn: 'alice@example.test' },
    principal: { object_id: ALICE, upn: 'alice@example.test' },
    effect: {
      kind: 'entra.group_membership',
      tenant_id: world.tenant,
      group_id: GROUP,
      group_name: NAME,
      end_sessions: true,
      ...effect,
    },
    policy_digest: '2'.repeat(64),
    requested_at: '2026-06-01T10:00:00.000Z',
  };
}

async function survey(request = asked()) {
  const input = { request, request_digest: 'a'.repeat(64) };
  return (await runAttempts(world.verifier.survey, input, world.clock)).result;
}

const rollback = async (of = signed) =>
  (await runAttempts(world.effects.rollback, { signed: of, round: 1 }, world.clock)).result;

const members = async (): Promise<string[]> =>
  (await world.truth()).assignments.map(({ principal_id }) => principal_id).sort();

describe('a group that is asked for', () => {
  it('is surveyed with everybody who is a member now', async () => {
    await world.control('/assignments', { ...HELD, principal_id: BOB });
    const surveyed = await survey();
    expect(surveyed).toMatchObject({ outcome: 'surveyed', survey: { holders: [expect.stringContaining(BOB)] } });
    expect(world.entry('surveyed')).toMatchObject({
      target: { group_id: GROUP, group_name: NAME },
      tool: 'breakglass.microsoft_graph.read_group_membership',
    });
  });

  it.each([
    ['nobody has heard of', { group_id: WRITER }, {}, 'group_not_found'],
    ['with another name', { group_name: 'Another' }, {}, 'group_name_differs'],
    ['which a rule fills', {}, { dynamic: true }, 'group_not_grantable'],
    ['which another directory fills', {}, { on_premises_synced: true }, 'group_not_grantable'],
  ])('is refused when it is one %s', async (_name, effect, group, code) => {
    await world.control('/groups', { id: GROUP, display_name: NAME, ...group });
    expect(await survey(asked(effect))).toMatchObject({ outcome: 'refused', code });
  });

  it.each(['pim', 'direct'])(
    'is refused to who is a member already (%s): that would be taken away too',
    async (via) => {
      await world.control('/assignments', { ...HELD, via });
      expect(await survey()).toMatchObject({ outcome: 'refused', code: 'foreign_assignment' });
    },
  );

  it('is refused for longer than the settings of this group allow', async () => {
    await world.control('/policies', { role_definition_id: GROUP, max_active_duration: 'PT30M' });
    expect(await survey()).toMatchObject({ outcome: 'refused', code: 'policy_forbids_duration' });
  });
});

describe('a membership', () => {
  it('is given until the dead-man with one write, and seen by the second identity', async () => {
    await grantedIn(world, signed);
    const [given] = (await world.truth()).assignments;
    expect(given).toMatchObject({ ...HELD, ends_at: signed.intent.dead_man, created_by_app: WRITER });
    expect(world.entry('granted')).toMatchObject({
      kind: 'entra.group_membership',
      tuple: signed.intent.tuple,
      tool: 'breakglass.microsoft_graph.write_group_membership',
    });
    const { result } = await runAttempts(world.verifier.verify, { signed, survey: NOTHING }, world.clock);
    expect(result).toMatchObject({ outcome: 'present', ends_at: signed.intent.dead_man, findings: [] });
  });

  it('is found again by its marker where the answer was lost', async () => {
    await world.control('/faults', { method: 'POST', effect: 'lost_response', after: true, validation_only: false });
    const { result } = await applyIn(world, signed);
    expect(result).toMatchObject({ outcome: 'granted', adopted: true });
    expect(await members()).toEqual([ALICE]);
  });

  it('is removed with one write, and reads agree that it is gone', async () => {
    await grantedIn(world, signed, 10 * MINUTE);
    expect(await rollback()).toMatchObject({ outcome: 'removed', word: 'revoked' });
    expect(await members()).toEqual([]);
    const input = { signed, survey: NOTHING, round: 1, settle_until: null, patience: 3, shown: world.shown };
    const { result } = await runAttempts(world.verifier.verifyRolledBack, input, world.clock);
    expect(result).toMatchObject({ outcome: 'absent', findings: [] });
  });

  it('cannot be removed in its first five minutes', async () => {
    await grantedIn(world, signed, MINUTE);
    expect(await rollback()).toMatchObject({ outcome: 'too_short' });
  });

  it('ends by itself at the dead-man when nobody removes it', async () => {
    await grantedIn(world, signed);
    world.clock.ms = Date.parse(signed.intent.dead_man ?? '');
    expect(await members()).toEqual([]);
  });

  it('leaves others of the group alone, and who owns it', async () => {
    await world.control('/assignments', { ...HELD, principal_id: BOB });
    await world.control('/assignments', { ...HELD, directory_scope_id: '#owner' });
    await grantedIn(world, signed, 10 * MINUTE);
    await rollback();
    expect(await members()).toEqual([ALICE, BOB].sort());
    expect(JSON.stringify((await world.truth()).assignments)).toContain('#owner');
  });

  it('of somebody else stands: it is neither adopted nor removed', async () => {
    await world.assign(signed, STRANGER);
    expect((await applyIn(world, signed)).result).toMatchObject({ outcome: 'refused', code: 'foreign_assignment' });
    world.clock.advance(10 * MINUTE);
    expect(await rollback()).toMatchObject({ outcome: 'nothing_seen', findings: [{ code: 'foreign_assignment' }] });
    expect(await members()).toEqual([ALICE]);
  });

  it('is not taken for ours with a marker that another key signed', async () => {
    const forged = world.groupIntent(GROUP, generateRoleKey());
    await world.assign(forged, WRITER);
    world.clock.advance(10 * MINUTE);
    expect(await rollback()).toMatchObject({ outcome: 'nothing_seen' });
  });

  it('that comes unasked kills: told of whoever joined meanwhile', async () => {
    await grantedIn(world, signed);
    await world.control('/assignments', { ...HELD, principal_id: BOB, created_by_app: WRITER });
    const { result } = await runAttempts(world.verifier.verify, { signed, survey: NOTHING }, world.clock);
    expect(result.findings).toMatchObject([{ code: 'unexpected_target_detected' }]);
  });
});

describe('a membership that is extended', () => {
  const later = (): SignedIntent =>
    world.intent({
      round: 2,
      deadline: new Date(Date.parse(signed.intent.deadline) + 20 * MINUTE).toISOString(),
      tuple: signed.intent.tuple as never,
    });
  async function extend(second: SignedIntent) {
    const evidence = { ...EVIDENCE, extension: { asked: { payload: '', signature: '' }, prior: [signed] } };
    const input = { signed: second, evidence, warrant: await world.warrant(second), first: true };
    return (await runAttempts(world.effects.apply, input, world.clock)).result;
  }

  it('keeps until the later dead-man, is seen so by the second identity, and is removed whole', async () => {
    await grantedIn(world, signed, 10 * MINUTE);
    const second = later();
    const { dead_man } = second.intent;
    expect(await extend(second)).toMatchObject({ outcome: 'granted', adopted: false, ends_at: dead_man });
    expect((await world.truth()).assignments).toMatchObject([{ ...HELD, ends_at: dead_man }]);
    expect(world.entry('extended')).toMatchObject({ tool: 'breakglass.microsoft_graph.write_group_membership' });
    const { result } = await runAttempts(world.verifier.verify, { signed: second, survey: NOTHING }, world.clock);
    expect(result).toMatchObject({ outcome: 'present', ends_at: dead_man, findings: [] });
    expect(await rollback(second)).toMatchObject({ outcome: 'removed', word: 'revoked' });
    expect(await members()).toEqual([]);
  });

  it('touches nothing of a member who became one otherwise', async () => {
    await world.control('/assignments', HELD);
    expect(await extend(later())).toMatchObject({ outcome: 'refused', code: 'request_not_visible' });
    expect((await world.posts()).filter(({ action }) => action === 'adminUpdate')).toEqual([]);
  });
});

describe('the gate of the role that gives memberships', () => {
  it('refuses a warrant for a directory role, and the other role one for a group', async () => {
    expect((await applyIn(world, world.intent())).result).toMatchObject({
      outcome: 'refused',
      code: 'warrant_foreign',
    });
    world.effectRole = 'effect:entra.directory_role';
    expect((await applyIn(world, signed)).result).toMatchObject({ outcome: 'refused', code: 'warrant_foreign' });
    expect(await members()).toEqual([]);
  });
});

describe("the directory's audit log", () => {
  it('shows both changes of a membership', async () => {
    await grantedIn(world, signed, 10 * MINUTE);
    await rollback();
    const ended_at = new Date(world.clock.ms).toISOString();
    world.clock.advance(16 * MINUTE);
    const { result } = await runAttempts(world.verifier.audit, { signed, ended_at }, world.clock);
    expect(result.outcome).toBe('audited');
  });
});
