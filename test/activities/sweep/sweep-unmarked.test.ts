import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { keepIntentsIn } from '../../../activities/authority/kept-intents.js';
import { instant } from '../../../domain/identifiers.js';
import type { SignedIntent } from '../../../domain/intent.js';
import { standingOf } from '../../../domain/sweep.js';
import { readEntry } from '../../../proofs/receipt.js';
import { generateRoleKey } from '../../../proofs/role-key.js';
import { signIntent } from '../../../proofs/signed-intent.js';
import { AccessWorld, PATH, POLICY } from '../graph/access/access-world.js';
import { ASSIGNER, ASSIGNMENTS, AssignmentWorld } from '../graph/assignment/assignment-world.js';
import { inAWorld } from '../graph/in-a-world.js';
import { ALICE, BOB, STRANGER, USER_ADMINISTRATOR, type World } from '../graph/world.js';
import { MINUTE, Sweeping, UNMARKED, UNMARKED_PERMISSIONS } from './sweep-world.js';

/** Minutes from the change of 30 minutes until the sweep may take it back. */
const DUE = 32;

let world: World;
let sweeping: Sweeping;
let roles: AssignmentWorld;
let policies: AccessWorld;
let folder: string;
inAWorld((fresh) => {
  world = fresh;
  sweeping = new Sweeping(world);
  roles = new AssignmentWorld(world);
  policies = new AccessWorld(world);
});
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'reseal-intents-'));
  sweeping.intentsPath = folder;
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** What the authority does before anybody can act on an intent. */
const keep = (signed: SignedIntent): Promise<void> => keepIntentsIn(folder)(signed);

interface Kind {
  name: string;
  /** Made by our application, and left. */
  make: () => Promise<SignedIntent>;
  stands: () => Promise<boolean>;
  /** Taken away and made again by another administrator. */
  remake: () => Promise<void>;
}

const assigned = async (): Promise<[{ id: string }]> => {
  const { body } = await world.graph('GET', `${ASSIGNMENTS}?$filter=principalId eq '${ALICE}'`, STRANGER);
  return (body as { value: [{ id: string }] }).value;
};
const outsider = async (body: object): Promise<void> => {
  const { status } = await world.graph('PATCH', PATH, STRANGER, body);
  expect(status).toBe(204);
};
const excluding = (ids: string[]): object => ({ conditions: { users: { excludeUsers: ids } } });

const KINDS: Kind[] = [
  {
    name: 'a plain role assignment',
    make: async () => {
      const signed = roles.intent();
      await roles.granted(signed);
      return signed;
    },
    stands: async () => (await roles.standing()).length === 1,
    remake: async () => {
      const [{ id }] = await assigned();
      await world.graph('DELETE', `${ASSIGNMENTS}/${id}`, STRANGER);
      await sweeping.pass(MINUTE);
      const about = { principalId: ALICE, roleDefinitionId: USER_ADMINISTRATOR, directoryScopeId: '/' };
      expect((await world.graph('POST', ASSIGNMENTS, STRANGER, about)).status).toBe(201);
    },
  },
  {
    name: 'an exclusion from a Conditional Access policy',
    make: async () => {
      await policies.policy();
      const signed = policies.intent('entra.ca_exclusion');
      await policies.granted(signed);
      return signed;
    },
    stands: async () => (await policies.truth()).excluded.includes(ALICE),
    remake: async () => {
      await outsider(excluding([]));
      await outsider(excluding([ALICE]));
    },
  },
  {
    name: 'a Conditional Access policy that is off',
    make: async () => {
      await policies.policy();
      const signed = policies.intent('entra.ca_policy');
      await policies.granted(signed);
      return signed;
    },
    stands: async () => (await policies.truth()).state === 'disabled',
    remake: async () => {
      await outsider({ state: 'enabled' });
      await outsider({ state: 'disabled' });
    },
  },
];

describe.each(KINDS)('$name that a ceremony left', ({ make, stands, remake }) => {
  const left = async (minutes = DUE): Promise<SignedIntent> => {
    const signed = await make();
    await keep(signed);
    await sweeping.pass(minutes * MINUTE);
    return signed;
  };

  it('is left alone until two minutes past the deadline of its intent', async () => {
    const { intent } = await left(DUE - 0.5);
    const report = await sweeping.run();
    const { event_id, kind, deadline } = intent;
    expect(report.found).toMatchObject([{ kind, event_id, deadline, verdict: 'in_time', why: 'intent_in_time' }]);
    expect(standingOf(report)).toBe('clean');
    expect(await stands()).toBe(true);
  });

  it('is taken back from then on, under the sweeper’s own name, and five reads show it gone', async () => {
    const { intent } = await left();
    const report = await sweeping.run();
    expect(report.found).toMatchObject([
      { verdict: 'due', why: 'intent_overdue', outcome: { end: 'confirmed', code: 'revoked' } },
    ]);
    expect(standingOf(report)).toBe('clean');
    expect(await stands()).toBe(false);
    const read = readEntry(report.found[0]?.outcome?.receipt?.envelope, intent.event_id, () => ({
      role: 'sweeper',
      publicKey: sweeping.key.publicKey,
    }));
    if (!read.ok) throw new Error(read.message);
    const { kind, tuple } = intent;
    expect(read.entry).toMatchObject({ type: 'swept', data: { kind, tuple, application_id: UNMARKED, round: 1 } });
    expect(read.entry.data['reads']).toHaveLength(5);
    expect((await sweeping.run()).found).toEqual([]);
  });

  it('is another’s once it was taken away and made again by somebody else, and stays', async () => {
    await make().then(keep);
    await sweeping.pass(MINUTE);
    await remake();
    await sweeping.pass(DUE * MINUTE);
    const report = await sweeping.run();
    expect(report.found).toMatchObject([{ verdict: 'foreign', why: 'made_by_another', made_by: STRANGER }]);
    expect(standingOf(report)).toBe('clean');
    expect(await stands()).toBe(true);
  });

  it('is nobody’s while the audit log cannot be read: told, not clean, and not touched', async () => {
    await left();
    sweeping.unmarkedPermissions = UNMARKED_PERMISSIONS.filter((name) => name !== 'AuditLog.Read.All');
    const report = await sweeping.run();
    expect(report.found).toMatchObject([{ verdict: 'unattributed', why: 'log_unreadable' }]);
    expect(report.tenants.flatMap(({ unreadable }) => unreadable)).toMatchObject([{ what: 'audit_log' }]);
    expect(standingOf(report)).toBe('unknown');
    expect(await stands()).toBe(true);
    sweeping.unmarkedPermissions = UNMARKED_PERMISSIONS;
  });

  it('is not called over where the sweeper may only look', async () => {
    await left();
    sweeping.unmarkedPermissions = [
      'RoleManagement.Read.Directory',
      'Policy.Read.All',
      'AuditLog.Read.All',
      'Directory.Read.All',
    ];
    const report = await sweeping.run();
    expect(report.found).toMatchObject([{ verdict: 'due', outcome: { end: 'standing' } }]);
    expect(report.found[0]?.outcome?.code).toContain('graph_denied');
    expect(standingOf(report)).toBe('standing');
    expect(await stands()).toBe(true);
  });

  it('has until the later deadline that the authority signed for another round', async () => {
    const { intent } = await left(10);
    const deadline = instant(Date.parse(intent.deadline) + 20 * MINUTE);
    await keep(signIntent({ ...intent, round: 2, issued_at: sweeping.now, deadline }, world.authority));
    await sweeping.pass((DUE + 9) * MINUTE);
    expect((await sweeping.run()).found).toMatchObject([{ verdict: 'in_time', deadline }]);
    await sweeping.pass(2 * MINUTE);
    expect((await sweeping.run()).found).toMatchObject([{ verdict: 'due', outcome: { end: 'confirmed' } }]);
    expect(await stands()).toBe(false);
  });
});

describe('what no intent of the authority’s names', () => {
  it('is not taken back: an intent that another key signed makes nothing ours, and is not clean', async () => {
    const signed = roles.intent();
    await roles.granted(signed);
    await keep(signIntent(signed.intent, generateRoleKey()));
    await sweeping.pass(DUE * MINUTE);
    const report = await sweeping.run();
    expect(report.found).toMatchObject([{ verdict: 'outside_pim' }]);
    expect(report.tenants[0]?.unreadable).toContainEqual({ what: 'intents', code: 'intent_not_signed' });
    expect(standingOf(report)).toBe('unknown');
    expect(await roles.standing()).toHaveLength(1);
  });

  it('is another person’s of the same role, and stays when ours goes', async () => {
    const signed = roles.intent();
    await roles.granted(signed);
    await keep(signed);
    await roles.outside({ principal_id: BOB });
    await sweeping.pass(DUE * MINUTE);
    const report = await sweeping.run();
    expect(report.counts).toMatchObject({ due: 1, outside_pim: 1 });
    const { assignments } = await world.truth();
    expect(assignments.map(({ principal_id }) => principal_id)).toEqual([BOB]);
  });
});

describe('the authority’s intents', () => {
  it('that cannot be read are not none', async () => {
    sweeping.intentsPath = path.join(folder, 'nowhere');
    const report = await sweeping.run();
    expect(report.tenants.map(({ unreadable }) => unreadable)).toEqual([
      [{ what: 'intents', code: 'intents_unreadable' }],
      [{ what: 'intents', code: 'intents_unreadable' }],
    ]);
    expect(standingOf(report)).toBe('unknown');
  });

  it('may come in one file, an envelope a line', async () => {
    const signed = roles.intent();
    await roles.granted(signed);
    sweeping.intentsPath = path.join(folder, 'intents.jsonl');
    await writeFile(sweeping.intentsPath, `${JSON.stringify(signed.envelope)}\n\n`);
    await sweeping.pass(DUE * MINUTE);
    expect((await sweeping.run()).found).toMatchObject([{ verdict: 'due', made_by: ASSIGNER }]);
    expect(await roles.standing()).toEqual([]);
  });

  it('name the groups to look at, too', async () => {
    const group = '68e55cce-cf7e-4a2d-9046-3e4e75c4bfa7';
    await world.control('/groups', { id: group, display_name: 'CA exclusion' });
    const signed = world.groupIntent(group);
    await world.assign(signed, '11111111-0000-4000-8000-000000000001');
    await keep(signed);
    await sweeping.pass(DUE * MINUTE);
    expect((await sweeping.run()).found).toMatchObject([
      { kind: 'entra.group_membership', verdict: 'due', outcome: { end: 'confirmed' } },
    ]);
  });

  it('are left in a file each, and none of a directory role, which Graph’s lists lead to', async () => {
    const signed = roles.intent();
    await keep(signed);
    await keep(world.intent({ event_id: 'fedcba9876543210' }));
    const file = path.join(folder, `${signed.intent.event_id}-1.json`);
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual(signed.envelope);
    await expect(readFile(path.join(folder, 'fedcba9876543210-1.json'))).rejects.toThrow('ENOENT');
  });
});

describe('a protected policy or person', () => {
  it.each([ALICE, POLICY])('is told of and not touched: %s', async (id) => {
    await policies.policy();
    const signed = policies.intent('entra.ca_exclusion');
    await policies.granted(signed);
    await keep(signed);
    sweeping.protectedIds.add(id);
    await sweeping.pass(DUE * MINUTE);
    const report = await sweeping.run();
    expect(report.found[0]?.outcome).toMatchObject({ end: 'standing' });
    expect(report.found[0]?.outcome?.code).toMatch(/^protected_/);
    expect((await policies.truth()).excluded).toContain(ALICE);
  });
});

it('names its target by what it acts on', async () => {
  const signed = roles.intent();
  await roles.granted(signed);
  await keep(signed);
  const [found] = (await sweeping.run('look')).found;
  expect(found).toMatchObject({
    kind: 'entra.role_assignment',
    principal_id: ALICE,
    role_template_id: USER_ADMINISTRATOR,
    directory_scope_id: '/',
  });
});
