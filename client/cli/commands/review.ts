import type { Command } from 'commander';
import type { ReviewOptions } from '../options.js';
import { examples, type Run } from './command-context.js';

const WHO = `
Whoever is on the roster may review, but for the invoker, the principal and agents. What was granted by fewer approvers than
usual, or by none, owes a review; while one is overdue, its invoker's requests take one approver more.
`;

/** `reseal breakglass review EVENT`: says that a human looked at what was done, and closes what was owed. */
export function reviewCommand(breakglass: Command, run: Run): void {
  breakglass
    .command('review')
    .argument('[event]', 'event id; on a terminal you can pick one')
    .description('say with your key that you have looked at a ceremony that has ended')
    .option('--note <text>', 'what you found, for the ledger and the bundle')
    .option('--yes', 'do not ask; without a terminal nobody is asked')
    .addHelpText(
      'after',
      WHO +
        examples(
          'reseal breakglass review 5f1c9a7be2d04386 --note "Only the mailbox rule was touched" --as bob',
          'reseal breakglass list --overdue',
        ),
    )
    .action((event: string | undefined, _options: object, command: Command) =>
      run(command, async (session) =>
        (await import('../actions/review.js')).reviewCeremony(session, event, command.opts<ReviewOptions>()),
      ),
    );
}
