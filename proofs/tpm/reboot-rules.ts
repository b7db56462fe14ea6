import type { Quote } from './quote.js';

/** The counters and clock of an earlier quote by the same key. */
export type EarlierQuote = Pick<Quote, 'clock' | 'resetCount' | 'restartCount' | 'firmwareVersion'>;

/** One rule: its outcome, and what was seen. */
export interface RuleOutcome {
  ok: boolean;
  detail: string;
}

/**
 * How far a counter went, as a signed 32-bit difference: a key outside the endorsement and platform hierarchies sees counters
 * with a constant added, modulo 2^32 (TPM 2.0 Part 1 §36.7), so that only differences mean anything.
 */
const delta = (now: number, before: number): number => (now - before) | 0;

export const resetsSince = (quote: EarlierQuote, earlier: EarlierQuote): number =>
  delta(quote.resetCount, earlier.resetCount);

/** A restart count begins at 0 again with every reset: it is compared only when there was none. */
export function resetCountRule(quote: EarlierQuote, earlier: EarlierQuote): RuleOutcome {
  const resets = resetsSince(quote, earlier);
  const restarts = delta(quote.restartCount, earlier.restartCount);
  if (resets < 0) return { ok: false, detail: `the count of resets went back by ${-resets}` };
  if (resets === 0 && restarts < 0)
    return { ok: false, detail: `the count of restarts went back by ${-restarts}, and there was no reset` };
  return { ok: true, detail: `${resets} resets since the earlier quote` };
}

/**
 * The clock only goes forward; after a power cut the TPM may have lost its latest reading, and says so itself (`safe: no`).
 */
export function clockRule(quote: Quote, earlier: EarlierQuote): RuleOutcome {
  if (quote.clock >= earlier.clock)
    return { ok: true, detail: `${quote.clock - earlier.clock} ms on the TPM's clock since the earlier quote` };
  const told = !quote.safe && resetsSince(quote, earlier) >= 1;
  const back = `the TPM's clock went back by ${earlier.clock - quote.clock} ms`;
  return told ? { ok: true, detail: `${back}, as it may after a power cut` } : { ok: false, detail: back };
}

export function rebootRule(quote: EarlierQuote, earlier: EarlierQuote): RuleOutcome {
  const resets = resetsSince(quote, earlier);
  return resets >= 1
    ? { ok: true, detail: `${resets} resets since the earlier quote` }
    : {
        ok: false,
        detail: 'expected at least one reset since the earlier quote, there was none: power-cycle the host',
      };
}

/** A TPM that does not know whether its clock went back is believed only when a reset explains it. */
export function safeRule(quote: Quote, earlier: EarlierQuote): RuleOutcome {
  if (quote.safe) return { ok: true, detail: 'the TPM knows its clock' };
  return resetsSince(quote, earlier) >= 1
    ? { ok: true, detail: 'warning: the power was cut (safe: no), and there was a reset since the earlier quote' }
    : {
        ok: false,
        detail: 'the TPM does not know its clock (safe: no), and no reset since the earlier quote explains it',
      };
}
