import { setTimeout as sleep } from 'node:timers/promises';

import type { ContractRegistry } from '../../proofs/contract-registry.js';

/** How long one answer is waited for. */
const ANSWER_MS = 1_000;
/** How long nothing more is waited for, once an answer took longer. */
const SLOW_MS = 10_000;
/** Questions under way at once; the memory that late answers take is bounded by it. */
const MOST_ASKED = 8;

/** A registry that was asked has not answered yet. */
export class RegistrySlow extends Error {
  override readonly name = 'RegistrySlow';
  readonly code = 'registry_slow';
  constructor() {
    super('it has not answered in time: what it says later is taken later');
  }
}

/**
 * A registry that holds nobody up: an answer that does not come at once is given to whoever asks the same next, and until
 * then the registry counts as not reached. For one that is read beside another: what hangs or dribbles there, by accident or by
 * somebody's will, keeps no revocation that the other shows.
 */
export function promptRegistry(
  registry: ContractRegistry,
  { answerMs = ANSWER_MS, slowMs = SLOW_MS, now = Date.now } = {},
): ContractRegistry {
  const asked = new Map<string, Asked>();
  let slowUntil = 0;
  const askedOf = (key: string, ask: () => Promise<unknown>): Asked => {
    const known = asked.get(key);
    if (known !== undefined) return known;
    // What nobody came back for makes room; what is under way does not.
    const forgotten = asked.size < MOST_ASKED ? undefined : [...asked].find(([, { isAnswered }]) => isAnswered)?.[0];
    if (forgotten !== undefined) asked.delete(forgotten);
    if (asked.size >= MOST_ASKED) throw new RegistrySlow();
    const one: Asked = { isAnswered: false, answer: settled(ask(), () => (one.isAnswered = true)) };
    asked.set(key, one);
    return one;
  };
  const promptly = async <T>(key: string, ask: () => Promise<T>): Promise<T> => {
    const { answer } = askedOf(key, ask);
    const patience = now() < slowUntil ? 0 : answerMs;
    const late = await Promise.race([answer, sleep(patience, undefined, { ref: false })]);
    if (late === undefined) {
      if (patience > 0) slowUntil = now() + slowMs;
      throw new RegistrySlow();
    }
    asked.delete(key);
    if (late.ok) return late.value as T;
    throw late.error;
  };
  return {
    list: (kind) => promptly(kind, () => registry.list(kind)),
    fetch: (kind, name) => promptly(`${kind}/${name}`, () => registry.fetch(kind, name)),
    put: (kind, envelope) => registry.put(kind, envelope),
  };
}

interface Asked {
  isAnswered: boolean;
  readonly answer: Promise<Late>;
}
type Late = { ok: true; value: unknown } | { ok: false; error: unknown };

/** Kept until somebody asks again: it must not reject while nobody listens. */
const settled = (answer: Promise<unknown>, onAnswer: () => void): Promise<Late> =>
  answer
    .then(
      (value): Late => ({ ok: true, value }),
      (error: unknown): Late => ({ ok: false, error }),
    )
    .finally(onAnswer);
