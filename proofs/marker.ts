import { sign, verify, type KeyObject } from 'node:crypto';

import { epochMs } from '../domain/identifiers.js';
import type { Marker, Tuple } from '../domain/intent.js';
import { canonicalJson } from './canonical-json.js';

/** What a marker says: which event put the assignment there, and until when. `deadline` is RFC 3339 UTC. */
export interface Marked {
  event_id: string;
  deadline: string;
}

/** A marker as it comes back from Graph; anybody who may write PIM requests can put anything here. */
export interface MarkerFields {
  ticketSystem: string | null | undefined;
  ticketNumber: string | null | undefined;
  justification: string | null | undefined;
}

export type MarkerRefusal = 'marker_absent' | 'marker_malformed' | 'marker_signature_invalid';

const SYSTEM = 'reseal';
const JUSTIFICATION =
  /^Reseal break-glass ([0-9a-f]{16}) until (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z) sig ([A-Za-z0-9_-]{86})$/;

/**
 * The marker of one grant, signed by the authority over event, deadline and tuple, so that it means nothing on another
 * assignment. Its fields stay within the 64 and 500 characters that are safe in Graph (lengths are not published).
 */
export function makeMarker(mark: Marked & { tuple: Tuple }, privateKey: KeyObject): Marker {
  const signature = sign(null, signedBytes(mark, mark.tuple), privateKey).toString('base64url');
  return {
    ticket_system: SYSTEM,
    ticket_number: ticketNumber(mark),
    justification: `Reseal break-glass ${mark.event_id} until ${mark.deadline} sig ${signature}`,
  };
}

/**
 * Whether these fields are a marker that the authority made for this very tuple, and what it says.
 *
 * The fields are attacker-controlled: never throws. Any of `authorityKeys` (Ed25519) may have signed, so that a marker
 * outlives a change of keys.
 */
export function verifyMarker(
  fields: MarkerFields,
  tuple: Tuple,
  authorityKeys: readonly KeyObject[],
): { ok: true; marked: Marked } | { ok: false; reason: MarkerRefusal } {
  if (fields.ticketSystem !== SYSTEM) return { ok: false, reason: 'marker_absent' };
  const [, event_id, deadline, signature] = JUSTIFICATION.exec(fields.justification ?? '') ?? [];
  if (event_id === undefined || deadline === undefined || signature === undefined) {
    return { ok: false, reason: 'marker_malformed' };
  }
  const marked = { event_id, deadline };
  const bytes = Buffer.from(signature, 'base64url');
  if (fields.ticketNumber !== ticketNumber(marked) || bytes.toString('base64url') !== signature) {
    return { ok: false, reason: 'marker_malformed' };
  }
  const signed = signedBytes(marked, tuple);
  const genuine = authorityKeys.some((key) => key.asymmetricKeyType === 'ed25519' && verify(null, signed, key, bytes));
  return genuine ? { ok: true, marked } : { ok: false, reason: 'marker_signature_invalid' };
}

function ticketNumber({ event_id, deadline }: Marked): string {
  return `${SYSTEM}-${event_id}-${Math.floor(epochMs(deadline) / 1000)}`;
}

/** RFC 8785 form of what the authority signs. No two kinds of effect have tuples of the same members. */
function signedBytes({ event_id, deadline }: Marked, tuple: Tuple): Buffer {
  return Buffer.from(canonicalJson({ ...tuple, event_id, deadline }), 'utf8');
}
