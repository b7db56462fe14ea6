import type { Command } from 'commander';
import type { DevOptions } from '../actions/dev.js';
import { examples, type Run } from './command-context.js';

/** `reseal dev` and `reseal dev advance`. */
export function devCommands(program: Command, run: Run): void {
  const dev = program
    .command('dev')
    .description(
      'run everything on this machine: Temporal, register, Graph simulator, gateway, all roles, three people',
    )
    .option('--ephemeral', 'keep nothing')
    .option('--dir <dir>', 'the folder that holds .reseal/ (this one)')
    .option('--port-base <n>', 'take the ports from here on')
    .option('--gateway-port <n>', 'port of the gateway (8515)')
    .option('--temporal-port <n>', "port of Temporal's frontend")
    .option('--ui-port <n>', "port of Temporal's Web UI")
    .option('--graph-port <n>', 'port of the Graph simulator')
    .option('--inbox-port <n>', 'port of the inbox for notices')
    .addHelpText('after', examples('reseal dev', 'reseal dev --ephemeral', 'reseal dev advance 5f1c9a7be2d04386 29m'))
    .action((options: DevOptions, command: Command) =>
      run(command, async (session) => (await import('../actions/dev.js')).startDev(session, options)),
    );
  dev
    .command('advance')
    .argument('<event>', 'event id')
    .argument('<time>', 'such as 29m')
    .description("move one ceremony's virtual time")
    .addHelpText('after', examples('reseal dev advance 5f1c9a7be2d04386 29m'))
    .action((event: string, span: string, _options: object, command: Command) =>
      run(command, async (session) =>
        (await import('../actions/dev.js')).advanceDev(session, event, span, command.optsWithGlobals<DevOptions>()),
      ),
    );
}
