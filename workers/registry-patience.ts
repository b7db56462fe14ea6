import { RegistrySlow } from '../activities/contracts/prompt-registry.js';
import type { SignedKind } from '../domain/signed-documents.js';

/** A registry that names more is not read further: an honest one holds far fewer. */
export const MAX_DOCUMENTS = 10_000;

/** The time that a registry has for several answers together. An answer that comes later is nobody's. */
export class Patience {
  private readonly over: Promise<never>;

  constructor(ms: number) {
    this.over = new Promise((_, reject) => {
      // The process does not stay for it, and nobody is told where all answers came before.
      setTimeout(() => reject(new RegistrySlow()), ms).unref();
    });
    this.over.catch(() => undefined);
  }

  /** Rejects with RegistrySlow where the time is over first. */
  of<T>(answer: Promise<T>): Promise<T> {
    answer.catch(() => undefined);
    return Promise.race([answer, this.over]);
  }
}

/**
 * In which order documents are asked for, so that a registry which is slow, or names things to waste time with, gets as far as it
 * can: the newest list of revocations, which alone counts, and what it has never shown before what it has.
 */
export function inReadingOrder(
  kind: SignedKind,
  names: readonly string[],
  shown: ReadonlyMap<string, unknown>,
): string[] {
  const read = names.slice(0, MAX_DOCUMENTS);
  if (kind === 'revocations') return read.sort((one, other) => Number(other) - Number(one));
  return [...read.filter((name) => !shown.has(name)), ...read.filter((name) => shown.has(name))];
}
