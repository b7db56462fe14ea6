import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stackFiles } from '../../../../deploy/local/stack/stack-files.js';
import { layoutOf, type Layout } from '../../../../deploy/local/stack/layout.js';
import { LOCAL_APPLICATIONS } from '../../../../deploy/local/stack/local-world.js';
import { roleKeyPath } from '../../../../workers/role-keys.js';
import type { WorkerSettings } from '../../../../workers/settings.js';
import { RoleProcess } from '../../../support/role-process.js';

let folder: string;
let layout: Layout;
let good: WorkerSettings;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'reseal-roles-'));
  layout = layoutOf(folder);
  await stackFiles(layout, { dir: folder, log: () => undefined });
  good = {
    roles: ['verifier'],
    temporal: { address: '127.0.0.1:9', namespace: 'default' },
    payload_keyring_path: layout.keyring,
    role_keys_dir: layout.roleKeys,
    trust_path: layout.trust,
    roster_path: layout.roster,
    policy_path: layout.policy,
    database_url: null,
    graph: { mode: 'loopback', url: 'http://127.0.0.1:9', applications: LOCAL_APPLICATIONS },
    protected_object_ids: [],
    clock: 'system',
    reconcile_seconds: 5,
  };
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Starts roles of their own with these settings, and answers how they ended and the one line they said. */
async function start(settings: unknown): Promise<{ status: number | null; line: Record<string, unknown> }> {
  const file = path.join(folder, 'settings.json');
  await writeFile(file, typeof settings === 'string' ? settings : JSON.stringify(settings));
  const roles = RoleProcess.spawn(file);
  const status = await roles.ended();
  const lines = roles.stderr.trim().split('\n');
  expect(lines).toHaveLength(1);
  return { status, line: JSON.parse(lines[0] ?? '') as Record<string, unknown> };
}

describe('role processes of their own', () => {
  it.each(['register', 'authority'] as const)('refuse PGlite for the %s', async (role) => {
    const { status, line } = await start({ ...good, roles: ['verifier', role] });
    expect(status).toBe(2);
    expect(line).toMatchObject({ code: 'role_needs_database' });
    expect(line.message).toContain('PGlite is opened by `reseal dev` alone');
  });

  it('name the role and the file of a key that is missing', async () => {
    const role_keys_dir = path.join(folder, 'no-keys');
    await mkdir(role_keys_dir, { recursive: true });
    const { status, line } = await start({ ...good, role_keys_dir });
    expect(status).toBe(2);
    expect(line).toMatchObject({ code: 'role_key_missing' });
    expect(line.message).toContain(roleKeyPath(role_keys_dir, 'verifier'));
  });

  it('refuse a key that others can read, with the command to run', async () => {
    const key = roleKeyPath(layout.roleKeys, 'verifier');
    await chmod(key, 0o640);
    const { status, line } = await start(good);
    await chmod(key, 0o600);
    expect(status).toBe(2);
    expect(line).toMatchObject({ code: 'role_key_permissions' });
    expect(line.message).toContain(`chmod 600 ${key}`);
  });

  it('name the line of a roster that is wrong', async () => {
    const roster_path = path.join(folder, 'wrong-roster.yaml');
    await writeFile(roster_path, 'version: 1\npeople:\n  - id: alice\n    kind: dog\n');
    const { status, line } = await start({ ...good, roster_path });
    expect(status).toBe(2);
    expect(line).toMatchObject({ code: 'file_invalid' });
    expect(line.message).toMatch(/wrong-roster\.yaml:\d+:\d+: people\.0\.kind/);
  });

  it.each([
    ['that are not JSON', 'roles: [verifier]', 'settings_invalid', 'is not JSON'],
    ['that name an unknown role', { ...{}, roles: ['dictator'] }, 'settings_invalid', 'roles.0'],
  ])('refuse settings %s', async (_, change, code, said) => {
    const { status, line } = await start(typeof change === 'string' ? change : { ...good, ...change });
    expect(status).toBe(2);
    expect(line).toMatchObject({ code });
    expect(line.message).toContain(said);
  });

  it('refuse virtual time outside the local stack', async () => {
    const graph = { mode: 'entra', applications: LOCAL_APPLICATIONS, credential: 'workload_identity' };
    const { status, line } = await start({ ...good, clock: 'virtual', graph });
    expect(status).toBe(2);
    expect(line).toMatchObject({ code: 'virtual_time_outside_the_local_stack' });
  });

  it('say that they cannot reach Temporal or PostgreSQL, and end with 1', async () => {
    const url = 'postgres://reseal:not-for-logs@127.0.0.1:9/reseal';
    const [temporal, postgres] = [await start(good), await start({ ...good, database_url: url })];
    expect([temporal.status, postgres.status]).toEqual([1, 1]);
    expect(temporal.line.message).toContain('127.0.0.1:9');
    expect(postgres.line.message).toContain('PostgreSQL cannot be reached');
    expect(JSON.stringify(postgres.line)).not.toContain('not-for-logs');
  });
});
