import type { Command } from 'commander';
import { examples, type Run } from './command-context.js';

/** `reseal policy lint|show`. */
export function policyCommands(program: Command, run: Run): void {
  const policy = program.command('policy').description('check a policy file; show the policy in force');
  policy
    .command('lint')
    .argument('[file]', 'policy file (the configured one)')
    .description('every fault of a policy file, with line and column')
    .addHelpText('after', examples('reseal policy lint policy.yaml', 'reseal policy lint policy.yaml -o json'))
    .action((file: string | undefined, _options: object, command: Command) =>
      run(command, async (session) => (await import('../actions/policy.js')).lintPolicy(session, file)),
    );
  policy
    .command('show')
    .argument('[file]', 'policy file (the policy in force)')
    .description('profiles, who approves them and for how long, and the digest that requests are bound to')
    .addHelpText('after', examples('reseal policy show', 'reseal policy show -o json'))
    .action((file: string | undefined, _options: object, command: Command) =>
      run(command, async (session) => (await import('../actions/policy.js')).showPolicy(session, file)),
    );
}
