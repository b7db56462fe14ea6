import type { Command } from 'commander';
import type { WatchOptions } from '../options.js';
import { examples, type Run } from './command-context.js';

/** `reseal status`. */
export function statusCommand(program: Command, run: Run): void {
  program
    .command('status')
    .description('what is open, what is overdue, and what waits for your approval, your close or your review')
    .option('--watch', 'go on: drawn again on a terminal, one line a change elsewhere')
    .addHelpText(
      'after',
      examples('reseal status --as bob@contoso.com', 'reseal status --watch', 'reseal status -o json'),
    )
    .action((options: WatchOptions, command: Command) =>
      run(command, async (session) => (await import('../actions/status.js')).showStatus(session, options)),
    );
}
