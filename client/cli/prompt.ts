import { ResealError } from '../api/reseal-error.js';
import { oneLine } from './printable.js';
import { columns } from './render.js';
import type { Session } from './session.js';
import { didYouMean } from './suggest.js';

export interface Choice {
  value: string;
  /** One line about it. */
  about?: string;
}

export interface Question {
  /** What could have said it on the command line, such as `--profile`. */
  flag: string;
  /** What is asked, such as `profile`. */
  question: string;
  /** One of these, by number, by value, or by how no other of them begins. */
  choices?: readonly Choice[];
  /** The answer to an empty line. */
  fallback?: string;
  /** What is wrong with an answer; it is asked again then. */
  objection?: (answer: string) => string | undefined;
}

/**
 * What a flag did not say, asked of the person. Elsewhere than on a terminal, or with `--no-input`, nobody is asked.
 *
 * @throws {ResealError} `usage`, naming the flag.
 * @throws {Interrupted} at Ctrl-C.
 */
export async function askFor(session: Session, asked: Question): Promise<string> {
  const { flag, question, choices, fallback } = asked;
  if (!session.asks) throw missing(asked);
  if (choices !== undefined) session.show(choiceList(choices));
  const range = choices === undefined ? '' : ` (1${choices.length > 1 ? ` to ${choices.length}` : ''}, or its name)`;
  for (;;) {
    const typed = await session.ask(`${question}${range}${fallback === undefined ? '' : ` [${fallback}]`}: `);
    const answer = typed?.trim() || fallback;
    if (typed === undefined && fallback === undefined) throw missing(asked);
    if (answer === undefined) continue;
    const chosen = choices === undefined ? answer : chosenOf(choices, answer);
    const wrong = chosen === undefined ? noneOf(answer, choices ?? []) : asked.objection?.(chosen);
    if (wrong === undefined && chosen !== undefined) return chosen;
    if (typed === undefined) throw new ResealError('usage', `${flag}: ${wrong ?? 'no answer'}`);
    session.warn(`  ${wrong ?? ''}`);
  }
}

/** y or N. */
export async function confirm(session: Session, question: string): Promise<boolean> {
  return /^y(es)?$/i.test((await session.ask(`${question} [y/N] `))?.trim() ?? '');
}

function missing({ flag, choices }: Question): ResealError {
  const one = choices === undefined ? '' : `: ${choices.map(({ value }) => oneLine(value)).join(', ')}`;
  return new ResealError('usage', `${flag} is missing${one}`, { hint: 'see --help for an example' });
}

/** More would push the question itself off the screen. */
const MOST_SHOWN = 20;

function choiceList(choices: readonly Choice[]): string {
  const rows = choices
    .slice(0, MOST_SHOWN)
    .map(({ value, about }, index) => [`  ${index + 1}`, oneLine(value), oneLine(about ?? '')]);
  const [first = [], ...rest] = rows;
  const more = choices.length - MOST_SHOWN;
  const list = columns(first, rest, { widest: 64 });
  return more > 0 ? `${list}\n  … and ${more} more: type its name` : list;
}

function chosenOf(choices: readonly Choice[], answer: string): string | undefined {
  const typed = answer.toLowerCase();
  const named = choices.find(({ value }) => value.toLowerCase() === typed);
  if (named !== undefined) return named.value;
  if (/^\d{1,3}$/.test(answer)) return choices[Number(answer) - 1]?.value;
  const [only, ...others] = choices.filter(({ value }) => value.toLowerCase().startsWith(typed));
  return others.length === 0 ? only?.value : undefined;
}

const noneOf = (answer: string, choices: readonly Choice[]): string =>
  `"${oneLine(answer)}" is none of them.${didYouMean(
    answer,
    choices.map(({ value }) => value),
  )}`;
