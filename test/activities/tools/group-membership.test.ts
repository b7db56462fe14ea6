import { beforeEach, describe, expect, it } from 'vitest';

import { removeThroughPim, writeThroughPim } from '../../../activities/tools/change-through-pim.js';
import { readThroughPim } from '../../../activities/tools/read-through-pim.js';
import { directoryRoleTasks } from '../../../activities/graph/pim/directory-role.js';
import type { SignedIntent } from '../../../domain/intent.js';
import { grantedIn, inAWorld, MINUTE } from '../graph/in-a-world.js';
import { ALICE, BOB, EVIDENCE, READER, type World } from '../graph/world.js';
import { called, codeOf } from './admitted.js';

const GROUP = '68e55cce-cf7e-4a2d-9046-3e4e75c4bfa7';

let world: World;
let signed: SignedIntent;
inAWorld((fresh) => {
  world = fresh;
  world.effectRole = 'effect:entra.group_membership';
  signed = world.groupIntent(GROUP);
});
beforeEach(() => world.control('/groups', { id: GROUP, display_name: 'CA exclusion (break-glass)' }));

const members = async (): Promise<string[]> =>
  (await world.truth()).assignments.map(({ principal_id }) => principal_id).sort();

async function use(name: 'read' | 'write' | 'remove') {
  const deps = world.holdings;
  const gate = { ...deps, role: world.effectRole, judge: () => world.verdict };
  const tasks = directoryRoleTasks(gate);
  const verbs = {
    read: readThroughPim(world.depsOf(READER, ['PrivilegedAssignmentSchedule.Read.AzureADGroup'])),
    write: writeThroughPim(gate, tasks),
    remove: removeThroughPim(tasks),
  };
  const given = name === 'write' ? { evidence: EVIDENCE, warrant: await world.warrant(signed) } : {};
  return called(verbs[name], { signed, use: name, clock: world.clock, ...given });
}

describe("a job's tools for a membership", () => {
  it('read what stands, until when', async () => {
    await world.control('/assignments', {
      principal_id: BOB,
      role_definition_id: GROUP,
      directory_scope_id: '#member',
    });
    expect(await use('read')).toMatchObject({ ok: true, result: { assignments: [] } });
    await grantedIn(world, signed);
    expect(await use('read')).toMatchObject({
      ok: true,
      result: {
        target: { group_id: GROUP, principal_id: ALICE },
        assignments: [{ through_pim: true, ends_at: signed.intent.dead_man?.replace('.000Z', 'Z') }],
      },
    });
  });

  it('adopt what the ceremony gave, and give nothing more', async () => {
    await grantedIn(world, signed);
    expect(await use('write')).toMatchObject({ ok: true, result: { stands: true, adopted: true } });
    expect(await members()).toEqual([ALICE]);
    expect((await world.posts()).filter(({ action }) => action === 'adminAssign')).toHaveLength(2);
  });

  it('give what the intent says where the ceremony has not yet, and the reseal takes that back', async () => {
    expect(await use('write')).toMatchObject({ ok: true, result: { stands: true, adopted: false } });
    expect(await members()).toEqual([ALICE]);
    world.clock.advance(10 * MINUTE);
    expect(await use('remove')).toMatchObject({ ok: true, result: { removed: true, word: 'revoked' } });
    expect(await members()).toEqual([]);
  });

  it('remove nothing in the first five minutes, and give nothing back that was removed', async () => {
    await grantedIn(world, signed);
    expect(codeOf(await use('remove'))).toBe('too_short');
    world.clock.advance(10 * MINUTE);
    expect(codeOf(await use('remove'))).toBe('done');
    expect(codeOf(await use('write'))).toBe('already_removed');
    expect(await members()).toEqual([]);
  });

  it('leave what somebody else gave', async () => {
    await world.control('/assignments', {
      principal_id: ALICE,
      role_definition_id: GROUP,
      directory_scope_id: '#member',
    });
    expect(await use('remove')).toMatchObject({ ok: true, result: { removed: false } });
    expect(await members()).toEqual([ALICE]);
  });
});
