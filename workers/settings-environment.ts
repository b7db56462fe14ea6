import type { Role } from '../domain/roles.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Members of the settings that any process may be given by its environment. An empty variable says nothing. */
const SHARED: Readonly<Record<string, readonly string[]>> = {
  RESEAL_TEMPORAL_ADDRESS: ['temporal', 'address'],
  RESEAL_TEMPORAL_NAMESPACE: ['temporal', 'namespace'],
  RESEAL_TEMPORAL_UI_URL: ['temporal', 'ui_url'],
  RESEAL_TEMPORAL_API_KEY: ['temporal', 'api_key'],
  RESEAL_TEMPORAL_API_KEY_PATH: ['temporal', 'api_key_path'],
  RESEAL_PAYLOAD_KEYRING: ['payload_keyring_path'],
  RESEAL_TRUST: ['trust_path'],
  RESEAL_ATTEMPTS_DIR: ['attempts_dir'],
};

/** Members of a role's own section, after `RESEAL_ROLE_`. */
const OF_A_ROLE: Readonly<Record<string, readonly string[]>> = {
  SIGNING_KEY_PATH: ['signing_key_path'],
  DATABASE_URL: ['database_url'],
  DATABASE_URL_PATH: ['database_url_path'],
  GRAPH_CERTIFICATE_PATH: ['graph', 'certificate_path'],
};

/** `RESEAL_EFFECT_ENTRA_DIRECTORY_ROLE_` for `effect:entra.directory_role`. */
export const prefixOf = (role: Role): string => `RESEAL_${role.toUpperCase().replace(/[^A-Z0-9]+/g, '_')}_`;

/** A variable that says something about the settings, and where it belongs. */
export interface Said {
  name: string;
  at: readonly string[];
  value: string;
}

/** What the environment says for these roles. */
export function environmentOf(env: Environment, roles: readonly Role[]): Said[] {
  const shared = Object.entries(SHARED).map(([name, at]) => ({ name, at }));
  return [...shared, ...roles.flatMap(ofRole)].flatMap(({ name, at }) => {
    const value = env[name];
    return value === undefined || value === '' ? [] : [{ name, at, value }];
  });
}

/** Variables of a role's section that are set. */
export const variablesOf = (env: Environment, role: Role): string[] =>
  ofRole(role).flatMap(({ name }) => (env[name] === undefined || env[name] === '' ? [] : [name]));

const ofRole = (role: Role): { name: string; at: readonly string[] }[] =>
  Object.entries(OF_A_ROLE).map(([member, at]) => ({ name: `${prefixOf(role)}${member}`, at: [role, ...at] }));
