import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { settingsFileText } from '../../deploy/local/stack/worker-settings.js';
import { prefixOf } from '../../workers/settings-environment.js';
import type { Stack } from '../../deploy/local/stack/stack.js';
import type { Role } from '../../domain/roles.js';
import type { RoleStart } from './role-process.js';

const DEPLOY = fileURLToPath(new URL('../../docs/deploy.md', import.meta.url));

/** A block of SQL of docs/deploy.md, by its first line: what is documented is what is tried. */
export async function documentedSql(firstLine: string): Promise<string> {
  const text = await readFile(DEPLOY, 'utf8');
  const block = [...text.matchAll(/```sql\n([\s\S]*?)```/g)].map(([, sql = '']) => sql);
  const found = block.find((sql) => sql.startsWith(firstLine));
  if (found === undefined) throw new Error(`docs/deploy.md has no SQL that starts with ${firstLine}`);
  return found;
}

/** Runs SQL one statement at a time, as a database user. */
export async function runSql(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const statements = sql
      .replaceAll(/--.*$/gm, '')
      .split(';')
      .map((statement) => statement.trim());
    for (const statement of statements.filter((one) => one !== '')) await client.query(statement);
  } finally {
    await client.end();
  }
}

/** The URL of the same database for another user. */
export function urlAs(url: string, user: string, database?: string): string {
  const other = new URL(url);
  other.username = user;
  if (database !== undefined) other.pathname = `/${database}`;
  return other.href;
}

/** The database user of each role that has one, as docs/deploy.md names them. */
const DATABASE_USERS: ReadonlyMap<Role, string> = new Map([
  ['register', 'reseal_register'],
  ['authority', 'reseal_authority'],
  ['effect:entra.conditional_access', 'reseal_access'],
  ['effect:entra.role_assignment', 'reseal_assignments'],
  ['effect:containment', 'reseal_containment'],
]);
/** The verifier has one where hosts are attested, told by a file. */
const VERIFIER_USER = 'reseal_verifier';

/**
 * A settings file for a process that plays these roles of a stack, with database users of their own. The stack's schemas
 * belong to its own user here, so the grants are given by that one.
 */
export async function roleFiles(
  stack: Stack,
  databaseUrl: string,
): Promise<(roles: readonly Role[]) => Promise<RoleStart>> {
  for (const user of [...DATABASE_USERS.values(), VERIFIER_USER]) {
    await runSql(databaseUrl, `CREATE ROLE ${user} LOGIN`);
  }
  for (const of of ['\n', ' for Conditional Access', ' for roles outside PIM', ' for attestation', ' for containment'])
    await runSql(databaseUrl, await documentedSql(`-- grants${of}`));
  const settings = await withJournal(stack, urlAs(databaseUrl, VERIFIER_USER));
  return async (roles) => {
    const config = path.join(stack.layout.workers, `${roles.length}-of-${roles[0]?.replace(':', '-')}.json`);
    await mkdir(stack.layout.workers, { recursive: true });
    await writeFile(config, settingsFileText(settings, roles));
    const urls = roles.flatMap((role) => {
      const user = DATABASE_USERS.get(role);
      return user === undefined ? [] : [[`${prefixOf(role)}DATABASE_URL`, urlAs(databaseUrl, user)] as const];
    });
    const env = Object.fromEntries(urls);
    return { roles, config, env };
  };
}

/** The settings of a stack that attests hosts, whose verifier has a journal of its own user's. */
async function withJournal({ settings, layout }: Stack, url: string): Promise<Stack['settings']> {
  const { verifier } = settings;
  if (verifier?.attestation === undefined || verifier.hosts_path === undefined) return settings;
  const file = path.join(layout.workers, 'verifier.url');
  await mkdir(layout.workers, { recursive: true });
  await writeFile(file, `${url}\n`, { mode: 0o600 });
  const attestation = { ...verifier.attestation, database_url_path: file };
  return { ...settings, verifier: { ...verifier, attestation } };
}
