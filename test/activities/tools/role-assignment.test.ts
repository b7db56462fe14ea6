import { describe, expect, it } from 'vitest';

import { roleAssignmentTasks } from '../../../activities/graph/assignment/role-assignment.js';
import { removeRoleAssignment, writeRoleAssignment } from '../../../activities/tools/change-role-assignment.js';
import { readRoleAssignment } from '../../../activities/tools/read-role-assignment.js';
import type { EntryPayload, Receipt } from '../../../domain/entry.js';
import type { SignedIntent } from '../../../domain/intent.js';
import { signReceipt, type RoleKeys } from '../../../proofs/receipt.js';
import { generateRoleKey } from '../../../proofs/role-key.js';
import { AssignmentWorld, ASSIGNER } from '../graph/assignment/assignment-world.js';
import { inAWorld } from '../graph/in-a-world.js';
import { ALICE, BOB, EVIDENCE, READER } from '../graph/world.js';
import { called, codeOf } from './admitted.js';

let at: AssignmentWorld;
let signed: SignedIntent;
inAWorld((fresh) => {
  at = new AssignmentWorld(fresh);
  signed = at.intent();
});

/** The effect's own entry that it made the assignment: the ledger's. */
const made = (over: Partial<EntryPayload> = {}, key = at.world.role): Receipt => {
  const entry = at.world.entries.findLast(({ type }) => type === 'granted');
  if (entry === undefined) throw new Error('nothing was granted');
  return signReceipt({ ...entry, ...over }, key);
};

type Shown = { made?: Receipt | null };
async function use(name: 'read' | 'write' | 'remove', shown: Shown = { made: made() }) {
  const { world } = at;
  const deps = world.depsOf(ASSIGNER, ['RoleManagement.ReadWrite.Directory']);
  const role = 'effect:entra.role_assignment' as const;
  const roleKeys: RoleKeys = (keyid) =>
    keyid === world.role.keyid ? { role, publicKey: world.role.publicKey } : undefined;
  const gate = { ...deps, role, judge: () => world.verdict, endMark: () => at.endMark() };
  const tools = { gate, tasks: roleAssignmentTasks(deps), roleKeys };
  const verbs = {
    read: readRoleAssignment(world.depsOf(READER, ['RoleManagement.Read.Directory'])),
    write: writeRoleAssignment(tools),
    remove: removeRoleAssignment(tools),
  };
  const given = name === 'write' ? { evidence: EVIDENCE, warrant: await world.warrant(signed) } : {};
  return called(verbs[name], { signed, use: name, clock: world.clock, ...given, ...shown });
}

describe("a job's tools for a plain assignment", () => {
  it('read what stands, which has no end', async () => {
    const id = await at.granted(signed);
    expect(await use('read')).toMatchObject({
      ok: true,
      result: { target: { principal_id: ALICE }, assignments: [{ id, through_pim: false, ends_at: null }] },
    });
  });

  it('say that what was assigned stands, and assign nothing', async () => {
    const id = await at.granted(signed);
    expect(await use('write')).toMatchObject({ ok: true, result: { stands: true, provider_request_id: id } });
    expect(await at.sent('POST')).toBe(1);
  });

  it('take it back at once, and never make it again', async () => {
    await at.granted(signed);
    expect(await use('remove')).toMatchObject({ ok: true, result: { removed: true, word: 'revoked' } });
    expect(await at.standing()).toEqual([]);
    expect(codeOf(await use('write'))).toBe('already_removed');
    expect(await at.sent('POST')).toBe(1);
  });

  it('do nothing where no entry of this role says that it assigned anything', async () => {
    await at.granted(signed);
    const foreign = [
      { made: null },
      {},
      { made: made({}, generateRoleKey()) },
      { made: made({ event_id: 'f'.repeat(16) }) },
      { made: made({ type: 'not_granted' }) },
      {
        made: made({ data: { kind: 'entra.role_assignment', provider_request_id: 'x', tuple: { principal_id: BOB } } }),
      },
    ];
    for (const shown of foreign) {
      expect(codeOf(await use('write', shown))).toBe('not_granted');
      expect(codeOf(await use('remove', shown))).toBe('not_granted');
    }
    expect(await at.standing()).toHaveLength(1);
  });

  it('leave what somebody else assigned since', async () => {
    await at.granted(signed);
    const { data } = at.world.entries.findLast(({ type }) => type === 'granted') ?? { data: {} };
    // As if ours were gone and another stood in its place, under another id.
    const other = { made: made({ data: { ...data, provider_request_id: 'another' } }) };
    expect(codeOf(await use('write', other))).toBe('foreign_assignment');
    expect(await use('remove', other)).toMatchObject({ ok: true, result: { removed: false } });
    expect(await at.standing()).toHaveLength(1);
  });

  it('do nothing after an end mark, or while the journal cannot be read: the ceremony takes it back', async () => {
    await at.granted(signed);
    at.endMark = () => Promise.resolve('kill');
    expect(codeOf(await use('write'))).toBe('end_mark_stands');
    expect(codeOf(await use('remove'))).toBe('end_mark_stands');
    at.endMark = () => Promise.reject(new Error('no database'));
    await expect(use('remove')).rejects.toThrow('end_mark_unread');
    await expect(use('write')).rejects.toThrow('end_mark_unread');
    expect(await at.standing()).toHaveLength(1);
    expect(codeOf(await at.rollback(signed).then(({ result }) => ({ ok: true, result, data: {} })))).toBe('done');
  });

  it('write nothing without what a grant takes', async () => {
    await at.granted(signed);
    at.world.verdict = { ok: false, code: 'quorum_not_met', message: 'one approval is missing' };
    expect(codeOf(await use('write'))).toBe('quorum_not_met');
    const withheld = { signed, use: 'write' as const, clock: at.world.clock, made: made() };
    const gate = { ...at.world.holdings, role: 'effect:entra.role_assignment' as const, judge: () => at.world.verdict };
    const verb = writeRoleAssignment({ gate, tasks: roleAssignmentTasks(gate), roleKeys: () => undefined });
    expect(codeOf(await called(verb, withheld))).toBe('warrant_absent');
  });
});
