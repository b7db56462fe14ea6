import type { Command } from 'commander';
import type { SweepOptions } from '../told-sweep.js';
import { examples, type Run } from './command-context.js';

const EXIT = `
Exit status: 0 nothing of ours stands past its time; 8 something does, or may; 7 our application gave a role without a
marker of the authority; 6 something could not be read.
`;

/** `reseal sweep run|status|explain`. */
export function sweepCommands(program: Command, run: Run): void {
  const sweep = program
    .command('sweep')
    .description('what ceremonies left behind past their deadline, found in Graph alone')
    .addHelpText('after', examples('reseal sweep run', 'reseal sweep status', 'reseal sweep run --standalone'));
  const standalone = '--standalone';
  const text = 'here and now, with neither Temporal nor the register';
  const settings = "the sweeper's settings file, for --standalone (RESEAL_SWEEP_CONFIG)";
  const intents = "a directory of the authority's intents, or a file with one a line, for --standalone";
  sweep
    .command('run')
    .description('sweep now, and end what is past its deadline by two minutes')
    .option(standalone, text)
    .option('--config <file>', settings)
    .option('--intents <path>', intents)
    .option('--timeout <time>', 'wait no longer for the sweeper (10m)')
    .addHelpText(
      'after',
      EXIT +
        examples(
          'reseal sweep run',
          'reseal sweep run --standalone --config /etc/reseal/sweeper.json',
          'reseal sweep run --standalone -o json >> /var/log/reseal-sweep.json',
          'reseal sweep run --standalone --intents /mnt/authority/intents',
        ),
    )
    .action((options: SweepOptions, command: Command) =>
      run(command, async (session) => (await import('../actions/sweep.js')).runSweep(session, options)),
    );
  sweep
    .command('status')
    .description('the last sweep: when, what it found, what it ended, what it could not read')
    .option(standalone, 'of the sweeps that cron runs, from the report they left')
    .option('--config <file>', settings)
    .addHelpText('after', EXIT + examples('reseal sweep status', 'reseal sweep status -o json'))
    .action((options: SweepOptions, command: Command) =>
      run(command, async (session) => (await import('../actions/sweep.js')).sweepStatus(session, options)),
    );
  sweep
    .command('explain')
    .argument('<id>', 'of an assignment or its schedule, of a request, of an event, or of a principal')
    .description("why an assignment is the sweep's business, or is not; nothing is changed")
    .option(standalone, 'look in Graph now; else as the last sweep saw it')
    .option('--config <file>', settings)
    .option('--intents <path>', intents)
    .addHelpText(
      'after',
      examples(
        'reseal sweep explain 5f1c9a7be2d04386',
        'reseal sweep explain --standalone a11ce000-0000-4000-8000-00000000000a',
      ),
    )
    .action((id: string, options: SweepOptions, command: Command) =>
      run(command, async (session) => (await import('../actions/sweep.js')).explainSweep(session, id, options)),
    );
}
