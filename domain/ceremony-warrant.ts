import { end } from './ceremony-ending.js';
import type { CeremonyState } from './ceremony-state.js';
import { instant } from './identifiers.js';
import type { IssueOutcome } from './outcomes.js';
import { isSameIntent } from './reseal.js';

/**
 * A grant that is tried for longer than its warrant lives. The effect says so and calls nothing more; the authority gives
 * another for the intent that stands, or says why not, and then the ceremony ends as one that it refused.
 */

/**
 * At two minutes each over two hours, which is longer than any outage of a provider that a grant should wait for. Only
 * where clocks disagree are they used up faster.
 */
export const MAX_RENEWALS = 64;

/** The effect found the warrant to be over, or found none. */
export function renew(state: CeremonyState, nowMs: number): CeremonyState {
  if (state.renewals >= MAX_RENEWALS) {
    const message = `the effect found ${MAX_RENEWALS} warrants to be over: look at the clocks of authority and effect`;
    return end({ ...state, refusal: { code: 'warrant_expired', message } }, 'not_issued', nowMs);
  }
  // What the effect had tried before it noticed, nobody here knows.
  return { ...state, warrant: null, renewing: true, renewals: state.renewals + 1, tried_before: true };
}

/** The authority's answer. The intent that is held stays: another's is none, and rollback finds out which is authentic. */
export function onRenewed(state: CeremonyState, outcome: IssueOutcome, nowMs: number): CeremonyState {
  if (outcome.outcome === 'refused') {
    const { code, message } = outcome;
    return end({ ...state, refusal: { code, message } }, 'not_issued', nowMs);
  }
  if (state.signed !== null && isSameIntent(outcome.signed, state.signed))
    return { ...state, warrant: outcome.warrant, renewing: false };
  const message = `at ${instant(nowMs)} the authority answered with another intent than the one it had recorded`;
  return end({ ...state, refusal: { code: 'intent_differs', message } }, 'not_issued', nowMs);
}
