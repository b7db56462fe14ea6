import { beforeEach, describe, expect, it } from 'vitest';

import { ASSIGNER, ASSIGNMENTS, AssignmentWorld } from './assignment-world.js';
import { CRASH } from '../attempts.js';
import { inAWorld, MINUTE } from '../in-a-world.js';
import { ALICE, BOB, SECURITY_READER, USER_ADMINISTRATOR, WRITER, type World } from '../world.js';

let world: World;
let plain: AssignmentWorld;
inAWorld((fresh) => {
  world = fresh;
});
beforeEach(() => {
  plain = new AssignmentWorld(world);
});

const FOREIGN = { outcome: 'refused', code: 'foreign_assignment', clean: true };

describe('assigning a role outside PIM', () => {
  it('is one POST, and one DELETE of the id that Graph gave it', async () => {
    const signed = plain.intent();
    const { result, attempts } = await plain.apply(signed);
    expect(result).toMatchObject({ outcome: 'granted', ends_at: null, adopted: false });
    expect(attempts).toBe(1);
    expect(await plain.standing()).toMatchObject([{ principal_id: ALICE, ends_at: null }]);
    const { assignment_id } = world.entry('granted');
    expect(world.entry('granted')).toMatchObject({
      kind: 'entra.role_assignment',
      tool: 'breakglass.microsoft_graph.write_plain_role_assignment',
      dead_man: null,
      application_id: ASSIGNER,
      provider_request_id: assignment_id,
    });
    const { result: removal } = await plain.rollback(signed, { made_id: String(assignment_id) });
    expect(removal).toMatchObject({ outcome: 'removed', word: 'revoked' });
    expect(world.entry('removal')).toMatchObject({ assignment_id });
    expect(await plain.standing()).toEqual([]);
    expect([await plain.sent('POST'), await plain.sent('DELETE')]).toEqual([1, 1]);
  });

  it('refuses where somebody else’s stands, and leaves it when asked to take back what was never made', async () => {
    await plain.outside();
    const signed = plain.intent();
    expect((await plain.apply(signed)).result).toMatchObject(FOREIGN);
    const { result } = await plain.rollback(signed, { refused: true });
    expect(result).toMatchObject({ outcome: 'nothing_seen', findings: [{ code: 'foreign_assignment' }] });
    expect(await plain.standing()).toHaveLength(1);
    expect([await plain.sent('POST'), await plain.sent('DELETE')]).toEqual([0, 0]);
  });

  it('takes a conflict for somebody else’s, also where the replica that it reads does not show that one yet', async () => {
    await world.control('/lag', { ms: 8_000 });
    await plain.outside();
    const { result, failures } = await plain.apply(plain.intent());
    expect(result).toMatchObject(FOREIGN);
    expect(failures.map(({ type }) => type)).toContain('graph_refused');
    expect(await plain.standing()).toHaveLength(1);
  });

  it('finds its own again when the answer was lost, by reads that agree, and makes no second one', async () => {
    await world.fault({ method: 'POST', path: ASSIGNMENTS, effect: 'lost_response' });
    const { result, failures } = await plain.apply(plain.intent());
    expect(result).toMatchObject({ outcome: 'granted', adopted: true });
    expect(failures.map(({ type }) => type)).toEqual(['graph_ambiguous', 'assignment_read_once']);
    expect(failures[1]?.delayMs).toBeGreaterThanOrEqual(5000);
    expect(await plain.sent('POST')).toBe(1);
  });

  it('finds it also where replicas are behind: Graph refuses a second one meanwhile', async () => {
    await world.control('/lag', { ms: 15_000 });
    await world.fault({ method: 'POST', path: ASSIGNMENTS, effect: 'lost_response' });
    const { result } = await plain.apply(plain.intent());
    expect(result).toMatchObject({ outcome: 'granted', adopted: true });
    expect(await plain.standing()).toHaveLength(1);
  });

  it('asks again where the lost call was never carried out', async () => {
    await world.fault({ method: 'POST', path: ASSIGNMENTS, effect: 'status', status: 503 });
    const { result } = await plain.apply(plain.intent());
    expect(result).toMatchObject({ outcome: 'granted', adopted: false });
    expect(await plain.standing()).toHaveLength(1);
  });

  it('counts what a crashed attempt or a lost run may have made as its own, and never as clean', async () => {
    await plain.outside();
    const crash = (attempt: number): void => {
      if (attempt === 1) throw CRASH;
    };
    const { result } = await plain.apply(plain.intent(), { before: crash });
    expect(result).toMatchObject({ outcome: 'granted', adopted: true });
    expect((await plain.apply(plain.intent(), {}, false)).result).toMatchObject({ outcome: 'granted', adopted: true });
    expect(await plain.sent('POST')).toBe(0);
  });

  it('refuses what Graph refuses for good, and asks nobody again', async () => {
    await world.fault({ method: 'POST', path: ASSIGNMENTS, effect: 'status', status: 403 });
    const { result, attempts } = await plain.apply(plain.intent());
    expect(result).toMatchObject({ outcome: 'refused', code: 'Authorization_RequestDenied', clean: true });
    expect(attempts).toBe(1);
  });

  it('touches no protected principal, in neither direction', async () => {
    const signed = plain.intent();
    world.protectedIds.add(ALICE);
    expect((await plain.apply(signed)).result).toMatchObject({ code: 'protected_principal', clean: true });
    await plain.outside();
    expect((await plain.rollback(signed)).result).toMatchObject({ outcome: 'nothing_seen' });
    expect(await plain.standing()).toHaveLength(1);
  });

  it('grants nothing in the last minute before the deadline', async () => {
    const signed = plain.intent();
    world.clock.advance(29 * MINUTE + 30_000);
    expect((await plain.apply(signed)).result).toMatchObject({ outcome: 'refused', code: 'too_late' });
  });

  it('grants nothing while an end mark stands, nor while the journal cannot be read', async () => {
    const signed = plain.intent();
    plain.endMark = () => Promise.resolve('kill');
    expect((await plain.apply(signed)).result).toMatchObject({ outcome: 'refused', code: 'end_mark_stands' });
    plain.endMark = () => Promise.reject(new Error('no connection'));
    await expect(plain.apply(signed, { maxAttempts: 3 })).rejects.toThrow('end_mark_unread');
    expect((await world.truth()).calls.filter(({ path }) => path.includes('roleAssignments'))).toEqual([]);
  });

  it('does nothing upon the intent of another kind', async () => {
    expect((await plain.apply(world.intent())).result).toMatchObject({ outcome: 'refused' });
    await expect(plain.rollback(world.intent())).rejects.toThrow('not a plain role assignment');
  });
});

describe('taking it back', () => {
  it.each([429, 500, 503])('succeeds in the end, however often the service says %d', async (status) => {
    const signed = plain.intent();
    await plain.granted(signed);
    await world.fault({ method: '*', path: ASSIGNMENTS, effect: 'status', status, times: 9 });
    await world.fault({ method: 'DELETE', path: ASSIGNMENTS, effect: 'status', status, times: 9 });
    const { result, attempts } = await plain.rollback(signed);
    expect(result).toMatchObject({ outcome: 'removed' });
    expect(attempts).toBeGreaterThan(9);
    expect(await plain.standing()).toEqual([]);
  });

  it('knows that it was done when the answer was lost, and when somebody was faster', async () => {
    const signed = plain.intent();
    await plain.granted(signed);
    await world.fault({ method: 'DELETE', path: ASSIGNMENTS, effect: 'lost_response' });
    expect((await plain.rollback(signed)).result).toMatchObject({ outcome: 'removed', word: 'gone' });
    expect(await plain.sent('DELETE')).toBe(1);
  });

  it('takes 404 for gone: a replica may still show it', async () => {
    const signed = plain.intent();
    await plain.granted(signed);
    world.clock.advance(MINUTE);
    await world.control('/lag', { ms: 60_000 });
    await plain.outside({ remove: true });
    expect((await plain.rollback(signed)).result).toMatchObject({ outcome: 'removed', word: 'gone' });
  });

  it('looks several times before it says that nothing is there: a new assignment reaches replicas late', async () => {
    await world.control('/lag', { ms: 8_000 });
    const signed = plain.intent();
    await plain.granted(signed);
    expect((await plain.rollback(signed)).result).toMatchObject({ outcome: 'removed', word: 'revoked' });
    expect(await plain.standing()).toEqual([]);
    world.clock.advance(MINUTE);
    const { result, attempts } = await plain.rollback(plain.intent());
    expect(result).toMatchObject({ outcome: 'nothing_seen', findings: [] });
    expect(attempts).toBe(3);
  });

  it('leaves one that has another id than ours had; a wrong id holds nothing back once ours was seen again', async () => {
    const signed = plain.intent();
    await plain.granted(signed);
    const { result } = await plain.rollback(signed, { made_id: 'another' });
    expect(result).toMatchObject({ outcome: 'nothing_seen', findings: [{ code: 'foreign_assignment' }] });
    expect(await plain.standing()).toHaveLength(1);
    const again = await plain.rollback(signed, { made_id: 'another', round: 2 });
    expect(again.result).toMatchObject({ outcome: 'removed', word: 'revoked' });
  });

  it('deletes nothing but that one tuple, whatever id it is given', async () => {
    await plain.outside({ role_definition_id: SECURITY_READER });
    await plain.outside({ principal_id: BOB });
    await plain.outside({ directory_scope_id: `/${BOB}` });
    const signed = plain.intent();
    const made_id = await plain.granted(signed);
    await plain.rollback(signed, { made_id });
    const before = (await world.truth()).assignments;
    expect(before).toHaveLength(3);
    const list = await world.graph('GET', `${ASSIGNMENTS}?$filter=principalId eq '${BOB}'`, WRITER);
    const [bobs] = (list.body as { value: { id: string }[] }).value;
    await plain.rollback(signed, { made_id: bobs?.id ?? '' });
    expect((await world.truth()).assignments).toEqual(before);
    expect(before.map(({ role_definition_id }) => role_definition_id)).toContain(USER_ADMINISTRATOR);
  });

  it('is done for no intent that the authority did not sign', async () => {
    const signed = plain.intent();
    await plain.granted(signed);
    const forged = { ...signed, intent: { ...signed.intent, event_id: 'ffffffffffffffff' } };
    const { result } = await plain.rollback(forged);
    expect(result).toMatchObject({ outcome: 'not_authentic' });
    expect(await plain.standing()).toHaveLength(1);
  });
});
