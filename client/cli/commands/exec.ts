import type { Command } from 'commander';
import type { ExecOptions } from '../actions/exec.js';
import { examples, type Run } from './command-context.js';

const WHAT = `
The invoker or the principal lets the command in with their key; the command itself gets none. It calls its tools with
\`reseal tool\`, or over the UNIX socket in RESEAL_TOOLS_SOCKET. It is halted (SIGTERM, then SIGKILL) when the ceremony ends
for whatever reason, when the authority gives no more token, and when nobody could be reached for as long as a token lives.

Exit status: the command's own; where it was halted 4 (ended), 5 (deadline) or 6 (nobody reached).
`;

/** `reseal exec EVENT -- COMMAND`, and `reseal tool NAME` for the command itself. */
export function execCommands(program: Command, run: Run): void {
  program
    .command('exec')
    .argument('<event>', 'event id of a ceremony that is active')
    .argument('<command...>', 'what to run, after --')
    .description('run a command inside the window of a ceremony, and halt it when that ends')
    .option('--tools <names>', 'read, write, remove (those that the contract allows)')
    .option('--confined-by <text>', 'what confines the command on this machine, for the ledger')
    .option('--grace <time>', 'from SIGTERM to SIGKILL (10s)')
    .addHelpText(
      'after',
      WHAT +
        examples(
          'reseal exec 5f1c9a7be2d04386 --as alice -- ./contain-mailbox.sh',
          'reseal exec 5f1c9a7be2d04386 --tools read --confined-by "bwrap, no network" -- bwrap … agent',
        ),
    )
    .action((event: string, command: string[], _options: object, self: Command) =>
      run(self, async (session) =>
        (await import('../actions/exec.js')).execJob(session, event, command, self.opts<ExecOptions>()),
      ),
    );
  program
    .command('tool')
    .argument('<name>', 'read, write, remove, or the full name of a tool')
    .description('call a tool, from within `reseal exec`')
    .option('--body <json>', 'what to ask, as a JSON object')
    .addHelpText(
      'after',
      examples('reseal tool read', `reseal tool remove --body '{"target":{"directory_scope_id":"/"}}'`),
    )
    .action((name: string, options: { body?: string }, self: Command) =>
      run(self, async (session) => (await import('../actions/tool.js')).callTool(session, name, options)),
    );
}
