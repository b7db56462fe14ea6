import type { Command } from 'commander';
import { examples, type Run } from './command-context.js';

const PRECEDENCE = `
Of each setting the first of these that says something wins:
  1 a flag, such as --as
  2 the environment, such as RESEAL_AS
  3 reseal.yaml: the file RESEAL_CONFIG names, else the nearest from this folder upwards, else
    $XDG_CONFIG_HOME/reseal/reseal.yaml
  4 the local stack of this folder, or of one that holds it (reseal dev)
  5 for Temporal alone, its own variables such as TEMPORAL_ADDRESS, then a profile of temporal.toml
`;

/** `reseal config show`. */
export function configCommands(program: Command, run: Run): void {
  const config = program
    .command('config')
    .description('where everything is, who acts, and who said so')
    .addHelpText('after', PRECEDENCE + examples('reseal config show'));
  config
    .command('show')
    .description('every setting, what it comes to, and where it was said; no secrets')
    .addHelpText('after', PRECEDENCE + examples('reseal config show', 'reseal config show -o json'))
    .action((_options: object, command: Command) =>
      run(command, async (session) => (await import('../actions/config.js')).showConfig(session)),
    );
}
