import { describe, expect, it } from 'vitest';

import { standingOf } from '../../../domain/sweep.js';
import { generateRoleKey } from '../../../proofs/role-key.js';
import { readEntry } from '../../../proofs/receipt.js';
import type { SignedIntent } from '../../../domain/intent.js';
import { HELD, inAWorld } from '../graph/in-a-world.js';
import { ALICE, BOB, STRANGER, USER_ADMINISTRATOR, withEmptyList, WRITER, type World } from '../graph/world.js';
import { MINUTE, Sweeping } from './sweep-world.js';
import { roleTuple } from '../../../activities/graph/pim/pim-wire.js';

let world: World;
let sweeping: Sweeping;
let signed: SignedIntent;
inAWorld((fresh) => {
  world = fresh;
  sweeping = new Sweeping(world);
  signed = world.intent();
});

const REQUESTS = '/roleManagement/directory/roleAssignmentScheduleRequests';
/** Minutes from the grant of 30 minutes until the sweep may end it. */
const DUE = 32;

const standing = async (): Promise<number> => (await world.truth()).assignments.length;
const removals = async (): Promise<number> =>
  (await world.posts()).filter(({ action }) => action === 'adminRemove').length;

async function grantedAndLeft(minutes = DUE): Promise<void> {
  await world.assign(signed, WRITER);
  await sweeping.pass(minutes * MINUTE);
}

describe('what our application created with a valid marker', () => {
  it('is left alone until two minutes past its deadline', async () => {
    await grantedAndLeft(DUE - 0.1);
    const report = await sweeping.run();
    expect(report.found).toMatchObject([
      { verdict: 'in_time', why: 'deadline_not_passed', event_id: signed.intent.event_id, outcome: null },
    ]);
    expect(standingOf(report)).toBe('clean');
    expect([await standing(), await removals()]).toEqual([1, 0]);
  });

  it('is resealed from then on, with a receipt of the sweeper and five agreeing reads', async () => {
    await grantedAndLeft();
    const report = await sweeping.run();
    expect(report.found).toMatchObject([
      { verdict: 'due', why: 'deadline_passed', standing: true, outcome: { end: 'confirmed', code: 'revoked' } },
    ]);
    expect(standingOf(report)).toBe('clean');
    expect([await standing(), await removals()]).toEqual([0, 1]);
    const { intent } = signed;
    const receipt = report.found[0]?.outcome?.receipt;
    const read = readEntry(receipt?.envelope, intent.event_id, (keyid) =>
      keyid === sweeping.key.keyid ? { role: 'sweeper', publicKey: sweeping.key.publicKey } : undefined,
    );
    if (!read.ok) throw new Error(read.message);
    expect(read.entry).toMatchObject({
      type: 'swept',
      data: { ended_by: 'sweep', deadline: intent.deadline, tuple: intent.tuple, word: 'revoked', end: 'confirmed' },
    });
    const reads = read.entry.data['reads'] as { at: string }[];
    expect(reads).toHaveLength(5);
    const times = reads.map(({ at }) => Date.parse(at));
    expect(times.every((at, index) => index === 0 || at - (times[index - 1] ?? 0) >= 5000)).toBe(true);
    expect(sweeping.codes()).toEqual(['sweep_ended']);
  });

  it('is found though lists leave out its instance, and though its requests have more than one page', async () => {
    await grantedAndLeft();
    for (let index = 0; index < 120; index += 1)
      await world.graph('POST', REQUESTS, STRANGER, {
        action: 'adminAssign',
        principalId: BOB,
        roleDefinitionId: USER_ADMINISTRATOR,
        directoryScopeId: `/administrativeUnits/00000000-0000-4000-8000-${String(index).padStart(12, '0')}`,
        justification: 'another',
        scheduleInfo: { expiration: { type: 'afterDuration', duration: 'PT1H' } },
      });
    const before = (await world.truth()).calls.length;
    const looked = await sweeping.run('look');
    expect(looked.tenants[0]?.rows).toEqual({ instances: 121, requests: 121, assignments: 121 });
    expect(looked.counts).toMatchObject({ due: 1, foreign: 120 });
    expect(looked.found.filter(({ verdict }) => verdict === 'foreign')).toHaveLength(50);
    const paths = (await world.truth()).calls.slice(before).map(({ path }) => path);
    expect(paths.filter((path) => path.includes('$skiptoken') || path.includes('%24skiptoken'))).toHaveLength(3);
    expect(await standing()).toBe(121);
    const report = await withEmptyList('roleAssignmentScheduleInstances', () => sweeping.run());
    expect(report.found.find(({ verdict }) => verdict === 'due')).toMatchObject({ outcome: { code: 'revoked' } });
    expect(await standing()).toBe(120);
  });

  it('is cancelled where it was only to begin later', async () => {
    const startDateTime = new Date(world.clock.now() + 36 * MINUTE).toISOString();
    const endDateTime = new Date(world.clock.now() + 60 * MINUTE).toISOString();
    const expiration = { type: 'afterDateTime', endDateTime };
    await world.assign(signed, WRITER, { scheduleInfo: { startDateTime, expiration } });
    await sweeping.pass(DUE * MINUTE);
    const report = await sweeping.run();
    expect(report.found).toMatchObject([
      { verdict: 'due', why: 'request_undecided', standing: false, outcome: { code: 'cancelled' } },
    ]);
    await sweeping.pass(10 * MINUTE);
    expect(await standing()).toBe(0);
  });

  it('stays known after a change of the authority’s key', async () => {
    await grantedAndLeft();
    world.authorityKeys.unshift(generateRoleKey().publicKey);
    expect((await sweeping.run()).found).toMatchObject([{ outcome: { end: 'confirmed' } }]);
  });
});

describe('what is not the sweep’s business', () => {
  it('tells somebody else’s grants and leaves them: through PIM, outside PIM, and with our marker in them', async () => {
    await world.assign(signed, STRANGER);
    await world.control('/assignments', { ...HELD, principal_id: BOB, via: 'direct' });
    await sweeping.pass(33 * MINUTE);
    const report = await sweeping.run();
    expect(report.found.map(({ verdict, why, made_by }) => [verdict, why, made_by])).toEqual(
      expect.arrayContaining([
        ['foreign', 'made_by_another', STRANGER],
        ['outside_pim', 'made_outside_pim', null],
      ]),
    );
    expect(report.found).toHaveLength(2);
    expect(standingOf(report)).toBe('clean');
    expect([await standing(), await removals()]).toEqual([2, 0]);
  });

  it('leaves a user’s own activation of the same role alone, also with our marker in its words', async () => {
    const { tuple, marker } = signed.intent;
    await world.control('/eligibilities', HELD);
    const answer = await world.graph('POST', REQUESTS, `user:${ALICE}:mfa`, {
      action: 'selfActivate',
      principalId: tuple.principal_id,
      roleDefinitionId: roleTuple(tuple).role_template_id,
      directoryScopeId: '/',
      justification: marker.justification,
      ticketInfo: { ticketNumber: marker.ticket_number, ticketSystem: marker.ticket_system },
      scheduleInfo: { expiration: { type: 'afterDuration', duration: 'PT2H' } },
    });
    expect(answer.status).toBe(201);
    await sweeping.pass(33 * MINUTE);
    const report = await sweeping.run();
    expect(report.found).toMatchObject([{ verdict: 'self_activated', why: 'own_activation', made_by: ALICE }]);
    expect([await standing(), await removals()]).toEqual([1, 0]);
  });

  it('leaves what another administrator has taken over since', async () => {
    await grantedAndLeft(20);
    await world.control('/assignments', { ...HELD, created_by_app: STRANGER });
    await sweeping.pass(20 * MINUTE);
    const report = await sweeping.run();
    expect(report.found).toMatchObject([{ verdict: 'foreign', why: 'taken_over', made_by: STRANGER }]);
    expect([await standing(), await removals()]).toEqual([1, 0]);
  });

  it('leaves a later ceremony’s grant of the same tuple alone', async () => {
    await grantedAndLeft(12);
    const remove = {
      action: 'adminRemove',
      principalId: ALICE,
      roleDefinitionId: USER_ADMINISTRATOR,
      directoryScopeId: '/',
    };
    await world.graph('POST', REQUESTS, WRITER, remove);
    const next = world.intent({
      event_id: 'fedcba9876543210',
      deadline: new Date(world.clock.now() + 40 * MINUTE).toISOString(),
    });
    await world.assign(next, WRITER);
    await sweeping.pass(25 * MINUTE);
    const report = await sweeping.run();
    expect(report.found).toMatchObject([{ verdict: 'in_time', event_id: 'fedcba9876543210' }]);
    expect([await standing(), await removals()]).toEqual([1, 1]);
  });
});

describe('what our application made without a marker that holds', () => {
  const forged = async (how: 'none' | 'another key' | 'another tuple'): Promise<void> => {
    if (how === 'none') return world.assign(signed, WRITER, { justification: 'maintenance', ticketInfo: null });
    if (how === 'another key') return world.assign(world.intent({}, generateRoleKey()), WRITER);
    return world.assign(signed, WRITER, { principalId: BOB });
  };

  it.each([
    ['none', 'marker_absent'],
    ['another key', 'marker_signature_invalid'],
    ['another tuple', 'marker_signature_invalid'],
  ] as const)('is a compromise, told and not touched: %s', async (how, why) => {
    await forged(how);
    await sweeping.pass(33 * MINUTE);
    const report = await sweeping.run();
    expect(report.found).toMatchObject([
      { verdict: 'compromise', why, made_by: WRITER, standing: true, event_id: null },
    ]);
    expect(standingOf(report)).toBe('compromise');
    expect(sweeping.codes()).toEqual(['sweep_compromise']);
    expect([await standing(), await removals()]).toEqual([1, 0]);
  });

  it('is one also at once, and for a day after it was taken back', async () => {
    await forged('none');
    await sweeping.pass(6 * MINUTE);
    expect(standingOf(await sweeping.run())).toBe('compromise');
    await world.control('/assignments', { ...HELD, remove: true });
    expect((await sweeping.run()).found).toMatchObject([{ verdict: 'compromise', standing: false }]);
    await sweeping.pass(24 * 60 * MINUTE);
    expect((await sweeping.run()).found).toEqual([]);
  });

  it('is one when our application extends a grant that is not its own', async () => {
    await world.assign(signed, STRANGER);
    await world.assign(signed, WRITER, { action: 'adminUpdate', justification: 'longer', ticketInfo: null });
    const report = await sweeping.run();
    expect(report.found).toMatchObject([{ verdict: 'compromise', why: 'changed_without_marker', made_by: WRITER }]);
  });
});

describe('what was extended', () => {
  const extended = (minutes: number, over: { event_id?: string } = {}): SignedIntent =>
    world.intent({
      round: 2,
      deadline: new Date(Date.parse(signed.intent.deadline) + minutes * MINUTE).toISOString(),
      ...over,
    });
  async function grantedAndExtended(to: SignedIntent, minutes: number, change: object = {}): Promise<void> {
    await grantedAndLeft(10);
    await world.assign(to, WRITER, { action: 'adminUpdate', ...change });
    await sweeping.pass(minutes * MINUTE);
  }

  it('has until the later deadline that the authority signed, and is resealed then', async () => {
    const second = extended(20);
    await grantedAndExtended(second, DUE + 9);
    const { deadline } = second.intent;
    expect((await sweeping.run()).found).toMatchObject([{ verdict: 'in_time', why: 'deadline_not_passed', deadline }]);
    await sweeping.pass(2 * MINUTE);
    expect((await sweeping.run()).found).toMatchObject([
      { verdict: 'due', deadline, outcome: { end: 'confirmed', code: 'revoked' } },
    ]);
    expect(await standing()).toBe(0);
  });

  it('is extended by nothing but the marker of the same event: another’s is a compromise', async () => {
    await grantedAndExtended(extended(20, { event_id: 'fedcba9876543210' }), DUE);
    expect((await sweeping.run()).found).toMatchObject([{ verdict: 'compromise', why: 'changed_without_marker' }]);
  });

  it('is not extended by an update that the provider has not carried out', async () => {
    await grantedAndLeft(10);
    await world.control('/statuses', { statuses: [{ status: 'PendingApproval', takes_effect: false }] });
    await world.assign(extended(20), WRITER, { action: 'adminUpdate' });
    await sweeping.pass((DUE - 10) * MINUTE);
    expect((await sweeping.run()).found[0]).toMatchObject({ verdict: 'due', deadline: signed.intent.deadline });
  });
});
