import { EXIT } from '../../api/exit-status.js';
import { ResealError } from '../../api/reseal-error.js';
import type { Session } from '../session.js';

/** `reseal database migrate`. Role processes migrate nothing: their users own no table. */
export async function migrateDatabase(session: Session): Promise<number> {
  const { databaseUrl } = await session.settings();
  if (databaseUrl === undefined) {
    throw new ResealError('config_invalid', 'which database?', { hint: "set RESEAL_DATABASE_URL to its owner's URL" });
  }
  const [{ openPostgres }, { DatabaseError, sqlState }, { ALL_MIGRATIONS }] = await Promise.all([
    import('../../../activities/register/database-postgres.js'),
    import('../../../activities/register/database.js'),
    import('../../../workers/all-migrations.js'),
  ]);
  try {
    const database = await openPostgres(databaseUrl, { max: 1 });
    try {
      await database.migrate(ALL_MIGRATIONS);
    } finally {
      await database.close();
    }
  } catch (cause) {
    // What PostgreSQL says may quote the URL; its SQLSTATE does not.
    const state = sqlState(cause);
    if (cause instanceof DatabaseError && cause.code === 'register_unreachable') {
      throw new ResealError('register_unreachable', 'PostgreSQL cannot be reached', { cause });
    }
    if (state === null) throw cause;
    throw new ResealError('config_invalid', `PostgreSQL refuses: SQLSTATE ${state}`, {
      hint: 'migrate as the user that owns the database: see docs/deploy.md',
      cause,
    });
  }
  session.io.stdout.write('register and authority are up to date\n');
  return EXIT.done;
}
