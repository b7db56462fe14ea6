import type { Command } from 'commander';
import { examples, type Run } from './command-context.js';

/** `reseal database migrate`. */
export function databaseCommands(program: Command, run: Run): void {
  const database = program
    .command('database')
    .description("the register's and the authority's tables in PostgreSQL")
    .addHelpText('after', examples('reseal database migrate'));
  database
    .command('migrate')
    .description('bring both schemas up to date, as the user that owns them (RESEAL_DATABASE_URL)')
    .addHelpText(
      'after',
      '\nRESEAL_DATABASE_URL names it, such as postgres://reseal_owner@db/reseal.\n' +
        examples('reseal database migrate'),
    )
    .action((_options: object, command: Command) =>
      run(command, async (session) => (await import('../actions/database.js')).migrateDatabase(session)),
    );
}
