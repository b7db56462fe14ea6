import { z } from 'zod';

import type { EntryPayload } from '../domain/entry.js';
import { epochMs, instantSchema } from '../domain/identifiers.js';
import type { ProvenEntry } from './bundle-authority.js';

/** How many absent reads must agree, and how far apart: replicas of Graph lag in either direction. */
const AGREEING_READS = 5;
/** Five seconds, less what the rounding of two clocks may take. */
const APART_MS = 4_900;

const absenceData = z.object({
  observed_at: instantSchema,
  confirmed_at: instantSchema,
  settle_until: instantSchema.nullable(),
  reads: z.array(z.object({ at: instantSchema, absent: z.literal(true) })).max(64),
});

/** Verdict on a `confirmed` entry. Times are RFC 3339 UTC. */
export type ProvenAbsence =
  { ok: true; observed_at: string; confirmed_at: string; reads: number } | { ok: false; message: string };

/**
 * Whether a `confirmed` entry shows absence by the rules: at least five agreeing reads, five seconds apart; and through a
 * settle window unless the provider itself said removed, or no call can have taken effect.
 */
export function absenceRefusal(confirmed: EntryPayload, entries: readonly ProvenEntry[]): ProvenAbsence {
  const parsed = absenceData.safeParse(confirmed.data);
  if (!parsed.success) return { ok: false, message: 'it does not say which reads agreed on absence, and when' };
  const { observed_at, confirmed_at, settle_until, reads } = parsed.data;
  const times = reads.map(({ at }) => epochMs(at));
  if (times.length < AGREEING_READS) return { ok: false, message: `${times.length} of ${AGREEING_READS} absent reads` };
  if (times.some((at, index) => index > 0 && at - (times[index - 1] ?? at) < APART_MS)) {
    return { ok: false, message: 'its reads are less than five seconds apart' };
  }
  const [end, last] = [epochMs(confirmed_at), times.at(-1) ?? 0];
  if (epochMs(observed_at) > (times[0] ?? 0) || last > end) {
    return { ok: false, message: 'its reads are not between observation and confirmation' };
  }
  if (settle_until === null && mustSettle(entries)) {
    return { ok: false, message: 'nobody said removed, and the reads did not go on through a settle window' };
  }
  if (settle_until !== null && end < epochMs(settle_until)) {
    return { ok: false, message: `it was confirmed before its settle window was over at ${settle_until}` };
  }
  return { ok: true, observed_at, confirmed_at, reads: times.length };
}

/** A call that may have taken effect, and no word of the provider's that it was undone. */
function mustSettle(entries: readonly ProvenEntry[]): boolean {
  const revoked = entries.some(({ entry }) => entry.type === 'removal' && entry.data.word === 'revoked');
  if (revoked) return false;
  if (entries.some(({ entry }) => entry.type === 'granted' || entry.type === 'reappeared')) return true;
  // A refusal that names no intent was of one that is not the authority's: it says nothing of the one that stands.
  const refused = entries.some(
    ({ entry }) => entry.type === 'not_granted' && entry.data.clean === true && entry.data.intent_digest !== undefined,
  );
  const resealing = entries.find(({ entry }) => entry.type === 'resealing');
  return !refused && resealing?.entry.data.grant !== 'never_tried';
}
