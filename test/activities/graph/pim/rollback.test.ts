import { describe, expect, it } from 'vitest';

import { instant } from '../../../../domain/identifiers.js';
import { rollbackOutcomeSchema } from '../../../../domain/outcomes.js';
import type { SignedIntent } from '../../../../domain/intent.js';
import { generateRoleKey } from '../../../../proofs/role-key.js';
import { runAttempts, type RunOptions } from '../attempts.js';
import { grantedIn, HELD, inAWorld, MINUTE } from '../in-a-world.js';
import { ALICE, STRANGER, withEmptyList, WRITER, type World } from '../world.js';

let world: World;
let signed: SignedIntent;
inAWorld((fresh) => {
  world = fresh;
  signed = world.intent();
});

const granted = (afterMs = 10 * MINUTE): Promise<void> => grantedIn(world, signed, afterMs);

async function rollback(options: RunOptions = {}, round = 1) {
  const ran = await runAttempts(world.effects.rollback, { signed, round }, world.clock, options);
  expect(rollbackOutcomeSchema.parse(ran.result)).toEqual(ran.result);
  return ran;
}

const standing = async (): Promise<number> => (await world.truth()).assignments.length;
const removals = async (): Promise<number> =>
  (await world.posts()).filter(({ action }) => action === 'adminRemove').length;

describe('when ours stands', () => {
  it('removes it with one write, after looking once for our marker and once for what stands', async () => {
    await granted();
    const before = (await world.truth()).calls.length;
    const { result, attempts } = await rollback();
    expect(result).toMatchObject({ outcome: 'removed', word: 'revoked' });
    expect(attempts).toBe(1);
    const calls = (await world.truth()).calls.slice(before).filter(({ path }) => path.includes('/roleManagement/'));
    expect(calls.map(({ method }) => method)).toEqual(['GET', 'GET', 'POST']);
    const ids = calls.map(({ client_request_id }) => client_request_id);
    expect(new Set(ids).size).toBe(3);
    expect(new Set(world.entry('removal')['client_request_ids'] as string[])).toEqual(new Set(ids));
    expect(await standing()).toBe(0);
  });

  it('tells when it may try again after the five-minute floor', async () => {
    await granted(1 * MINUTE);
    const { result } = await rollback();
    expect(result).toMatchObject({ outcome: 'too_short', retry_at: '2026-06-01T10:05:05.000Z' });
    world.clock.ms = Date.parse('2026-06-01T10:05:05.000Z');
    expect((await rollback({}, 2)).result).toMatchObject({ outcome: 'removed', word: 'revoked' });
    expect(world.entries.filter(({ type }) => type === 'removal').map(({ transition }) => transition)).toEqual([
      'removal/1',
      'removal/2',
    ]);
  });

  it('waits as long as a throttled removal asks for, and never longer than a minute', async () => {
    await granted();
    await world.faultOnRemoval({ effect: 'status', status: 429, retry_after: 7 });
    await world.faultOnRemoval({ effect: 'status', status: 429, retry_after: 600 });
    const { result, failures } = await rollback();
    expect(failures.map(({ delayMs }) => delayMs)).toEqual([7000, 60_000]);
    expect(result).toMatchObject({ outcome: 'removed', word: 'revoked' });
  });

  it('never gives up: a provider that fails for an hour, refuses or denies is asked again', async () => {
    await granted();
    await world.faultOnRemoval({ effect: 'status', status: 503, times: 50 });
    await world.faultOnRemoval({ effect: 'status', status: 403, times: 5 });
    await world.faultOnRemoval({ effect: 'status', status: 400, times: 5 });
    const { result, failures } = await rollback({ maxAttempts: 100 });
    expect(failures).toHaveLength(60);
    expect(failures.every(({ nonRetryable, delayMs }) => !nonRetryable && delayMs <= 60_000)).toBe(true);
    // By then Graph itself had ended it: that is the dead-man.
    expect(result.outcome).toBe('removed');
    expect(await standing()).toBe(0);
  });
});

describe('when the answer to the removal is lost', () => {
  it("finds the provider's own record of it", async () => {
    await granted();
    await world.faultOnRemoval({ effect: 'lost_response' });
    const { result, failures } = await rollback();
    expect(failures).toMatchObject([{ type: 'graph_ambiguous' }]);
    expect(result).toMatchObject({ outcome: 'removed', word: 'revoked' });
    expect(await removals()).toBe(1);
  });

  it('ends although stale reads go on showing it', async () => {
    await granted();
    await world.control('/lag', { ms: 30_000 });
    await world.faultOnRemoval({ effect: 'lost_response' });
    expect((await rollback()).result).toMatchObject({ outcome: 'removed' });
    expect(await standing()).toBe(0);
  });

  it('believes "does not exist" only when it is not shown any more', async () => {
    await granted();
    await world.faultOnRemoval({ effect: 'status', status: 400, code: 'RoleAssignmentDoesNotExist' });
    const { result, failures } = await rollback();
    expect(failures).toMatchObject([{ type: 'removal_not_seen' }]);
    expect(result).toMatchObject({ outcome: 'removed', word: 'revoked' });
    expect(await standing()).toBe(0);
  });

  it('says gone when somebody else removed it', async () => {
    await granted();
    await world.control('/assignments', { ...HELD, remove: true });
    const { result } = await rollback();
    expect(result).toMatchObject({ outcome: 'removed', word: 'gone' });
    expect(await removals()).toBe(0);
  });
});

describe('when the provider takes its time over the removal', () => {
  it('comes back until it says Revoked', async () => {
    await granted();
    await world.control('/statuses', { statuses: [{ status: 'PendingRevocation', after_seconds: 20 }] });
    const { result, failures } = await rollback();
    expect(failures[0]).toMatchObject({ type: 'removal_undecided', delayMs: 5000 });
    expect(result).toMatchObject({ outcome: 'removed', word: 'revoked' });
    expect(await standing()).toBe(0);
  });
});

describe('when the grant has not begun', () => {
  it('cancels it', async () => {
    const startDateTime = new Date(world.clock.now() + 5 * MINUTE).toISOString();
    const expiration = { type: 'afterDateTime', endDateTime: signed.intent.dead_man };
    await world.assign(signed, WRITER, { scheduleInfo: { startDateTime, expiration } });
    const { result } = await rollback();
    expect(result).toMatchObject({ outcome: 'removed', word: 'revoked' });
    world.clock.advance(6 * MINUTE);
    expect(await standing()).toBe(0);
  });
});

describe('when nothing of ours is visible', () => {
  it('says so, and that this proves nothing is in the word', async () => {
    const { result } = await rollback();
    expect(result).toMatchObject({ outcome: 'nothing_seen', findings: [] });
    expect(await removals()).toBe(0);
  });

  it("never removes somebody else's assignment, made through PIM or outside of it", async () => {
    await world.control('/assignments', HELD);
    world.clock.advance(10 * MINUTE);
    const { result } = await rollback();
    expect(result).toMatchObject({ outcome: 'nothing_seen', findings: [{ code: 'foreign_assignment' }] });
    await world.control('/assignments', { ...HELD, via: 'direct' });
    expect((await rollback()).result).toMatchObject({ findings: [{ code: 'foreign_assignment' }] });
    expect(await removals()).toBe(0);
    expect(await standing()).toBe(1);
  });

  it('leaves an assignment that another application made with our very marker', async () => {
    await world.assign(signed, STRANGER);
    world.clock.advance(10 * MINUTE);
    expect((await rollback()).result).toMatchObject({
      outcome: 'nothing_seen',
      findings: [{ code: 'foreign_assignment' }],
    });
    expect(await standing()).toBe(1);
  });

  it('leaves one whose marker somebody else signed, though our application made it', async () => {
    await world.assign(world.intent({}, generateRoleKey()), WRITER);
    world.clock.advance(10 * MINUTE);
    expect((await rollback()).result).toMatchObject({ outcome: 'nothing_seen' });
    expect(await standing()).toBe(1);
  });

  it("leaves another ceremony's", async () => {
    await world.assign(world.intent({ event_id: 'ffffffffffffffff' }), WRITER);
    world.clock.advance(10 * MINUTE);
    expect((await rollback()).result).toMatchObject({ outcome: 'nothing_seen' });
    expect(await standing()).toBe(1);
  });

  it('finds ours by its id when the list of requests leaves it out', async () => {
    await granted();
    const { result } = await withEmptyList('roleAssignmentScheduleRequests', () => rollback());
    expect(result).toMatchObject({ outcome: 'removed', word: 'revoked' });
    expect(await standing()).toBe(0);
  });
});

describe('when somebody else has taken the assignment over since', () => {
  it('leaves what was made outside PIM, of which the requests do not tell', async () => {
    await granted();
    await world.control('/assignments', { ...HELD, via: 'direct' });
    expect((await rollback()).result).toMatchObject({ outcome: 'removed', word: 'gone' });
    expect(await removals()).toBe(0);
    expect(await standing()).toBe(1);
  });

  it('leaves what was made outside PIM after the provider had ended ours', async () => {
    await granted();
    world.clock.ms = Date.parse(signed.intent.dead_man ?? '') + MINUTE;
    expect(await standing()).toBe(0);
    await world.control('/assignments', { ...HELD, via: 'direct' });
    expect((await rollback()).result).toMatchObject({ outcome: 'removed', word: 'gone' });
    expect(await removals()).toBe(0);
    expect(await standing()).toBe(1);
  });

  it('ends ours all the same where what stands cannot be read', async () => {
    await granted();
    await world.control('/faults', {
      method: 'GET',
      path: '/roleManagement/directory/roleAssignmentScheduleInstances',
      times: null,
      effect: 'status',
      status: 503,
    });
    expect((await rollback()).result).toMatchObject({ outcome: 'removed', word: 'revoked' });
    await world.control('/reset', {});
  });

  it('leaves it: it is not ours to remove any more', async () => {
    await granted();
    await world.control('/assignments', HELD);
    const { result } = await rollback();
    expect(result).toMatchObject({ outcome: 'removed', word: 'gone' });
    expect(await removals()).toBe(0);
    expect(await standing()).toBe(1);
  });

  it('removes it all the same when it was the principal who extended our own', async () => {
    await granted();
    await world.control('/assignments', { ...HELD, created_by_user: ALICE });
    const { result } = await rollback();
    expect(result).toMatchObject({ outcome: 'removed', word: 'revoked' });
    expect(await standing()).toBe(0);
  });
});

describe('when the intent is not the authority’s', () => {
  const forge = (): SignedIntent => ({ ...signed, intent: { ...signed.intent, deadline: '2030-01-01T00:00:00.000Z' } });

  it('removes nothing, and stays retryable', async () => {
    await granted();
    const forged = forge();
    const running = runAttempts(world.effects.rollback, { signed: forged, round: 1 }, world.clock, { maxAttempts: 2 });
    await expect(running).rejects.toThrow('intent_not_authentic, intent_not_authentic');
    expect(await standing()).toBe(1);
  });

  it.each([
    [1, 3],
    [2, 6],
    [3, 12],
    [9, 24],
  ])('says so in round %d after %d attempts, and signs nothing about it', async (round, patience) => {
    await granted();
    const before = world.entries.length;
    const calls = (await world.truth()).calls.length;
    const ran = await runAttempts(world.effects.rollback, { signed: forge(), round }, world.clock);
    expect(rollbackOutcomeSchema.parse(ran.result)).toEqual({
      outcome: 'not_authentic',
      at: instant(world.clock.now()),
    });
    expect(ran.attempts).toBe(patience);
    expect(ran.failures.every(({ delayMs }) => delayMs === MINUTE)).toBe(true);
    expect(world.entries).toHaveLength(before);
    expect((await world.truth()).calls.length - calls).toBeLessThanOrEqual(2);
    expect(await standing()).toBe(1);
  });

  it('removes it once the authority’s key is known', async () => {
    await granted();
    const keys = world.authorityKeys.splice(0);
    const ran = await rollback({
      before: (attempt) => {
        if (attempt === 3) world.authorityKeys.push(...keys);
      },
    });
    expect(ran.failures.map(({ type }) => type)).toEqual(['intent_not_authentic', 'intent_not_authentic']);
    expect(ran.result).toMatchObject({ outcome: 'removed', word: 'revoked' });
  });
});
