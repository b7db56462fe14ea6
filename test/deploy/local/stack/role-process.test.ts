import { chmod, cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stackFiles } from '../../../../deploy/local/stack/stack-files.js';
import { layoutOf, type Layout } from '../../../../deploy/local/stack/layout.js';
import { LOCAL_SERIES } from '../../../../deploy/local/stack/local-contract.js';
import { LOCAL_APPLICATIONS } from '../../../../deploy/local/stack/local-world.js';
import { settingsFileText, workerSettings } from '../../../../deploy/local/stack/worker-settings.js';
import type { Role } from '../../../../domain/roles.js';
import { exportRolePrivateKey, generateRoleKey } from '../../../../proofs/role-key.js';
import { workerCommand } from '../../../../workers/worker-command.js';
import { roleKeyPath } from '../../../../workers/role-keys.js';
import type { WorkerSettings } from '../../../../workers/settings.js';
import { RoleProcess } from '../../../support/role-process.js';

/** An API key and no TLS, to another machine. */
const inClear = { address: 'temporal.example:7233', namespace: 'default', tls: false, api_key_path: '/x' } as const;

let folder: string;
let layout: Layout;
let good: WorkerSettings;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'reseal-roles-'));
  layout = layoutOf(folder);
  const options = { dir: folder, log: () => undefined };
  await stackFiles(layout, options);
  const temporal = { address: '127.0.0.1:9', namespace: 'default', uiUrl: 'http://127.0.0.1:9' };
  const urls = { graphUrl: 'http://127.0.0.1:9', inboxUrl: 'http://127.0.0.1:9' };
  good = { ...workerSettings(layout, options, { temporal, ...urls, series: LOCAL_SERIES }), clock: 'system' };
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Change {
  roles?: readonly Role[] | string;
  /** Over the settings of these roles alone. */
  over?: Record<string, unknown>;
  /** Instead of all settings. */
  text?: string;
  env?: Record<string, string>;
}

/** Plays roles with these settings, and answers how that ended and the one line it said. */
async function start(change: Change = {}) {
  const { roles, config, env } = await written(change);
  const said: string[] = [];
  const kept = { write: (text: string) => said.push(text) };
  const status = await workerCommand({ roles, config }, { stdout: kept, stderr: kept, env });
  return { status, ...lineOf(said.join('')) };
}

/** The same in a process of its own. */
async function startProcess(change: Change = {}) {
  const process = RoleProcess.spawn(await written(change));
  const status = await process.ended();
  return { status, ...lineOf(process.stderr) };
}

async function written({ roles = ['verifier'], over = {}, text, env = {} }: Change) {
  const config = path.join(await mkdtemp(path.join(folder, 'settings-')), 'settings.json');
  const own = JSON.parse(settingsFileText(good, typeof roles === 'string' ? [] : roles)) as object;
  await writeFile(config, text ?? JSON.stringify({ ...own, ...over }));
  return { roles: typeof roles === 'string' ? roles : roles.join(','), config, env };
}

function lineOf(said: string): { code: string; message: string } {
  const lines = said.trim().split('\n');
  expect(lines).toHaveLength(1);
  expect(said).not.toMatch(/not-for-logs|\bat .*\.[jt]s:\d/);
  const { code, message } = JSON.parse(lines[0] ?? '') as { code: string; message: string };
  return { code, message };
}

const refusal = (code: string, ...said: string[]) => ({
  status: 2,
  code,
  message: expect.stringMatching(new RegExp(said.map((one) => one.replaceAll(/[.()/]/g, '\\$&')).join('.*'))) as string,
});

describe('a role that lacks what it needs', () => {
  it.each(['register', 'authority'] as const)('the %s names its database, and that PGlite is none', async (role) => {
    const said = await start({ roles: ['verifier', role] });
    expect(said).toEqual(
      refusal('role_needs_database', role, `${role}.database_url_path`, 'PGlite is opened by `reseal dev` alone'),
    );
  });

  it('names the section', async () => {
    const said = await start({ over: { verifier: undefined } });
    expect(said).toEqual(refusal('role_settings_missing', 'role verifier', 'signing_key_path, graph'));
  });

  it('names the member of a key that is not set', async () => {
    const said = await start({ over: { verifier: { ...good.verifier, signing_key_path: undefined } } });
    expect(said).toEqual(refusal('role_key_missing', 'role verifier', 'verifier.signing_key_path'));
  });

  it('names the file of a key that is missing', async () => {
    const signing_key_path = path.join(folder, 'no-key.pem');
    const said = await start({ over: { verifier: { ...good.verifier, signing_key_path } } });
    expect(said).toEqual(refusal('role_key_missing', 'role verifier', signing_key_path));
  });

  it('names the certificate that its credential needs', async () => {
    const application_id = LOCAL_APPLICATIONS.verifier;
    const graph = { mode: 'entra', application_id, credential: 'client_certificate' };
    const said = await start({ over: { verifier: { ...good.verifier, graph } } });
    expect(said).toEqual(refusal('settings_invalid', 'verifier.graph.certificate_path'));
  });

  it('refuses a key that others can read, with the command to run', async () => {
    const key = roleKeyPath(layout.roleKeys, 'verifier');
    await chmod(key, 0o640);
    const said = await start();
    await chmod(key, 0o600);
    expect(said).toEqual(refusal('role_key_permissions', `chmod 600 ${key}`));
  });

  it('refuses a database URL that others can read', async () => {
    const file = path.join(folder, 'database-url');
    await writeFile(file, 'postgres://reseal_register:not-for-logs@127.0.0.1:9/reseal', { mode: 0o644 });
    const register = { ...good.register, database_url_path: file };
    const said = await start({ roles: ['register'], over: { register } });
    expect(said).toEqual(refusal('secret_permissions', `chmod 600 ${file}`));
  });

  it('refuses a key that nobody would believe', async () => {
    const signing_key_path = path.join(folder, 'stranger', 'signing-key.pem');
    await mkdir(path.dirname(signing_key_path), { recursive: true });
    await writeFile(signing_key_path, exportRolePrivateKey(generateRoleKey()), { mode: 0o600 });
    const said = await start({ over: { verifier: { ...good.verifier, signing_key_path } } });
    expect(said).toEqual(refusal('role_key_not_trusted', 'role verifier', layout.trust));
  });
});

describe("a role that is given another's credential", () => {
  const OTHER = 'credential_of_another_role';
  const url = 'postgres://reseal:not-for-logs@127.0.0.1:9/reseal';

  it('its section', async () => {
    const said = await start({ over: { authority: good.authority } });
    expect(said).toEqual(refusal(OTHER, 'section "authority"', 'take it out'));
  });

  it.each([
    ['a database where none is needed', 'verifier', { database_url_path: '/x' }, 'role verifier needs no database'],
    ['a Graph identity where none is needed', 'authority', { graph: {} }, 'role authority needs no Graph identity'],
    ['a signing key where none is needed', 'ceremonies', { signing_key_path: '/x' }, 'needs no signing key'],
    ['import keys', 'authority', { sentinel_import_keys: '/x' }, 'role authority needs no import keys'],
  ] as const)('%s', async (_, role, member, expected) => {
    const said = await start({ roles: [role], over: { [role]: { ...good[role], ...member } } });
    expect(said).toEqual(refusal(OTHER, expected));
  });

  it("another role's key instead of its own", async () => {
    const signing_key_path = roleKeyPath(layout.roleKeys, 'authority');
    const said = await start({ over: { verifier: { ...good.verifier, signing_key_path } } });
    expect(said).toEqual(refusal(OTHER, signing_key_path, 'trusted for role authority', 'given to verifier'));
  });

  it("the authority's key beside an effect's own", async () => {
    const role = 'effect:entra.directory_role';
    const shared = path.join(folder, 'shared');
    await mkdir(shared, { recursive: true });
    const signing_key_path = path.join(shared, 'own.pem');
    await cp(roleKeyPath(layout.roleKeys, role), signing_key_path);
    await cp(roleKeyPath(layout.roleKeys, 'authority'), path.join(shared, 'any-name'));
    const said = await start({ roles: [role], over: { [role]: { ...good[role], signing_key_path } } });
    expect(said).toEqual(refusal(OTHER, path.join(shared, 'any-name'), 'key of role authority'));
  });

  it('the Graph application of another job', async () => {
    const application_id = LOCAL_APPLICATIONS.directory_role;
    const graph = { ...good.verifier?.graph, application_id };
    const said = await start({ over: { verifier: { ...good.verifier, graph } } });
    expect(said).toEqual(refusal(OTHER, 'verifier.graph.application_id', 'has the job directory_role'));
  });

  it.each([
    ['AZURE_CLIENT_ID', LOCAL_APPLICATIONS.directory_role, ['verifier'], 'bind it to its own application'],
    ['AZURE_CLIENT_SECRET', 'not-for-logs', ['authority'], 'needs no Graph identity'],
    ['PGPASSWORD', 'not-for-logs', ['verifier'], 'needs no database'],
    ['RESEAL_DATABASE_URL', url, ['ceremonies'], 'needs no database'],
    ['RESEAL_AUTHORITY_DATABASE_URL', url, ['register'], 'does not play role authority'],
    ['RESEAL_VERIFIER_DATABASE_URL', url, ['verifier'], 'role verifier holds none'],
    ['RESEAL_AUTHORITY_SIGNING_KEY_PATH', '/x', ['effect:entra.sessions'], 'does not play role authority'],
  ] as const)('%s in its environment', async (name, value, roles, said) => {
    expect(await start({ roles: [...roles], env: { [name]: value } })).toEqual(refusal(OTHER, name, said));
  });
});

describe('settings that cannot work', () => {
  it.each([
    ['that are not JSON', { text: 'roles: [verifier]' }, 'is not JSON'],
    ['for an unknown role', { roles: 'verifier,dictator' }, '--roles: "dictator" is no role'],
    ['for no role', { roles: ' ,' }, '--roles: names no role'],
    ['with a member of an earlier version', { over: { role_keys_dir: '/x' } }, 'role_keys_dir'],
    ['that send an API key in clear', { over: { temporal: { ...inClear } } }, 'temporal.tls'],
  ] as const)('%s', async (_, change, said) => {
    expect(await start(change)).toEqual(refusal('settings_invalid', said));
  });

  it.each([
    ['register', 'database_url', 'database_url_path'],
    ['temporal', 'api_key', 'api_key_path'],
  ] as const)('a secret in the file itself: %s.%s', async (section, member, instead) => {
    const over = { [section]: { ...good[section], [member]: 'not-for-logs' } };
    const said = await start({ roles: ['register'], over });
    expect(said).toEqual(refusal('secret_in_settings', `${section}.${member}`, `use ${instead}`));
  });

  it('a registry of contracts that is read over a network without TLS', async () => {
    const contracts = { ...good.contracts, registry: 'http://gateway.corp.example' };
    const said = await start({ over: { contracts } });
    expect(said).toEqual(refusal('settings_invalid', 'contracts.registry: expected a directory, or the https address'));
  });

  it('virtual time outside the local stack', async () => {
    const application_id = LOCAL_APPLICATIONS.verifier;
    const graph = { mode: 'entra', application_id, credential: 'workload_identity' };
    const said = await start({ over: { clock: 'virtual', verifier: { ...good.verifier, graph } } });
    expect(said).toEqual(refusal('virtual_time_outside_the_local_stack', 'use "system"'));
  });
});

describe('a process of its own', () => {
  it('says one JSON line and no stack trace, and ends with 2, when it is set up wrongly', async () => {
    const said = await startProcess({ over: { authority: good.authority } });
    expect(said).toEqual(refusal('credential_of_another_role', 'section "authority"'));
  });

  it('ends with 6 where Temporal is not there', async () => {
    const said = await startProcess();
    expect(said).toMatchObject({ status: 6, code: 'temporal_unreachable' });
    expect(said.message).toMatch(/^Temporal cannot be reached at 127\.0\.0\.1:9: [A-Za-z ]+$/);
  });

  it('ends with 6 where PostgreSQL is not there, and says no word of the URL', async () => {
    const env = { RESEAL_REGISTER_DATABASE_URL: 'postgres://reseal:not-for-logs@127.0.0.1:9/reseal' };
    const said = await startProcess({ roles: ['register'], env });
    expect(said).toMatchObject({ status: 6, code: 'register_unreachable' });
    expect(said.message).toContain('PostgreSQL cannot be reached');
  });
});
