import { openPostgres } from '../activities/register/database-postgres.js';
import { databaseOf, logLine, readRoleContext } from './role-context.js';
import { readSettings } from './settings.js';
import { SettingsError } from './settings-error.js';
import { startRoles } from './start-roles.js';

/**
 * A worker process of its own: `node dist/workers/main.js SETTINGS.json`. Prints `ready` on stdout once it polls, stops in
 * order on SIGINT or SIGTERM, and ends with status 2 for settings that cannot work and 1 for anything else.
 */
async function main(file: string | undefined): Promise<number> {
  if (file === undefined) throw new SettingsError('settings_invalid', 'usage: node dist/workers/main.js SETTINGS.json');
  const settings = await readSettings(file);
  const database = settings.database_url === null ? null : await openPostgres(settings.database_url);
  const context = await readRoleContext(settings, database, logLine);
  for (const role of settings.roles) if (role === 'register' || role === 'authority') databaseOf(context, role);
  const roles = await startRoles(context);
  process.stdout.write('ready\n');
  const signalled = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
  await Promise.race([signalled, roles.failed]);
  await roles.stop();
  await database?.close();
  return 0;
}

main(process.argv[2]).then(
  (status) => process.exit(status),
  (error: unknown) => {
    const code = error instanceof SettingsError ? error.code : 'worker_failed';
    const message = error instanceof Error ? error.message : 'unknown failure';
    logLine('the worker stopped', { code, message });
    process.exit(error instanceof SettingsError ? 2 : 1);
  },
);
