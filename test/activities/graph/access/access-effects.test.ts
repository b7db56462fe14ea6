import { beforeEach, describe, expect, it } from 'vitest';

import { AccessWorld, PATH, POLICY, type AccessKind } from './access-world.js';
import { CRASH } from '../attempts.js';
import { inAWorld, MINUTE } from '../in-a-world.js';
import { ADMIN, ALICE, BOB, type World } from '../world.js';

let world: World;
let access: AccessWorld;
inAWorld((fresh) => {
  world = fresh;
});
beforeEach(async () => {
  access = new AccessWorld(world);
  await access.policy({ exclude_users: [BOB] });
});

const KINDS: AccessKind[] = ['entra.ca_exclusion', 'entra.ca_policy'];
/** As somebody else's hand would leave it. */
const FOREIGN = { 'entra.ca_exclusion': { exclude_users: [BOB, ALICE] }, 'entra.ca_policy': { state: 'disabled' } };
const BEFORE = { state: 'enabled', excluded: [BOB] };
const DURING = {
  'entra.ca_exclusion': { state: 'enabled', excluded: [BOB, ALICE] },
  'entra.ca_policy': { state: 'disabled', excluded: [BOB] },
};

describe.each(KINDS)('%s', (kind) => {
  it('changes one member of the policy with one PATCH, after two reads that agree, and takes it back so', async () => {
    const signed = access.intent(kind);
    const { result, attempts, failures } = await access.apply(signed);
    expect(result).toMatchObject({ outcome: 'granted', ends_at: null, adopted: false });
    expect(attempts).toBe(2);
    expect(failures).toMatchObject([{ type: 'policy_read_once' }]);
    expect(failures[0]?.delayMs).toBeGreaterThanOrEqual(5000);
    expect(await access.truth()).toEqual(DURING[kind]);
    expect(world.entry('granted')).toMatchObject({ kind, dead_man: null, policy_before: { excluded_users: [BOB] } });
    world.clock.advance(10 * MINUTE);
    expect((await access.rollback(signed)).result).toMatchObject({ outcome: 'removed', word: 'revoked' });
    expect(await access.truth()).toEqual(BEFORE);
    expect(await access.patches()).toBe(2);
  });

  it('refuses what stands by somebody else’s hand, and leaves it when asked to take back what was never made', async () => {
    await access.policy(FOREIGN[kind]);
    const signed = access.intent(kind);
    const { result } = await access.apply(signed);
    expect(result).toMatchObject({ outcome: 'refused', clean: true });
    const { result: removal } = await access.rollback(signed, { refused: true });
    expect(removal).toMatchObject({ outcome: 'nothing_seen', findings: [{ code: 'foreign_assignment' }] });
    expect(await access.truth()).toEqual(DURING[kind]);
    expect(await access.patches()).toBe(0);
  });

  it('finds its own write again when the answer was lost, and writes no second time', async () => {
    await world.fault({ method: 'PATCH', path: PATH, effect: 'lost_response' });
    const { result, failures } = await access.apply(access.intent(kind));
    expect(result).toMatchObject({ outcome: 'granted', adopted: true });
    expect(failures.map(({ type }) => type)).toContain('graph_ambiguous');
    expect(await access.patches()).toBe(1);
  });

  it('takes it back when the answer to that was lost, and says by whose word', async () => {
    const signed = access.intent(kind);
    await access.granted(signed);
    await world.fault({ method: 'PATCH', path: PATH, effect: 'lost_response' });
    const { result } = await access.rollback(signed);
    expect(result).toMatchObject({ outcome: 'removed', word: 'gone' });
    expect(await access.truth()).toEqual(BEFORE);
  });

  it.each([429, 500, 503])('is taken back in the end, however often the service says %d', async (status) => {
    const signed = access.intent(kind);
    await access.granted(signed);
    await world.fault({ method: '*', path: PATH, effect: 'status', status, times: 9 });
    const { result, attempts } = await access.rollback(signed);
    expect(result).toMatchObject({ outcome: 'removed' });
    expect(attempts).toBeGreaterThan(9);
    expect(await access.truth()).toEqual(BEFORE);
  });

  it('keeps what others changed meanwhile', async () => {
    const signed = access.intent(kind);
    await access.granted(signed);
    const { excluded } = await access.truth();
    await access.policy({ exclude_users: [...excluded.filter((id) => id !== BOB), ADMIN] });
    await access.rollback(signed);
    expect(await access.truth()).toEqual({ state: 'enabled', excluded: [ADMIN] });
  });

  it('does not write from a stale read: another’s change that a replica does not show yet is kept', async () => {
    const signed = access.intent(kind);
    await access.granted(signed);
    world.clock.advance(10 * MINUTE);
    await world.control('/lag', { ms: 20_000 });
    const { excluded } = await access.truth();
    await access.policy({ exclude_users: [...excluded, ADMIN] });
    await access.rollback(signed);
    expect((await access.truth()).excluded).toContain(ADMIN);
  });

  it('has nothing to do where somebody else has taken it back', async () => {
    const signed = access.intent(kind);
    await access.granted(signed);
    await access.policy({ state: 'enabled', exclude_users: [BOB] });
    expect((await access.rollback(signed)).result).toMatchObject({ outcome: 'nothing_seen', findings: [] });
    expect(await access.patches()).toBe(1);
  });

  it('touches no protected principal and no protected policy, in neither direction', async () => {
    const signed = access.intent(kind);
    for (const id of [ALICE, POLICY]) {
      world.protectedIds.add(id);
      expect((await access.apply(signed)).result).toMatchObject({ outcome: 'refused', clean: true });
      world.protectedIds.delete(id);
    }
    await access.policy(FOREIGN[kind]);
    world.protectedIds.add(ALICE);
    const { result } = await access.rollback(signed);
    expect(result).toMatchObject({ outcome: 'nothing_seen', findings: [{ code: 'foreign_assignment' }] });
    expect(await access.patches()).toBe(0);
  });

  it('counts what a crashed attempt may have written as its own, and never as clean', async () => {
    const signed = access.intent(kind);
    await access.policy(FOREIGN[kind]);
    const { result } = await access.apply(signed, {
      before: (attempt) => {
        if (attempt === 1) throw CRASH;
      },
    });
    expect(result).toMatchObject({ outcome: 'granted', adopted: true });
  });

  it('is taken back also where the policy was deleted meanwhile', async () => {
    const signed = access.intent(kind);
    await access.granted(signed);
    await access.policy({ remove: true });
    expect((await access.rollback(signed)).result).toMatchObject({ outcome: 'removed', word: 'gone' });
  });

  it('grants nothing while an end mark stands, nor while the journal cannot be read', async () => {
    const signed = access.intent(kind);
    access.endMark = () => Promise.resolve('kill');
    expect((await access.apply(signed)).result).toMatchObject({ outcome: 'refused', code: 'end_mark_stands' });
    access.endMark = () => Promise.reject(new Error('no connection'));
    await expect(access.apply(signed, { maxAttempts: 3 })).rejects.toThrow('end_mark_unread');
    expect(await access.truth()).toEqual(BEFORE);
    expect((await world.truth()).calls.filter(({ path }) => path.includes(POLICY))).toEqual([]);
  });
});

describe('writes to one policy', () => {
  it('come one after the other, so that none undoes another', async () => {
    const [one, two] = [access.intent(), access.intent('entra.ca_exclusion', { event_id: 'ffffffffffffffff' })];
    const bob = access.intent('entra.ca_policy');
    await access.granted(one);
    await access.granted(bob);
    await Promise.all([access.rollback(one), access.rollback(bob)]);
    expect(two.intent.event_id).not.toBe(one.intent.event_id);
    expect(await access.truth()).toEqual(BEFORE);
  });

  it('switch off only what is enforced', async () => {
    await access.policy({ state: 'enabledForReportingButNotEnforced' });
    const { result } = await access.apply(access.intent('entra.ca_policy'));
    expect(result).toMatchObject({ outcome: 'refused', code: 'policy_not_enabled', clean: true });
  });
});
