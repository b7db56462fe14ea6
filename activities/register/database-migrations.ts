import { createHash } from 'node:crypto';
import { DatabaseError, type Migration, type Sql } from './database.js';

/** Runs statements without parameters or rows. */
export type RunScript = (script: string) => Promise<void>;

/** Held while migrations run, so that processes that start together take turns; any number of our own would do. */
const MIGRATION_LOCK = 7_305_616_251;

/**
 * Applies, inside the caller's transaction, what has not been applied. Throws `migration_changed` when an applied one has
 * another text now. Migrations that the database knows and the code does not are left alone: newer processes made them.
 */
export async function applyMigrations(tx: Sql, runScript: RunScript, migrations: readonly Migration[]): Promise<void> {
  await tx.query('SELECT pg_advisory_xact_lock($1)', [MIGRATION_LOCK]);
  await tx.query(
    `CREATE TABLE IF NOT EXISTS schema_migrations (
       id text PRIMARY KEY, digest text NOT NULL, applied_at timestamptz NOT NULL DEFAULT clock_timestamp())`,
  );
  const rows = await tx.query<{ id: string; digest: string }>('SELECT id, digest FROM schema_migrations');
  const applied = new Map(rows.map(({ id, digest }) => [id, digest]));
  for (const { id, sql } of migrations) {
    const digest = createHash('sha256').update(sql).digest('hex');
    const known = applied.get(id);
    if (known === digest) continue;
    if (known !== undefined)
      throw new DatabaseError('migration_changed', `migration ${id} was applied with another text`);
    await runScript(sql);
    await tx.query('INSERT INTO schema_migrations (id, digest) VALUES ($1, $2)', [id, digest]);
    applied.set(id, digest);
  }
}
