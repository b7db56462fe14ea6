import type { CeremonyState } from './ceremony-state.js';
import { epochMs } from './identifiers.js';
import type { SignedIntent } from './intent.js';

/** The authority's clock may differ from the workflow's by this much. */
const SKEW_MS = 5 * 60 * 1000;

/** Refuses an answer that cannot be the authority's word about this request. */
export function requirePlausible(signed: SignedIntent | null, state: CeremonyState, nowMs: number): void {
  if (signed !== null && !isPlausible(signed, state, nowMs))
    throw new TypeError('this is not an intent for this request');
}

/**
 * Whether this can be an intent for this request: whoever completes an activity in the authority's place cannot keep a
 * ceremony open beyond what was asked. What the effect does rests on the authority's signature, not on this.
 */
export function isPlausible(signed: SignedIntent, state: CeremonyState, nowMs: number): boolean {
  if (state.opened === null) return true;
  const { event_id, request_digest, deadline, dead_man } = signed.intent;
  const { request, request_digest: asked, terms } = state.opened;
  const longest = signed.intent.round === 1 ? request.duration_seconds : terms.timebox.max;
  const latest = nowMs + longest * 1000 + SKEW_MS;
  const isOurs = event_id === state.event_id && request_digest === asked;
  const ends = dead_man === null ? null : epochMs(dead_man);
  return isOurs && epochMs(deadline) <= latest && (ends ?? latest) <= latest + terms.grace * 1000;
}
