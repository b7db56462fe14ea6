import { createInterface } from 'node:readline/promises';
import type { Session } from './session.js';
import { ResealError } from '../api/reseal-error.js';

/**
 * What a flag did not say, asked of the person. Elsewhere than on a terminal, or with `--no-input`, nobody is asked.
 *
 * @throws {ResealError} `usage`, naming the flag.
 */
export async function askFor(session: Session, flag: string, question: string): Promise<string> {
  if (!session.asks) throw new ResealError('usage', `${flag} is missing`, { hint: 'see --help for an example' });
  const answer = await ask(session, `${question}: `);
  if (answer === '') throw new ResealError('usage', `${flag} is missing`);
  return answer;
}

/** y or N. */
export async function confirm(session: Session, question: string): Promise<boolean> {
  return /^y(es)?$/i.test(await ask(session, `${question} [y/N] `));
}

async function ask(session: Session, question: string): Promise<string> {
  const { stdin, stderr, signal } = session.io;
  stderr.write(question);
  const lines = createInterface({ input: stdin, terminal: false });
  const closed = new Promise<string>((resolve) => lines.once('close', () => resolve('')));
  const stop = (): void => lines.close();
  signal?.addEventListener('abort', stop, { once: true });
  try {
    return (await Promise.race([new Promise<string>((resolve) => lines.once('line', resolve)), closed])).trim();
  } finally {
    signal?.removeEventListener('abort', stop);
    lines.close();
  }
}
