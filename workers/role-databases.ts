import { AUTHORITY_MIGRATIONS } from '../activities/authority/authority-migrations.js';
import { CONTAINMENT_MIGRATIONS } from '../activities/containment/containment-migrations.js';
import { openPostgres } from '../activities/register/database-postgres.js';
import { DatabaseError, sqlState, type Database } from '../activities/register/database.js';
import { REGISTER_MIGRATIONS } from '../activities/register/register-migrations.js';
import { VERIFIER_MIGRATIONS } from '../activities/tpm/verifier-migrations.js';
import type { Role } from '../domain/roles.js';
import { needsDatabase } from './role-context.js';
import { readSecretFile } from './secret-file.js';
import { SettingsError } from './settings-error.js';
import { hostsPathOf, sectionOf, type WorkerSettings } from './settings.js';

type WithDatabase =
  | 'register'
  | 'authority'
  | 'effect:entra.conditional_access'
  | 'effect:entra.role_assignment'
  | 'effect:containment'
  | 'verifier';
const MIGRATIONS = {
  register: REGISTER_MIGRATIONS,
  authority: AUTHORITY_MIGRATIONS,
  'effect:entra.conditional_access': AUTHORITY_MIGRATIONS,
  'effect:entra.role_assignment': AUTHORITY_MIGRATIONS,
  verifier: VERIFIER_MIGRATIONS,
  'effect:containment': CONTAINMENT_MIGRATIONS,
} as const satisfies Record<WithDatabase, unknown>;
const WITH_DATABASE = Object.keys(MIGRATIONS) as WithDatabase[];

/** The databases of a process's roles, each opened with that role's own user. */
export interface OpenDatabases {
  databases: ReadonlyMap<Role, Database>;
  close(): Promise<void>;
}

/**
 * Opens each played role's database as that role's own user, and checks that it is up to date and that the user can change
 * nothing of the other role's. Throws SettingsError `role_needs_database`, `database_refused`, `database_not_migrated` or
 * `database_rights`, or DatabaseError `register_unreachable`. No message holds a URL.
 */
export async function openRoleDatabases(settings: WorkerSettings): Promise<OpenDatabases> {
  const databases = new Map<WithDatabase, Database>();
  const close = async (): Promise<void> => {
    for (const database of databases.values()) await database.close();
  };
  const played = WITH_DATABASE.filter((role) => settings.roles.includes(role) && isNeeded(settings, role));
  try {
    for (const role of played) {
      const url = await urlOf(settings, role);
      if (url === undefined) throw needsDatabase(role);
      databases.set(role, await openAs(role, url));
    }
    return { databases, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** A verifier that is given no journal attests no host; a containment role without hosts has nothing to remember. */
function isNeeded(settings: WorkerSettings, role: WithDatabase): boolean {
  if (role === 'effect:containment') return hostsPathOf(settings, role) !== null;
  return role !== 'verifier' || settings.verifier?.attestation?.database_url_path !== undefined;
}

function urlOf(settings: WorkerSettings, role: WithDatabase): Promise<string | undefined> {
  if (role !== 'verifier') return Promise.resolve(sectionOf(settings, role).database_url);
  const file = sectionOf(settings, role).attestation?.database_url_path;
  return file === undefined ? Promise.resolve(undefined) : readSecretFile(file, `the database URL of role ${role}`);
}

async function openAs(role: WithDatabase, url: string): Promise<Database> {
  const database = await openPostgres(url).catch((error: unknown) => {
    throw refused(role, error);
  });
  try {
    await checkMigrated(database, role);
    await checkRights(database, role);
    return database;
  } catch (error) {
    await database.close();
    throw refused(role, error);
  }
}

/** What PostgreSQL says may quote a URL or a password; its SQLSTATE does not. */
function refused(role: WithDatabase, error: unknown): unknown {
  if (error instanceof SettingsError || error instanceof DatabaseError) return error;
  const state = sqlState(error);
  const why = state === null ? 'the URL is not one of PostgreSQL' : `PostgreSQL answers SQLSTATE ${state}`;
  return new SettingsError('database_refused', `role ${role} cannot use its database: ${why}`);
}

async function checkMigrated(database: Database, role: WithDatabase): Promise<void> {
  const text = `SELECT to_regclass('public.schema_migrations') IS NOT NULL AS found`;
  const [row] = await database.query<{ found: boolean }>(text);
  const rows = row?.found === true ? await database.query<{ id: string }>('SELECT id FROM schema_migrations') : [];
  const applied = new Set(rows.map(({ id }) => id));
  const missing = MIGRATIONS[role].find(({ id }) => !applied.has(id));
  if (missing === undefined) return;
  throw new SettingsError(
    'database_not_migrated',
    `the database of role ${role} lacks ${missing.id}: run \`reseal database migrate\` as its owner`,
  );
}

/** Tables of a schema that the current user can read, or change. */
const READABLE = `SELECT c.oid::regclass::text AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') AND has_schema_privilege(n.oid, 'USAGE')
    AND has_any_column_privilege(c.oid, 'SELECT') LIMIT 1`;
const CHANGEABLE = `SELECT c.oid::regclass::text AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = $1 AND c.relkind IN ('r', 'p')
    AND has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, TRIGGER') LIMIT 1`;
const OWNED = `SELECT nspname AS name FROM pg_namespace
  WHERE nspname IN ('register', 'authority', 'verifier', 'containment') AND pg_has_role(nspowner, 'MEMBER') LIMIT 1`;

const OWN_MEMORY = [
  ['verifier', 'verifier'],
  ['containment', 'effect:containment'],
] as const satisfies [string, WithDatabase][];

async function checkRights(database: Database, role: WithDatabase): Promise<void> {
  // An effect reads end marks, and has no use for anything of the register's.
  if (isEffect(role)) {
    const [journal] = await database.query<{ name: string }>(CHANGEABLE, ['authority']);
    if (journal !== undefined) throw tooMuch(role, `can change ${journal.name}, which is role authority's`);
  }
  // What was minted and spent, and what is to be undone, is one role's own memory, and no other journal any of its business.
  for (const [schema, owner] of OWN_MEMORY) {
    const [text, what, where] =
      owner === role ? ([READABLE, 'read', 'authority'] as const) : ([CHANGEABLE, 'change', schema] as const);
    const [found] = await database.query<{ name: string }>(text, [where]);
    if (found !== undefined)
      throw tooMuch(role, `can ${what} ${found.name}, which is role ${owner === role ? 'authority' : owner}'s`);
  }
  const other = role === 'register' ? 'authority' : 'register';
  // The register reads which intents stand; the authority has no use for anything of the register's.
  const [query, verb] = role === 'register' ? [CHANGEABLE, 'change'] : [READABLE, 'read'];
  const [owned] = await database.query<{ name: string }>(OWNED);
  if (owned !== undefined) throw tooMuch(role, `owns schema ${owned.name}, and could remove what keeps it append-only`);
  const [table] = await database.query<{ name: string }>(query, [other]);
  if (table !== undefined) throw tooMuch(role, `can ${verb} ${table.name}, which is role ${other}'s`);
}

const isEffect = (role: WithDatabase): boolean => role.startsWith('effect:');

const tooMuch = (role: WithDatabase, what: string): SettingsError =>
  new SettingsError(
    'database_rights',
    `the database user of role ${role} ${what}: give it a user of its own with the grants of docs/deploy.md`,
  );
