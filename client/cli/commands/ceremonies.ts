import type { Command } from 'commander';
import type { ActOptions, ListOptions, WatchOptions } from '../options.js';
import { examples, type Run } from './command-context.js';

/** A command's name as it is typed, for its examples. */
const typed = (command: Command): string => {
  const names: string[] = [];
  for (let at: Command | null = command; at !== null; at = at.parent) names.unshift(at.name());
  return names.join(' ');
};

/** `list` under the name and parent that it is given: every name of it takes the same options. */
export function listCommand(parent: Command, name: string, run: Run): Command {
  const list = parent.command(name);
  return list
    .description('ceremonies, the newest first')
    .option('--state <state>', 'such as awaiting_approval, active, resealing, expired or refused')
    .option('--open', 'only those that have not ended')
    .option('--overdue', 'only those whose rollback or review is overdue')
    .option('--review-owed', 'only those that somebody must still review')
    .option('--waiting-for <upn>', 'only those that this person may approve and has not')
    .option('--invoker <upn>', 'asked for by this person')
    .option('--profile <name>', 'of this profile')
    .option('--status <status>', 'active, closed or expired')
    .option('--since <time>', 'asked for since: 24h, 7d, or a time')
    .option('--limit <n>', 'at most so many (50)')
    .option('--watch', 'go on: drawn again on a terminal, one line a change elsewhere')
    .addHelpText(
      'after',
      examples(`${typed(list)} --open`, `${typed(list)} --open --watch`, `${typed(list)} --since 24h -o json`),
    )
    .action((_options: object, command: Command) =>
      run(command, async (session) =>
        (await import('../actions/read-ceremonies.js')).listCeremonies(session, optionsOf<ListOptions>(command)),
      ),
    );
}

/** `check`, likewise. */
export function checkCommand(parent: Command, name: string, run: Run): Command {
  const check = parent.command(name);
  return check
    .argument('[event]', 'event id; on a terminal you can pick one')
    .description('everything about one ceremony')
    .option('--watch', 'go on until it has ended: drawn again on a terminal, one line a change elsewhere')
    .addHelpText(
      'after',
      examples(
        `${typed(check)} 5f1c9a7be2d04386`,
        `${typed(check)} 5f1c9a7be2d04386 --watch`,
        `${typed(check)} 5f1c9a7be2d04386 -o json`,
      ),
    )
    .action((event: string | undefined, _options: object, command: Command) =>
      run(command, async (session) =>
        (await import('../actions/read-ceremonies.js')).checkCeremony(session, event, optionsOf<WatchOptions>(command)),
      ),
    );
}

/** `watch`: follows one ceremony. */
export function watchCommand(parent: Command, run: Run): void {
  const watch = parent.command('watch');
  watch
    .argument('[event]', 'event id; on a terminal you can pick one')
    .description('follow a ceremony to its end, one line a change')
    .option('--timeout <time>', 'no longer than this')
    .addHelpText('after', examples(`${typed(watch)} 5f1c9a7be2d04386`, `${typed(watch)} 5f1c9a7be2d04386 -o json`))
    .action((event: string | undefined, _options: object, command: Command) =>
      run(command, async (session) =>
        (await import('../actions/read-ceremonies.js')).watchCeremony(session, event, optionsOf<ActOptions>(command)),
      ),
    );
}

const ENDING = {
  close: 'end your own ceremony early: the role is removed now',
  kill: 'end a ceremony at once: invoker, principal, approvers and responders may',
} as const;

/** `close` and `kill`, likewise. */
export function endingCommand(parent: Command, name: string, act: 'close' | 'kill', run: Run): Command {
  const ending = parent.command(name);
  ending
    .argument('[event]', 'event id; on a terminal you can pick one')
    .description(ENDING[act])
    .option('--reason <text>', 'why, for the ledger')
    .option('--wait <what>', 'wait until it has ended')
    .option('--timeout <time>', 'wait no longer than this');
  if (act === 'kill') {
    ending
      .option('--compromise', 'it is for a compromise: an account that it disables is never enabled again by an order')
      .option('--yes', 'do not ask; without a terminal nobody is asked');
  }
  return ending
    .addHelpText(
      'after',
      examples(`${typed(ending)} 5f1c9a7be2d04386 --reason "done"`, `${typed(ending)} 5f1c9a7be2d04386 --wait ended`),
    )
    .action((event: string | undefined, _options: object, command: Command) =>
      run(command, async (session) =>
        (await import('../actions/speak.js')).speak(session, act, event, optionsOf<ActOptions>(command)),
      ),
    );
}

/** Commander gives an option that `breakglass` has too (`--wait`, `--profile`) to `breakglass`, wherever it stands. */
const optionsOf = <T extends object>(command: Command): T => command.optsWithGlobals<T>();
