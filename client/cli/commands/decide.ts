import type { Command } from 'commander';
import type { DecideOptions } from '../actions/decide.js';
import { examples, type Run } from './command-context.js';

const ANSWERS = `
Exit status: 0 allowed, 3 refused; anything else is no answer, and nobody may have a session then.
`;

/** `reseal decide`: who may have a session now. */
export function decideCommand(program: Command, run: Run): void {
  program
    .command('decide')
    .description('may somebody have a session under a profile now: standing policy, approved request, break-glass')
    .requiredOption('--profile <name>', 'what the policy calls it')
    .option('--person <upn>', 'for whom: id, user principal name or object id (whoever acts)')
    .option('--session <time>', 'such as 30m or 1h; shortened to what remains (all that remains)')
    .option('--log <file>', 'also write the decision to this file, one JSON text a line; no line, no answer')
    .addHelpText(
      'after',
      ANSWERS +
        examples(
          'reseal decide --profile security-admin --person alice@contoso.com --session 1h',
          'reseal decide --profile security-admin --as alice --log decisions.jsonl -o json',
        ),
    )
    .action((options: DecideOptions, command: Command) =>
      run(command, async (session) => (await import('../actions/decide.js')).decideFor(session, options)),
    );
}
