import { beforeEach, describe, expect, it } from 'vitest';

import { standingOf } from '../../../domain/sweep.js';
import type { SignedIntent } from '../../../domain/intent.js';
import { readEntry } from '../../../proofs/receipt.js';
import { generateRoleKey } from '../../../proofs/role-key.js';
import { inAWorld } from '../graph/in-a-world.js';
import { ALICE, BOB, STRANGER, WRITER, type World } from '../graph/world.js';
import { MINUTE, Sweeping, SWEEPER_PERMISSIONS } from './sweep-world.js';

const GROUP = '68e55cce-cf7e-4a2d-9046-3e4e75c4bfa7';
/** Minutes from the grant of 30 minutes until the sweep may end it. */
const DUE = 32;
/** The membership, as the simulator's control names it. */
const HELD = { principal_id: ALICE, role_definition_id: GROUP, directory_scope_id: '#member' };

let world: World;
let sweeping: Sweeping;
let signed: SignedIntent;
inAWorld((fresh) => {
  world = fresh;
  sweeping = new Sweeping(world);
  sweeping.groupIds = [GROUP];
  signed = world.groupIntent(GROUP);
});
beforeEach(() => world.control('/groups', { id: GROUP, display_name: 'CA exclusion (break-glass)' }));

const members = async (): Promise<string[]> =>
  (await world.truth()).assignments.map(({ principal_id }) => principal_id).sort();

async function grantedAndLeft(minutes = DUE): Promise<void> {
  await world.assign(signed, WRITER);
  await sweeping.pass(minutes * MINUTE);
}

describe('a membership that a ceremony left in a group', () => {
  it('is left alone until two minutes past its deadline', async () => {
    await grantedAndLeft(DUE - 0.1);
    const report = await sweeping.run();
    expect(report.found).toMatchObject([
      { kind: 'entra.group_membership', verdict: 'in_time', event_id: signed.intent.event_id, outcome: null },
    ]);
    expect(standingOf(report)).toBe('clean');
    expect(await members()).toEqual([ALICE]);
  });

  it('is resealed from then on, and the receipt names the group', async () => {
    await grantedAndLeft();
    const report = await sweeping.run();
    expect(report.tenants[0]?.rows).toMatchObject({ group_instances: 1, group_requests: 1 });
    expect(report.found).toMatchObject([
      { verdict: 'due', role_template_id: GROUP, outcome: { end: 'confirmed', code: 'revoked' } },
    ]);
    expect(standingOf(report)).toBe('clean');
    expect(await members()).toEqual([]);
    const receipt = report.found[0]?.outcome?.receipt;
    const read = readEntry(receipt?.envelope, signed.intent.event_id, () => ({
      role: 'sweeper',
      publicKey: sweeping.key.publicKey,
    }));
    if (!read.ok) throw new Error(read.message);
    const { intent } = signed;
    expect(read.entry).toMatchObject({ type: 'swept', data: { kind: intent.kind, tuple: intent.tuple } });
  });

  it('has until the later deadline that it was extended to under the same event’s marker', async () => {
    await grantedAndLeft(10);
    const deadline = new Date(Date.parse(signed.intent.deadline) + 20 * MINUTE).toISOString();
    const later = world.intent({ round: 2, deadline, tuple: signed.intent.tuple as never });
    await world.assign(later, WRITER, { action: 'adminUpdate' });
    await sweeping.pass((DUE + 9) * MINUTE);
    expect((await sweeping.run()).found).toMatchObject([{ verdict: 'in_time', deadline }]);
    await sweeping.pass(2 * MINUTE);
    expect((await sweeping.run()).found).toMatchObject([{ verdict: 'due', outcome: { end: 'confirmed' } }]);
    expect(await members()).toEqual([]);
  });

  it('is not looked for in a group that nobody named', async () => {
    await grantedAndLeft();
    sweeping.groupIds = [];
    const report = await sweeping.run();
    expect(report.found).toEqual([]);
    expect(report.tenants[0]?.rows.group_instances).toBeUndefined();
  });
});

describe('what stands in a group and is not a ceremony’s', () => {
  it('is told and left: another’s, with our marker or without, an owner’s, and one made outside PIM', async () => {
    await world.assign(signed, STRANGER);
    await world.control('/assignments', { ...HELD, principal_id: BOB, via: 'direct' });
    await world.control('/assignments', { ...HELD, directory_scope_id: '#owner', created_by_app: STRANGER });
    await sweeping.pass((DUE + 1) * MINUTE);
    const report = await sweeping.run();
    expect(report.found.map(({ verdict }) => verdict).sort()).toEqual(['foreign', 'foreign', 'outside_pim']);
    expect(standingOf(report)).toBe('clean');
    expect(await members()).toEqual([ALICE, ALICE, BOB].sort());
  });

  it.each([
    ['none', 'marker_absent'],
    ['another key', 'marker_signature_invalid'],
    ['that of a role', 'marker_signature_invalid'],
    ['that of a member on an owner', 'marker_signature_invalid'],
  ] as const)('is a compromise where our application made it with this marker: %s', async (how, why) => {
    if (how === 'none') await world.assign(signed, WRITER, { justification: 'maintenance', ticketInfo: null });
    if (how === 'another key') await world.assign(world.groupIntent(GROUP, generateRoleKey()), WRITER);
    if (how === 'that of a member on an owner') await world.assign(signed, WRITER, { accessId: 'owner' });
    if (how === 'that of a role') {
      const { marker } = world.intent().intent;
      const ticketInfo = { ticketNumber: marker.ticket_number, ticketSystem: marker.ticket_system };
      await world.assign(signed, WRITER, { justification: marker.justification, ticketInfo });
    }
    await sweeping.pass((DUE + 1) * MINUTE);
    const report = await sweeping.run();
    expect(report.found).toMatchObject([{ kind: 'entra.group_membership', verdict: 'compromise', why }]);
    expect(standingOf(report)).toBe('compromise');
    expect(await members()).toEqual([ALICE]);
  });
});

describe('a group that cannot be read', () => {
  it('is not one in which nothing stands', async () => {
    await grantedAndLeft();
    const permissions = SWEEPER_PERMISSIONS.filter((name) => !name.endsWith('AzureADGroup'));
    const report = await sweeping.run('sweep', sweeping.deps(permissions));
    expect(report.tenants[0]).toMatchObject({
      rows: { instances: 0, group_instances: null, group_requests: null },
      unreadable: expect.arrayContaining([
        { what: 'group_instances', group_id: GROUP, code: expect.stringContaining('graph_denied') as string },
      ]) as unknown,
    });
    expect(standingOf(report)).toBe('unknown');
    expect(await members()).toEqual([ALICE]);
  });

  it('keeps nothing from being ended that can be known all the same', async () => {
    await grantedAndLeft();
    await world.fault({ method: 'GET', path: '*/assignmentScheduleInstances', effect: 'status', status: 403 });
    const report = await sweeping.run();
    expect(standingOf(report)).toBe('unknown');
    expect(report.found).toMatchObject([{ verdict: 'due', outcome: { end: 'confirmed' } }]);
    expect(await members()).toEqual([]);
  });
});
