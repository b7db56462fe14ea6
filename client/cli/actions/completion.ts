import type { Command } from 'commander';
import { EXIT } from '../../api/exit-status.js';
import { ResealError } from '../../api/reseal-error.js';
import { splitLine } from '../completion/command-line.js';
import { complete, startingWith } from '../completion/complete.js';
import { SCRIPTS, SHELLS } from '../completion/scripts.js';
import type { Io } from '../io.js';
import { oneLine } from '../printable.js';
import type { Session } from '../session.js';
import { didYouMean } from '../suggest.js';

/** `reseal completion SHELL`: the script that makes a shell complete. */
export async function printScript(session: Session, shell: string): Promise<number> {
  const known = SHELLS.find((name) => name === shell);
  if (known === undefined) {
    throw new ResealError('usage', `"${shell}" is no shell that is known here.${didYouMean(shell, SHELLS)}`, {
      hint: `it is one of ${SHELLS.join(', ')}`,
    });
  }
  session.data(SCRIPTS[known]);
  return EXIT.done;
}

/** `reseal complete -- LINE`: what the shells' scripts ask. Whatever goes wrong, nobody is told: a shell is waiting. */
export async function completeLine(program: Command, line: string, io: Io): Promise<number> {
  try {
    const { candidates, ask, prefix, typed, given } = complete(program, splitLine(line));
    const told = candidates.map(({ value, about }) => `${value}\t${oneLine(about)}`);
    if (ask !== null) {
      const { valuesFor } = await import('../completion/values.js');
      const values = await valuesFor(ask, given, io);
      if (typeof values === 'string') told.push(`:${values}`);
      else told.push(...startingWith(values, typed).map(({ value, about }) => `${prefix}${value}\t${about}`));
    }
    if (told.length > 0) io.stdout.write(`${told.join('\n')}\n`);
    return EXIT.done;
  } catch {
    return EXIT.done;
  }
}
