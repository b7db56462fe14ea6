import type { Command } from 'commander';
import type { ActOptions, ListOptions, OpenOptions } from '../options.js';
import { examples, type Run } from './command-context.js';

const WAITING = `
Exit status with --wait active: 0 active, 3 refused or not granted, 4 denied, cancelled, closed or revoked, 5 nobody
approved in time, 8 stopped waiting while a rollback is not confirmed. With --wait ended: 0 closed, expired or revoked.
`;

/** `reseal breakglass …`: ask for a privileged role, look at ceremonies, end them. */
export function breakglassCommands(program: Command, run: Run): void {
  const breakglass = program
    .command('breakglass')
    .description('ask for a privileged role for a time; list, check, watch, close and kill such ceremonies')
    .option('--profile <name>', 'what the policy calls it')
    .option('--reason-code <code>', 'incident, maintenance, security, recovery or other')
    .option('--justification <text>', 'why, in 20 to 1,000 characters; approvers and auditors read it')
    .option('--duration <time>', "such as 30m or 1h30m (the profile's default)")
    .option('--principal <upn>', 'who receives the role (whoever asks)')
    .option('--ticket <id>', 'ticket or incident number')
    .option('--wait <what>', 'wait until it is active, or until it has ended')
    .option('--timeout <time>', 'wait no longer than this')
    .option('--event-id <id>', '16 hex characters of your own, from a secure source')
    .addHelpText(
      'after',
      WAITING +
        examples(
          'reseal breakglass --profile security-admin --reason-code incident \\\n      --justification "Contain the mailbox rule of INC-4711" --duration 30m --ticket INC-4711',
          'reseal breakglass --profile security-admin --reason-code incident \\\n      --justification "Contain the mailbox rule of INC-4711" --wait active -o json',
          'reseal breakglass list --open',
        ),
    )
    .action((options: OpenOptions, command: Command) =>
      run(command, async (session) => {
        const { openCeremony } = await import('../actions/open-ceremony.js');
        return openCeremony(session, options);
      }),
    );
  readingCommands(breakglass, run);
  endingCommand(breakglass, run, 'close', 'end your own ceremony early: the role is removed now');
  endingCommand(breakglass, run, 'kill', 'end a ceremony at once: invoker, principal, approvers and responders may');
}

function readingCommands(breakglass: Command, run: Run): void {
  breakglass
    .command('list')
    .description('ceremonies, the newest first')
    .option('--state <state>', 'such as awaiting_approval, active, resealing or expired')
    .option('--open', 'only those that have not ended')
    .option('--invoker <upn>', 'asked for by this person')
    .option('--profile <name>', 'of this profile')
    .option('--status <status>', 'active, closed or expired')
    .option('--since <time>', 'asked for since: 24h, or an RFC 3339 time')
    .option('--limit <n>', 'at most so many (50)')
    .addHelpText('after', examples('reseal breakglass list --open', 'reseal breakglass list --since 24h -o json'))
    .action((_options: object, command: Command) =>
      run(command, async (session) =>
        (await import('../actions/read-ceremonies.js')).listCeremonies(session, optionsOf<ListOptions>(command)),
      ),
    );
  breakglass
    .command('check')
    .argument('<event>', 'event id')
    .description('everything about one ceremony')
    .addHelpText(
      'after',
      examples('reseal breakglass check 5f1c9a7be2d04386', 'reseal breakglass check 5f1c9a7be2d04386 -o json'),
    )
    .action((event: string, _options: object, command: Command) =>
      run(command, async (session) => (await import('../actions/read-ceremonies.js')).checkCeremony(session, event)),
    );
  breakglass
    .command('watch')
    .argument('<event>', 'event id')
    .description('follow a ceremony to its end, one line a change')
    .option('--timeout <time>', 'no longer than this')
    .addHelpText(
      'after',
      examples('reseal breakglass watch 5f1c9a7be2d04386', 'reseal breakglass watch 5f1c9a7be2d04386 -o json'),
    )
    .action((event: string, _options: object, command: Command) =>
      run(command, async (session) =>
        (await import('../actions/read-ceremonies.js')).watchCeremony(session, event, optionsOf<ActOptions>(command)),
      ),
    );
}

function endingCommand(breakglass: Command, run: Run, act: 'close' | 'kill', description: string): void {
  breakglass
    .command(act)
    .argument('<event>', 'event id')
    .description(description)
    .option('--reason <text>', 'why, for the ledger')
    .option('--wait <what>', 'wait until it has ended')
    .option('--timeout <time>', 'wait no longer than this')
    .addHelpText(
      'after',
      examples(
        `reseal breakglass ${act} 5f1c9a7be2d04386 --reason "done"`,
        `reseal breakglass ${act} 5f1c9a7be2d04386 --wait ended`,
      ),
    )
    .action((event: string, _options: object, command: Command) =>
      run(command, async (session) =>
        (await import('../actions/speak.js')).speak(session, act, event, optionsOf<ActOptions>(command)),
      ),
    );
}

/** Commander gives an option that `breakglass` has too (`--wait`, `--profile`) to `breakglass`, wherever it stands. */
const optionsOf = <T extends object>(command: Command): T => command.optsWithGlobals<T>();
