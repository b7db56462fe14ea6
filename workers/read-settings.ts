import { readFile } from 'node:fs/promises';
import { isSigning, ROLES, type Role } from '../domain/roles.js';
import { refuseForeignEnvironment, refuseForeignSections, SECRET_MEMBERS } from './foreign-credentials.js';
import { parseJson } from './json-file.js';
import { environmentOf, type Environment } from './settings-environment.js';
import { SettingsError } from './settings-error.js';
import { readSecretFile } from './secret-file.js';
import { checkTogether, SECTIONS, sectionOf, settingsSchema, type WorkerSettings } from './settings.js';

type Raw = Record<string, unknown>;

/**
 * What a process is told that plays `roles`: the file, and over it the environment. Throws SettingsError naming the file or
 * variable, the member, what was expected and what to do. A process that is told of anything that another role holds does
 * not start: `credential_of_another_role`.
 */
export async function readSettings(input: {
  roles: readonly Role[];
  file: string | null;
  env: Environment;
}): Promise<WorkerSettings> {
  const { roles, file, env } = input;
  const raw = file === null ? {} : await readJson(file);
  const source = file ?? 'the environment';
  refuseSecretsIn(raw, source);
  refuseForeignSections(raw, roles, source);
  refuseForeignEnvironment(env, roles);
  if (roles.includes('ceremonies')) raw['ceremonies'] ??= {};
  for (const { name, at, value } of environmentOf(env, roles)) put(raw, at, value, name);
  const settings = parsed(raw, roles, source);
  for (const role of roles) sectionOf(settings, role);
  checkTogether(settings, source);
  await takeDatabaseUrls(settings);
  return settings;
}

/** The roles of a list such as `register,authority`. Throws `settings_invalid` naming the word that is no role. */
export function rolesOf(text: string, from: string): Role[] {
  const words = [
    ...new Set(
      text
        .split(',')
        .map((word) => word.trim())
        .filter((word) => word !== ''),
    ),
  ];
  const stranger = words.find((word) => !ROLES.includes(word as Role));
  if (words.length > 0 && stranger === undefined) return words as Role[];
  const what = stranger === undefined ? 'names no role' : `"${stranger}" is no role`;
  throw new SettingsError('settings_invalid', `${from}: ${what}: expected some of ${ROLES.join(', ')}`);
}

async function readJson(file: string): Promise<Raw> {
  const text = await readFile(file, 'utf8').catch(() => {
    throw new SettingsError('file_missing', `${file} cannot be read`);
  });
  const json = parseJson(text, file, 'settings_invalid');
  if (isRecord(json)) return json;
  throw new SettingsError('settings_invalid', `${file} is not a JSON object`);
}

function refuseSecretsIn(raw: Raw, source: string): void {
  for (const [section, members] of Object.entries(raw)) {
    if (!isRecord(members)) continue;
    const found = SECRET_MEMBERS.find(({ member }) => members[member] !== undefined);
    if (found === undefined) continue;
    throw new SettingsError(
      'secret_in_settings',
      `${source}: ${section}.${found.member} is a secret: use ${found.instead}, or the environment`,
    );
  }
}

function put(raw: Raw, at: readonly string[], value: string, name: string): void {
  const [member = '', ...path] = [...at].reverse();
  let into = raw;
  for (const part of path.reverse()) {
    const next = (into[part] ??= {});
    if (!isRecord(next)) throw new SettingsError('settings_invalid', `${name}: ${part} is not an object in the file`);
    into = next;
  }
  into[member] = value;
}

function parsed(raw: Raw, roles: readonly Role[], source: string): WorkerSettings {
  const read = settingsSchema.safeParse(raw);
  if (read.success) return { ...read.data, roles: [...roles] };
  const [issue] = read.error.issues;
  const [member] = issue?.path ?? [];
  const role = ROLES.find((one) => one === member);
  const where = issue?.path.join('.') ?? '';
  if (role !== undefined && isSigning(role) && issue?.path[1] === 'signing_key_path') {
    throw new SettingsError('role_key_missing', `${source}: role ${role} has no signing key: set ${where}`);
  }
  const held = role === undefined ? '' : ` (role ${role} holds ${Object.keys(SECTIONS[role].shape).join(', ')})`;
  throw new SettingsError('settings_invalid', `${source}: ${where}: ${issue?.message ?? 'not valid'}${held}`);
}

/** A URL with a password is read from its file, which nobody else may read. */
async function takeDatabaseUrls(settings: WorkerSettings): Promise<void> {
  for (const role of settings.roles) {
    if (!('database_url_path' in SECTIONS[role].shape)) continue;
    const section = settings[role as 'register'];
    if (section?.database_url !== undefined || section?.database_url_path === undefined) continue;
    section.database_url = await readSecretFile(section.database_url_path, `the database URL of role ${role}`);
  }
}

const isRecord = (value: unknown): value is Raw => typeof value === 'object' && value !== null && !Array.isArray(value);
