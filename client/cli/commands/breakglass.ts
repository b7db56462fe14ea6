import type { Command } from 'commander';
import type { OpenOptions } from '../options.js';
import { examples, type Run } from './command-context.js';
import { checkCommand, endingCommand, listCommand, watchCommand } from './ceremonies.js';
import { extendCommand } from './extend.js';
import { followUpCommands } from './follow-up.js';
import { reviewCommand } from './review.js';

const WAITING = `
Exit status with --wait active: 0 active, 3 refused or not granted, 4 denied, cancelled, closed or revoked, 5 nobody
approved in time, 8 stopped waiting while a rollback is not confirmed. With --wait ended: 0 closed, expired or revoked.

On a terminal you are asked for what is missing.
`;

const gathered = (value: string, before: string[] = []): string[] => [...before, value];

/** `reseal breakglass …`: ask for a privileged role, look at ceremonies, end them. */
export function breakglassCommands(program: Command, run: Run): void {
  const breakglass = program
    .command('breakglass')
    .description('ask for a privileged role for a time; list, check, watch, close and kill such ceremonies')
    .option('--profile <name>', 'what the policy calls it')
    .option('--reason-code <code>', 'incident, maintenance, security, recovery or other')
    .option('--justification <text>', 'why, in 20 to 1,000 characters; approvers and auditors read it')
    .option('--duration <time>', "such as 30m or 1h30m (the profile's default)")
    .option('--principal <upn>', 'who receives the role (whoever asks)')
    .option('--ticket <id>', 'ticket or incident number')
    .option('--prerequisite <system=id>', 'an approval elsewhere, such as entra_pim=GUID; again for more', gathered)
    .option('--wait <what>', 'wait until it is active, or until it has ended')
    .option('--timeout <time>', 'wait no longer than this')
    .option('--event-id <id>', '16 hex characters of your own, from a secure source')
    .addHelpText(
      'after',
      WAITING +
        examples(
          'reseal breakglass --profile security-admin --reason-code incident \\\n      --justification "Contain the mailbox rule of INC-4711" --duration 30m --ticket INC-4711',
          'reseal breakglass --profile security-admin --reason-code incident \\\n      --justification "Contain the mailbox rule of INC-4711" --wait active -o json',
          'reseal breakglass list --open',
        ),
    )
    .action((options: OpenOptions, command: Command) =>
      run(command, async (session) => {
        const { openCeremony } = await import('../actions/open-ceremony.js');
        return openCeremony(session, options);
      }),
    );
  listCommand(breakglass, 'list', run);
  checkCommand(breakglass, 'check', run);
  watchCommand(breakglass, run);
  endingCommand(breakglass, 'close', 'close', run);
  endingCommand(breakglass, 'kill', 'kill', run);
  extendCommand(breakglass, run);
  followUpCommands(breakglass, run);
  reviewCommand(breakglass, run);
  // Sentinel's names for the same (source: phase 32).
  const sentinels = [
    listCommand(program, 'breakglass-list', run),
    checkCommand(program, 'breakglass-check', run),
    endingCommand(program, 'breakglass-close', 'close', run),
  ];
  for (const command of sentinels) command.helpGroup("Sentinel's names for the same:");
}
