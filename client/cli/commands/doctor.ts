import type { Command } from 'commander';
import { examples, type Run } from './command-context.js';

/** `reseal doctor`. */
export function doctorCommand(program: Command, run: Run): void {
  program
    .command('doctor')
    .description('is everything right for an emergency: configuration, key, gateway, Temporal, register, clock, policy')
    .addHelpText(
      'after',
      `
Nothing is signed or changed. Exit status: 0 when nothing fails, else that of the first failure.
` + examples('reseal doctor', 'reseal doctor --as bob@contoso.com', 'reseal doctor --direct', 'reseal doctor -o json'),
    )
    .action((_options: object, command: Command) =>
      run(command, async (session) => (await import('../actions/doctor.js')).doctor(session)),
    );
}
