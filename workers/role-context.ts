import type { KeyObject } from 'node:crypto';
import type { Connection } from '@temporalio/client';
import { systemClock, virtualClock, type Clock } from '../activities/clock.js';
import type { Database } from '../activities/register/database.js';
import { isSigning, type Role } from '../domain/roles.js';
import type { Hosts } from '../domain/incidents/host.js';
import type { RoleKey } from '../proofs/role-key.js';
import { trustOf, type Trust } from '../proofs/trust.js';
import { openContractBook } from './open-contract-book.js';
import type { ContractBook } from './contract-book.js';
import { refuseForeignApplications, refuseForeignKeys } from './foreign-credentials.js';
import { readHostsFiles } from './hosts-file.js';
import { readPlaybooks, type PlaybooksInForce } from './playbooks-file.js';
import { readRoleKey } from './role-keys.js';
import { SettingsError } from './settings-error.js';
import { prefixOf, type Environment } from './settings-environment.js';
import { signingKeyPath, type WorkerSettings } from './settings.js';
import { authorityKeysOf, readTrustFile } from './trust-file.js';

/** What a process that plays roles has read at its start. Only the keys of its own roles are among it. */
export interface RoleContext {
  settings: WorkerSettings;
  clock: Clock;
  /** The signed contracts and rosters that this process knows. */
  contracts: ContractBook;
  trust: Trust;
  authorityKeys: KeyObject[];
  keys: ReadonlyMap<Role, RoleKey>;
  databases: RoleDatabases;
  /** By which recoveries are judged. */
  playbooks: PlaybooksInForce;
  /** Of each played role that has a hosts file. */
  hosts: ReadonlyMap<Role, Hosts>;
  /** The process's own way to Temporal; absent until its workers are being started. */
  temporal?: () => Promise<Connection>;
  log: Log;
}

/** Each role's own database; one for all in the local stack's own process, null where there is none. */
export type RoleDatabases = Database | ReadonlyMap<Role, Database> | null;

/** One structured line; never a secret, a statement or a justification. */
export type Log = (message: string, fields: Record<string, unknown>) => void;

/** Logs one JSON line each, for whoever collects them. */
export const jsonLog =
  (to: { write(text: string): unknown }): Log =>
  (message, fields) => {
    to.write(`${JSON.stringify({ at: new Date().toISOString(), message, ...fields })}\n`);
  };

/**
 * Reads trust, the roles' own keys and what contracts can be read, and refuses what belongs to a role that is not played. Throws
 * SettingsError naming the file and what to do.
 */
export async function readRoleContext(
  settings: WorkerSettings,
  databases: RoleDatabases,
  log: Log,
  env: Environment = {},
): Promise<RoleContext> {
  const keys = new Map<Role, RoleKey>();
  for (const role of settings.roles.filter(isSigning)) {
    keys.set(role, await readRoleKey(signingKeyPath(settings, role) ?? '', role));
  }
  const trustFile = await readTrustFile(settings.trust_path);
  refuseForeignApplications(settings, env);
  await refuseForeignKeys(settings, keys, trustOf(trustFile));
  const clock = settings.clock === 'virtual' ? virtualClock() : systemClock;
  return {
    settings,
    clock,
    contracts: await openContractBook(settings.contracts, clock, log, registerOf(settings, databases)),
    trust: trustOf(trustFile),
    authorityKeys: authorityKeysOf(trustFile),
    keys,
    databases,
    playbooks: await readPlaybooks(settings),
    hosts: await readHostsFiles(settings),
    log,
  };
}

/** The register's database, where this process plays the register. */
function registerOf({ roles }: WorkerSettings, databases: RoleDatabases): Database | null {
  if (!roles.includes('register') || databases === null) return null;
  return 'query' in databases ? databases : (databases.get('register') ?? null);
}

/** The signing key of a role this process plays. */
export function keyOf(context: RoleContext, role: Role): RoleKey {
  const key = context.keys.get(role);
  if (key === undefined) throw new SettingsError('role_key_missing', `role ${role} is not played by this process`);
  return key;
}

/** The database of a role that needs one. */
export function databaseOf({ databases }: Pick<RoleContext, 'databases'>, role: Role): Database {
  const found = databases === null || 'query' in databases ? databases : databases.get(role);
  if (found !== null && found !== undefined) return found;
  throw needsDatabase(role);
}

/** A process of its own was given no database for a role that needs one. */
export const needsDatabase = (role: Role): SettingsError =>
  new SettingsError(
    'role_needs_database',
    `role ${role} needs PostgreSQL: set ${role}.database_url_path or ${prefixOf(role)}DATABASE_URL (PGlite is opened by \`reseal dev\` alone, because two processes on one folder corrupt it)`,
  );
