import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { startGraphSimulator, type GraphSimulator } from '../../../deploy/local/graph/server.js';
import type { SweepReport } from '../../../domain/sweep.js';
import { generateRoleKey } from '../../../proofs/role-key.js';
import { signIntent } from '../../../proofs/signed-intent.js';
import { trustFileText } from '../../../proofs/trust.js';
import { roster } from '../../proofs/ceremony-people.js';
import { fullCeremony } from '../../proofs/full-ceremony.js';
import { commandLine } from '../../support/sweeping.js';

const SWEEPER = '44444444-0000-4000-8000-000000000004';
const OWN = '44444444-0000-4000-8000-000000000005';
const GRANTER = '11111111-0000-4000-8000-000000000001';
const ASSIGNER = '55555555-0000-4000-8000-000000000005';
const authority = generateRoleKey();

let graph: GraphSimulator;
let root: string;
let folder: string;
beforeAll(async () => {
  graph = await startGraphSimulator();
  root = await mkdtemp(path.join(os.tmpdir(), 'reseal-sweep-'));
});
afterAll(async () => {
  await graph.close();
  await rm(root, { recursive: true, force: true });
});
beforeEach(async () => {
  folder = await mkdtemp(path.join(root, 'case-'));
  const roles = [{ role: 'authority' as const, publicKey: authority.publicKey }];
  await writeFile(path.join(folder, 'trust.json'), trustFileText({ roles, roster }));
  await mkdir(path.join(folder, 'intents'));
});

const identity = (application_id: string) => ({ mode: 'loopback', application_id, url: graph.url });

/** A sweep of one empty tenant by these settings, in a folder with `trust.json` and an empty `intents`. */
async function swept(sweeper: object, ...argv: string[]) {
  const settings = {
    trust_path: 'trust.json',
    applications: { directory_role: GRANTER, role_assignment: ASSIGNER },
    sweeper: { graph: identity(SWEEPER), tenant_ids: [randomUUID()], ...sweeper },
  };
  await writeFile(path.join(folder, 'sweeper.json'), JSON.stringify(settings));
  const given = ['sweep', 'run', '--standalone', '--config', 'sweeper.json', '-o', 'json', ...argv];
  const ran = await commandLine(given, { cwd: folder });
  return { ...ran, report: ran.out === '' ? null : (JSON.parse(ran.out) as { report: SweepReport }).report };
}
const unreadable = (report: SweepReport | null): string[] =>
  (report?.tenants ?? []).flatMap((tenant) => tenant.unreadable.map(({ what, code }) => `${what} ${code}`));

describe('--intents', () => {
  it('is read instead of what the settings name, from where the command runs', async () => {
    const settings = { intents_path: 'nowhere' };
    const without = await swept(settings);
    expect([without.status, unreadable(without.report)]).toEqual([6, ['intents intents_unreadable']]);
    const named = await swept(settings, '--intents', 'intents');
    expect([named.status, unreadable(named.report)]).toEqual([0, []]);
  });

  it('takes a directory with an intent a file, or a file with one a line', async () => {
    const { envelope } = signIntent(fullCeremony().intent, authority);
    const line = JSON.stringify(envelope);
    await writeFile(path.join(folder, 'intents', 'one.json'), line);
    await writeFile(path.join(folder, 'lines'), `${line}\n\n${line}\n`);
    for (const place of ['intents', path.join(folder, 'lines')]) {
      const { status, report } = await swept({}, '--intents', place);
      expect([status, unreadable(report)]).toEqual([0, []]);
    }
  });

  it('says of what is not the authority’s that it could not be read, and ends with 6', async () => {
    const { envelope } = signIntent(fullCeremony().intent, generateRoleKey());
    await writeFile(path.join(folder, 'intents', 'forged.json'), JSON.stringify(envelope));
    const { status, report } = await swept({}, '--intents', 'intents');
    expect(status).toBe(6);
    expect(unreadable(report)).toEqual([expect.stringMatching(/^intents intent_/)]);
    expect((await swept({}, '--intents', 'no-such-folder')).status).toBe(6);
  });

  it('is for --standalone alone', async () => {
    const ran = await commandLine(['sweep', 'run', '--intents', 'intents'], { cwd: folder });
    expect(ran).toMatchObject({ status: 2, out: '' });
    expect(ran.err).toContain('--intents is for --standalone');
  });
});

describe('settings that say how to sweep what carries no mark', () => {
  const TENANT = randomUUID();
  const unmarkedAs = (application_id = OWN) => ({ graph: identity(application_id), tenant_ids: [TENANT] });
  const intents_path = 'intents';

  it('work where the intents are named, in the settings or beside them', async () => {
    expect((await swept({ unmarked: unmarkedAs(), intents_path })).status).toBe(0);
    expect((await swept({ unmarked: unmarkedAs() }, '--intents', 'intents')).status).toBe(0);
  });

  const another = (id: string): string => `sweeper.unmarked.graph.application_id: ${id} is another role's`;
  it.each([
    ['no intents', () => ({ unmarked: unmarkedAs() }), 'sweeper.unmarked: name sweeper.intents_path too'],
    ['the sweeper’s own application', () => ({ unmarked: unmarkedAs(SWEEPER), intents_path }), another(SWEEPER)],
    [
      'the application of a role that grants',
      () => ({ unmarked: unmarkedAs(ASSIGNER), intents_path }),
      another(ASSIGNER),
    ],
    [
      'no tenant',
      () => ({ unmarked: { ...unmarkedAs(), tenant_ids: [] }, intents_path }),
      'sweeper.unmarked.tenant_ids',
    ],
    ['no identity', () => ({ unmarked: { tenant_ids: [TENANT] }, intents_path }), 'sweeper.unmarked.graph'],
    ['an unknown member', () => ({ unmarked: { ...unmarkedAs(), mode: 'all' }, intents_path }), 'sweeper.unmarked'],
  ] as [string, () => object, string][])('are refused with %s, by the member’s name', async (_name, sweeper, says) => {
    const ran = await swept(sweeper());
    expect(ran).toMatchObject({ status: 2, out: '' });
    expect(ran.err).toContain(says);
    expect(ran.err).not.toMatch(/^\s+at /m);
  });
});
