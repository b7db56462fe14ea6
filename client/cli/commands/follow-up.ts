import type { Command } from 'commander';
import type { FollowUpOptions } from '../options.js';
import { examples, type Run } from './command-context.js';

const TAKE_BACK = `
One approver or responder of the profile is enough; the invoker and the principal have no say in it. What somebody changed
since it was listed stays, and so does what stands in no list.
`;
const RESTORE = `
As many approvers of the profile must sign as its full quorum takes, each with this command, within a day. The policy must
allow it (on_kill.restore_account), Reseal must have disabled the account, and nobody may have acted on it since.
`;
const again = (value: string, before: string[] = []): string[] => [...before, value];

/** `reseal breakglass take-back|restore-account EVENT`: what people may have done once a ceremony was killed. */
export function followUpCommands(breakglass: Command, run: Run): void {
  breakglass
    .command('take-back')
    .argument('<event>', 'event id')
    .description('after a kill: have what the principal gave to others taken back, by your signature')
    .option('--entry <number>', 'which of the listed things; again for more', again)
    .option('--all', 'all that stand and can be removed')
    .option('--reason <text>', 'why, for the ledger')
    .option('--yes', 'do not ask; without a terminal nobody is asked')
    .addHelpText('after', TAKE_BACK + examples('reseal breakglass take-back 5f1c9a7be2d04386 --entry 1 --as bob'))
    .action((event: string, _options: object, command: Command) =>
      run(command, async (session) =>
        (await import('../actions/follow-up.js')).takeBack(session, event, command.opts<FollowUpOptions>()),
      ),
    );
  breakglass
    .command('restore-account')
    .argument('<event>', 'event id')
    .description('after a kill: have the account enabled again that it disabled, by the signatures of a quorum')
    .option('--not-for-compromise', 'you know that nothing was compromised; your signature is over it')
    .option('--reason <text>', 'why, for the ledger')
    .option('--yes', 'do not ask; without a terminal nobody is asked')
    .addHelpText(
      'after',
      RESTORE + examples('reseal breakglass restore-account 5f1c9a7be2d04386 --not-for-compromise --as bob'),
    )
    .action((event: string, _options: object, command: Command) =>
      run(command, async (session) =>
        (await import('../actions/follow-up.js')).restoreAccount(session, event, command.opts<FollowUpOptions>()),
      ),
    );
}
