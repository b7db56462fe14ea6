import { beforeEach, describe, expect, it } from 'vitest';

import { instant } from '../../../../domain/identifiers.js';
import type { Intent, SignedIntent } from '../../../../domain/intent.js';
import { applyOutcomeSchema } from '../../../../domain/outcomes.js';
import type { Evidence } from '../../../../domain/tasks.js';
import { runAttempts, type RunOptions } from '../attempts.js';
import { grantedIn, HELD, inAWorld, MINUTE, NOTHING } from '../in-a-world.js';
import { EVIDENCE, STRANGER, WRITER, type World } from '../world.js';

let world: World;
let signed: SignedIntent;
let second: SignedIntent;
inAWorld((fresh) => {
  world = fresh;
});

const later = (
  minutes: number,
  change: Partial<Extract<Intent, { kind: 'entra.directory_role' }>> = {},
): SignedIntent =>
  world.intent({
    round: 2,
    deadline: instant(Date.parse(signed.intent.deadline) + minutes * MINUTE),
    evidence_digest: '4'.repeat(64),
    ...change,
  });

/** Granted for half an hour, ten minutes ago, and to be extended by twenty minutes. */
beforeEach(async () => {
  signed = world.intent();
  await grantedIn(world, signed, 10 * MINUTE);
  second = later(20);
});

async function extend(options: RunOptions & { first?: boolean; prior?: SignedIntent[] } = {}, extension = second) {
  const { first = true, prior = [signed] } = options;
  const evidence: Evidence = { ...EVIDENCE, extension: { asked: { payload: '', signature: '' }, prior } };
  const input = { signed: extension, evidence, warrant: await world.warrant(extension), first };
  const ran = await runAttempts(world.effects.apply, input, world.clock, options);
  expect(applyOutcomeSchema.parse(ran.result)).toEqual(ran.result);
  return ran;
}
const updates = async (): Promise<number> =>
  (await world.posts()).filter(({ action, validation_only }) => action === 'adminUpdate' && !validation_only).length;
const faultOnUpdate = (fault: object): Promise<void> =>
  world.fault({ method: 'POST', action: 'adminUpdate', validation_only: false, ...fault });
const ends = async (): Promise<string | undefined> => {
  const { assignments } = await world.truth();
  expect(assignments).toHaveLength(1);
  return assignments[0]?.ends_at === null ? undefined : new Date(assignments[0]?.ends_at ?? '').toISOString();
};
const removeIt = (intent = second) => runAttempts(world.effects.rollback, { signed: intent, round: 1 }, world.clock);

describe('an extension', () => {
  it('moves the provider’s own end of the assignment that stands, with the marker of its round', async () => {
    const { result } = await extend();
    expect(result).toMatchObject({ outcome: 'granted', adopted: false, ends_at: second.intent.dead_man });
    expect(await ends()).toBe(second.intent.dead_man);
    expect((await world.truth()).assignments[0]?.ticket_number).toBe(second.intent.marker.ticket_number);
    expect(await updates()).toBe(1);
    expect(world.entry('extended')).toMatchObject({
      ends_at: second.intent.dead_man,
      warrant: expect.any(String) as string,
    });
    expect(world.entries.at(-1)?.transition).toBe('extended/2');
  });

  it('is removed whole, by the intent of either round', async () => {
    await extend();
    const { result } = await removeIt(signed);
    expect(result).toMatchObject({ outcome: 'removed', word: 'revoked' });
    expect((await world.truth()).assignments).toHaveLength(0);
    expect((await removeIt()).result).toMatchObject({ outcome: 'removed', word: 'revoked' });
  });

  it('is adopted where an earlier attempt left it, and made again where none is to be seen', async () => {
    await faultOnUpdate({ effect: 'lost_response' });
    expect((await extend()).result).toMatchObject({ outcome: 'granted', adopted: true });
    expect(await updates()).toBe(1);
  });

  it('is called again where the call was lost on its way, and is the same update', async () => {
    await faultOnUpdate({ effect: 'status', status: 503 });
    const { result, attempts } = await extend();
    expect(result).toMatchObject({ outcome: 'granted' });
    expect(attempts).toBe(2);
    expect(await ends()).toBe(second.intent.dead_man);
  });

  it('is refused as the provider refuses it, and nothing is moved', async () => {
    await faultOnUpdate({ effect: 'status', status: 403, code: 'UnauthorizedAccessException' });
    expect((await extend()).result).toMatchObject({ outcome: 'refused', clean: true });
    expect(await ends()).toBe(signed.intent.dead_man);
    expect(world.entries.at(-1)).toMatchObject({ type: 'not_extended', transition: 'not_extended/2' });
  });

  it('is not tried in the last minute before the deadline that holds', async () => {
    world.clock.advance(19 * MINUTE);
    expect((await extend()).result).toMatchObject({ outcome: 'refused', code: 'extension_too_late', clean: true });
    expect(await updates()).toBe(0);
  });

  it('gives up when that minute comes, and says that a call may have got through', async () => {
    await faultOnUpdate({ effect: 'status', status: 503, times: 1000 });
    world.clock.advance(17 * MINUTE);
    expect((await extend()).result).toMatchObject({ outcome: 'refused', code: 'extension_too_late', clean: false });
  });

  it('touches nothing that was removed, or that is somebody else’s by now', async () => {
    await removeIt(signed);
    expect((await extend()).result).toMatchObject({ outcome: 'refused', code: 'already_removed' });
    await world.control('/assignments', HELD);
    expect((await extend()).result).toMatchObject({ outcome: 'refused', code: 'already_removed' });
    expect(await updates()).toBe(0);
  });

  it('touches nothing that another administrator has changed since', async () => {
    await world.assign(signed, STRANGER, {
      action: 'adminUpdate',
      justification: 'mine now',
      ticketInfo: { ticketNumber: null, ticketSystem: null },
    });
    expect((await extend()).result).toMatchObject({ outcome: 'refused', code: 'taken_over' });
    expect(await updates()).toBe(1);
  });

  it('waits for a read that knows of the grant', async () => {
    const fresh = world.intent({ event_id: 'fedcba9876543210', round: 2, deadline: second.intent.deadline });
    const { result, failures } = await extend({}, fresh);
    expect(result).toMatchObject({ outcome: 'refused', code: 'request_not_visible' });
    expect(failures.length).toBeGreaterThan(2);
  });

  it('is nothing to a protected principal', async () => {
    world.protectedIds.add(signed.intent.tuple.principal_id);
    expect((await extend()).result).toMatchObject({ outcome: 'refused', code: 'protected_principal' });
  });
});

describe('the second identity', () => {
  const verify = (intent: SignedIntent, options: RunOptions = {}) =>
    runAttempts(world.verifier.verify, { signed: intent, survey: NOTHING }, world.clock, options);
  const watch = (options: RunOptions) =>
    runAttempts(world.verifier.watch, { signed, survey: NOTHING }, world.clock, options);

  it('does not take the end of before for the later one', async () => {
    await expect(verify(second, { maxAttempts: 6 })).rejects.toThrow('not_yet_agreed');
    await extend();
    const { result } = await verify(second);
    expect(result).toMatchObject({ outcome: 'present', ends_at: second.intent.dead_man, findings: [] });
    expect(world.entries.at(-1)?.transition).toBe('verified/2');
  });

  it('finds nothing in an extension of the authority’s, and watches until the later deadline', async () => {
    await extend();
    await expect(watch({ maxAttempts: 8 })).rejects.toThrow('nothing_new');
    world.clock.ms = Date.parse(signed.intent.deadline) + MINUTE;
    await expect(watch({ maxAttempts: 2 })).rejects.toThrow('nothing_new');
    world.clock.ms = Date.parse(second.intent.deadline);
    await expect(watch({ maxAttempts: 2 })).rejects.toThrow('watch_over');
  });

  it('tells of an end that no marker explains, extended or not', async () => {
    await extend();
    const beyond = instant(Date.parse(second.intent.dead_man ?? '') + 1000);
    await world.assign(second, WRITER, {
      action: 'adminUpdate',
      scheduleInfo: { expiration: { type: 'afterDateTime', endDateTime: beyond } },
    });
    const { result } = await watch({ maxAttempts: 8 });
    expect(result.findings).toMatchObject([{ code: 'ends_later_than_intended' }]);
  });
});
