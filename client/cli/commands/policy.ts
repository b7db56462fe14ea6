import type { Command } from 'commander';
import type { LintOptions } from '../actions/lint-policy.js';
import { examples, type Run } from './command-context.js';

/** `reseal policy lint|show|schema`. */
export function policyCommands(program: Command, run: Run): void {
  const policy = program.command('policy').description('check a policy file; show the policy in force');
  policy
    .command('lint')
    .argument('[file]', 'policy file (the configured one)')
    .option('--roster <file>', 'also check it against these people, groups and keys')
    .option('--strict', 'exit 3 where something is weak')
    .description('every fault of a policy file, and what is legal but weak in it, with line and column')
    .addHelpText(
      'after',
      '\nExit status: 0 in order, 2 faults, 3 weak and --strict.\n' +
        examples('reseal policy lint policy.yaml', 'reseal policy lint policy.yaml --roster roster.yaml --strict'),
    )
    .action((file: string | undefined, options: LintOptions, command: Command) =>
      run(command, async (session) => (await import('../actions/lint-policy.js')).lintPolicy(session, file, options)),
    );
  policy
    .command('schema')
    .description('the JSON Schema of policy files, for editors')
    .addHelpText('after', examples('reseal policy schema > policy.schema.json'))
    .action((_options: object, command: Command) =>
      run(command, async (session) => (await import('../actions/policy-schema.js')).printPolicySchema(session)),
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
