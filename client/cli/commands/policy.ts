import type { Command } from 'commander';
import type { ExplainOptions } from '../actions/explain-policy.js';
import type { LintOptions } from '../actions/lint-policy.js';
import { examples, type Run } from './command-context.js';

/** `reseal policy lint|explain|show|schema`. */
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
    .command('explain')
    .description('would a request be admitted, and why: every check in its order; asks for nothing')
    .requiredOption('--profile <name>', 'what the policy calls it')
    .requiredOption('--reason-code <code>', 'incident, maintenance, security, recovery or other')
    .option('--duration <time>', 'such as 30m or 1h30m (the default of the profile)')
    .option('--principal <upn>', 'who would receive the role (whoever asks)')
    .option('--at <time>', 'as if it were then, such as 2026-03-01T22:00:00Z (now)')
    .option('--file <policy>', 'this policy file, as if nothing had been granted yet (the policy in force)')
    .option('--roster <file>', 'with --file: the people and their groups (the configured one)')
    .addHelpText(
      'after',
      '\nExit status: 0 it would be admitted, 3 it would be refused.\n' +
        examples(
          'reseal policy explain --as alice@contoso.com --profile security-admin --reason-code incident',
          'reseal policy explain --profile exchange-admin --reason-code maintenance --at 2026-03-01T22:00:00Z --file policy.yaml --roster roster.yaml',
        ),
    )
    .action((options: ExplainOptions, command: Command) =>
      run(command, async (session) => (await import('../actions/explain-policy.js')).explainPolicy(session, options)),
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
