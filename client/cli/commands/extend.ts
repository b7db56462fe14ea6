import type { Command } from 'commander';
import type { ActOptions } from '../options.js';
import { examples, type Run } from './command-context.js';

const WHO = `
The invoker asks, and as many approvers as for a first grant must approve exactly this, anew: earlier approvals do not count.
The policy's maximum counts from the first start. What is not in force a minute before the deadline comes too late, and
whatever the provider refuses or leaves unanswered moves no deadline.
`;

/** `reseal breakglass extend EVENT 20m`: asks for a later deadline. */
export function extendCommand(breakglass: Command, run: Run): void {
  breakglass
    .command('extend')
    .argument('<event>', 'event id')
    .argument('<longer>', 'how much longer, such as 20m')
    .description('ask for a later deadline of your own ceremony; approvers must approve it anew')
    .option('--reason <text>', 'why, for the ledger')
    .addHelpText('after', WHO + examples('reseal breakglass extend 5f1c9a7be2d04386 20m --reason "still restoring"'))
    .action((event: string, longer: string, _options: object, command: Command) =>
      run(command, async (session) =>
        (await import('../actions/extend.js')).extendCeremony(session, event, longer, command.opts<ActOptions>()),
      ),
    );
}
