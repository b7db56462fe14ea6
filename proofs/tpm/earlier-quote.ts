import type { AttestationKey } from './attestation-key.js';
import { isSignedBy, schemeObjection } from './quote-signature.js';
import { parseQuote, type Quote } from './quote.js';
import { parseTpmSignature } from './signature.js';
import { isStrongHash } from './tpm-algorithms.js';

/** An earlier quote, or why it cannot be compared with. */
export type EarlierQuoteResult = { ok: true; quote: Quote } | { ok: false; detail: string };

/**
 * Reads an earlier quote, which counts only when the same key signed it: counters of two keys cannot be compared. Never
 * throws.
 */
export function readEarlierQuote(bytes: Uint8Array, signature: Uint8Array, ak: AttestationKey): EarlierQuoteResult {
  const [quote, signed] = [parseQuote(bytes), parseTpmSignature(signature)];
  for (const part of [quote, signed]) if (!part.ok) return { ok: false, detail: `${part.fault}: ${part.detail}` };
  if (!quote.ok || !signed.ok) return { ok: false, detail: 'malformed' };
  const objection = schemeObjection(ak, signed.value);
  if (objection !== undefined) return { ok: false, detail: objection };
  if (!isStrongHash(signed.value.hash))
    return { ok: false, detail: `its signature rests on ${signed.value.hash.name}` };
  if (!isSignedBy(ak, signed.value, bytes)) return { ok: false, detail: 'the same key did not sign it' };
  return { ok: true, quote: quote.value };
}
