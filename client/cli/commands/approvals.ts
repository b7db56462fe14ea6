import type { Command } from 'commander';
import type { ActOptions } from '../options.js';
import { examples, type Run } from './command-context.js';

/** `reseal approve|deny|withdraw EVENT`: what approvers say. */
export function approvalCommands(program: Command, run: Run): void {
  const add = (act: 'approve' | 'deny' | 'withdraw', description: string, example: string): Command =>
    program
      .command(act)
      .argument('[event]', 'event id; on a terminal you can pick one')
      .description(description)
      .addHelpText(
        'after',
        examples(`reseal ${act} 5f1c9a7be2d04386 --as bob@contoso.com --key ~/.ssh/id_ed25519`, example),
      )
      .action((event: string | undefined, options: ActOptions, command: Command) =>
        run(command, async (session) => (await import('../actions/speak.js')).speak(session, act, event, options)),
      );
  add('approve', 'show a request, sign it and send the approval', 'reseal approve 5f1c9a7be2d04386 --yes')
    .option('--yes', 'do not ask; without a terminal nobody is asked')
    .option('--wait <what>', 'then wait until it is active, or until it has ended')
    .option('--timeout <time>', 'wait no longer than this');
  add(
    'deny',
    'end a request or a running ceremony as an approver',
    'reseal deny 5f1c9a7be2d04386 --reason "not during the freeze"',
  )
    .option('--reason <text>', 'why, for the ledger')
    .option('--wait <what>', 'then wait until it has ended')
    .option('--timeout <time>', 'wait no longer than this');
  add(
    'withdraw',
    'take your approval back; once enough had approved, that ends the ceremony',
    'reseal withdraw 5f1c9a7be2d04386',
  )
    .option('--reason <text>', 'why, for the ledger')
    .option('--wait <what>', 'then wait until it has ended')
    .option('--timeout <time>', 'wait no longer than this');
}
