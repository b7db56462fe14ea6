import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { ROLES, type Role } from '../domain/roles.js';
import { importRolePrivateKey, type RoleKey } from '../proofs/role-key.js';
import type { Trust } from '../proofs/trust.js';
import { variablesOf, type Environment } from './settings-environment.js';
import { SettingsError } from './settings-error.js';
import { GRAPH_JOBS, graphOf, SECTIONS, signingKeyPath, type WorkerSettings } from './settings.js';

/**
 * A role that also holds what another one holds undoes the separation, so its process does not start. All of this finds
 * mistakes of whoever deploys; what somebody hides from the process is not found.
 */
function foreign(message: string): SettingsError {
  return new SettingsError('credential_of_another_role', message);
}

/** Members that are secrets, and what to write in a file instead. */
export const SECRET_MEMBERS = [
  { member: 'database_url', instead: 'database_url_path' },
  { member: 'api_key', instead: 'api_key_path' },
] as const;

/** Members that lead to a credential, and what they lead to. */
const CREDENTIALS: Readonly<Record<string, string>> = {
  signing_key_path: 'signing key',
  database_url: 'database',
  database_url_path: 'database',
  graph: 'Graph identity',
  notice_channels: 'notice channels',
  job_runtimes: 'job runtimes',
  sentinel_import_keys: 'import keys',
  sinks: 'sinks for secrets',
  hosts_path: 'hosts file',
};

/** Refuses sections of roles that are not played, and in a section what its role has no use for. */
export function refuseForeignSections(
  raw: Readonly<Record<string, unknown>>,
  roles: readonly Role[],
  source: string,
): void {
  for (const role of ROLES) {
    const section = raw[role];
    if (section === undefined) continue;
    if (!roles.includes(role)) {
      throw foreign(`${source}: it holds the section "${role}", which this process does not play: take it out`);
    }
    if (typeof section !== 'object' || section === null) continue;
    const held: object = SECTIONS[role].shape;
    const member = Object.keys(section).find((name) => name in CREDENTIALS && !(name in held));
    if (member === undefined) continue;
    throw foreign(`${source}: ${role}.${member}: role ${role} needs no ${CREDENTIALS[member]}: take it out`);
  }
}

/** What Azure's libraries and PostgreSQL's take from the environment by themselves. */
const OF_AZURE = ['AZURE_CLIENT_ID', 'AZURE_CLIENT_SECRET', 'AZURE_CLIENT_CERTIFICATE_PATH', 'AZURE_PASSWORD'];
const OF_POSTGRES = ['PGPASSWORD', 'RESEAL_DATABASE_URL'];

/** Refuses variables that carry what another role holds. */
export function refuseForeignEnvironment(env: Environment, roles: readonly Role[]): void {
  const isSet = (name: string): boolean => env[name] !== undefined && env[name] !== '';
  for (const role of ROLES) {
    const [variable] = roles.includes(role) ? unusable(env, role) : variablesOf(env, role);
    if (variable === undefined) continue;
    const why = roles.includes(role) ? `role ${role} holds none` : `this process does not play role ${role}`;
    throw foreign(`${variable} is set, and ${why}: unset it`);
  }
  const played = roles.map((role): object => SECTIONS[role].shape);
  const refused = [
    ...(played.some((shape) => 'graph' in shape) ? [] : OF_AZURE.map((name) => [name, 'Graph identity'] as const)),
    ...(played.some((shape) => 'database_url' in shape) ? [] : OF_POSTGRES.map((name) => [name, 'database'] as const)),
  ];
  for (const [name, what] of refused) {
    if (isSet(name)) throw foreign(`${name} is set, and ${roles.join(', ')} needs no ${what}: unset it`);
  }
}

/** Variables of a played role that lead to a credential it has no member for. */
function unusable(env: Environment, role: Role): string[] {
  const shape: object = SECTIONS[role].shape;
  const needed = [
    ...('signing_key_path' in shape ? ['_SIGNING_KEY_PATH'] : []),
    ...('database_url' in shape ? ['_DATABASE_URL', '_DATABASE_URL_PATH'] : []),
    ...('graph' in shape ? ['_GRAPH_CERTIFICATE_PATH'] : []),
  ];
  return variablesOf(env, role).filter((name) => !needed.some((end) => name.endsWith(end)));
}

/** Refuses a Graph application that has another job, and one that two roles share. */
export function refuseForeignApplications(settings: WorkerSettings, env: Environment): void {
  const own = new Set<string>();
  for (const role of settings.roles) {
    const job = GRAPH_JOBS[role];
    const graph = graphOf(settings, role);
    if (job === undefined || graph === null) continue;
    const id = graph.application_id.toLowerCase();
    const expected = settings.applications[job]?.toLowerCase();
    if (expected === undefined)
      throw new SettingsError(
        'settings_invalid',
        `applications.${job} is not set: role ${role} acts as that application`,
      );
    const other = Object.entries(settings.applications).find(([name, one]) => name !== job && one.toLowerCase() === id);
    if (other !== undefined) {
      throw foreign(
        `${role}.graph.application_id is ${id}, which has the job ${other[0]}: expected an application of its own`,
      );
    }
    if (id !== expected) {
      const message = `${role}.graph.application_id is ${id}, and applications.${job} says ${expected}: they must agree`;
      throw new SettingsError('settings_invalid', message);
    }
    own.add(id);
  }
  const injected = env['AZURE_CLIENT_ID']?.toLowerCase();
  if (own.size === 0 || injected === undefined || injected === '' || own.has(injected)) return;
  throw foreign(
    `AZURE_CLIENT_ID is ${injected}, and this process acts as ${[...own].join(', ')}: bind it to its own application`,
  );
}

const MOST_FILES = 256;
const MOST_KEY_BYTES = 16 * 1024;

/**
 * Checks that a role's key is the one trusted for it, and that no key of a role this process does not play can be read
 * where its own lie.
 */
export async function refuseForeignKeys(
  settings: WorkerSettings,
  keys: ReadonlyMap<Role, RoleKey>,
  trust: Trust,
): Promise<void> {
  for (const [role, { keyid }] of keys) {
    const known = trust.keyOf(keyid)?.role;
    const file = signingKeyPath(settings, role);
    if (known === role) continue;
    if (known !== undefined) throw foreign(`${file}: this key is trusted for role ${known}, and was given to ${role}`);
    const message = `${file}: the key of role ${role} (keyid ${keyid}) is not in ${settings.trust_path}: nobody would believe it`;
    throw new SettingsError('role_key_not_trusted', message);
  }
  const folders = new Set([...keys.keys()].map((role) => path.dirname(signingKeyPath(settings, role) ?? '.')));
  for (const folder of folders) {
    for (const file of (await readdir(folder).catch(() => [])).slice(0, MOST_FILES)) {
      const at = path.join(folder, file);
      const role = await roleOfKeyFile(at, trust);
      if (role === null || settings.roles.includes(role)) continue;
      throw foreign(
        `${at} is the key of role ${role}, and this process can read it: give each role a folder of its own`,
      );
    }
  }
}

/** The role whose signing key a file holds, or null where it holds none that is trusted or cannot be read. */
async function roleOfKeyFile(file: string, trust: Trust): Promise<Role | null> {
  const found = await stat(file).catch(() => null);
  if (found === null || !found.isFile() || found.size > MOST_KEY_BYTES) return null;
  const text = await readFile(file, 'utf8').catch(() => '');
  if (!text.includes('PRIVATE KEY')) return null;
  const read = importRolePrivateKey(text);
  return read.ok ? (trust.keyOf(read.key.keyid)?.role ?? null) : null;
}
