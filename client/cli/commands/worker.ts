import type { Command } from 'commander';
import type { WorkerOptions } from '../actions/worker.js';
import { examples, type Run } from './command-context.js';

/** `reseal worker`. */
export function workerCommands(program: Command, run: Run): void {
  program
    .command('worker')
    .description('play roles in this process, each with its own credentials alone')
    .option('--roles <roles>', 'which ones, with commas between them (RESEAL_ROLES)')
    .option('--config <file>', 'the settings file; secrets come by path or environment (RESEAL_WORKER_CONFIG)')
    .addHelpText(
      'after',
      examples(
        'reseal worker --roles ceremonies --config /etc/reseal/ceremonies.json',
        'RESEAL_AUTHORITY_DATABASE_URL=… reseal worker --roles authority --config /etc/reseal/authority.json',
      ),
    )
    .action((options: WorkerOptions, command: Command) =>
      run(command, async (session) => (await import('../actions/worker.js')).playRoles(session, options)),
    );
}
