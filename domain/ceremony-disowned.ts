import { finish } from './ceremony-ending.js';
import { endOf, type CeremonyState } from './ceremony-state.js';
import type { Receipt } from './entry.js';
import type { SignedIntent } from './intent.js';
import { forget, keepReceipt } from './outbox.js';
import { isSameIntent, onStanding } from './reseal.js';

/**
 * A ceremony that holds an intent which is not the authority's: somebody answered `issue` in its place. Every effect has
 * refused it, and the authority, asked, says what stands. One liar alone ends nothing by this: it takes an effect's word
 * that the intent is not authentic and the authority's that none stands, and the reconciler ends what was lied about.
 */

/** The authority never recorded an intent and, with the end mark, never will: nothing was granted, and nothing stands. */
export function disown(state: CeremonyState, nowMs: number): CeremonyState {
  if (state.ending === null) return state;
  const cause = state.ending.cause === 'refused_by_provider' ? 'not_issued' : state.ending.cause;
  const never = {
    signed: null,
    extension: null,
    reseal: null,
    grant: 'never_tried',
    grant_seen: false,
    verified: false,
  } as const;
  const refusal = state.refusal ?? {
    code: 'intent_not_authentic',
    message: 'the intent was not signed by the authority, which never recorded one',
  };
  const next = {
    ...forget(state, 'intent'),
    ...never,
    prior: [],
    activated_at: null,
    refusal,
    ending: { ...state.ending, cause },
  };
  return finish(next, endOf(cause, false), nowMs);
}

/** Goes on with the intent that stands; `receipt` is the ledger's entry of it. */
export function takeStanding(
  state: CeremonyState,
  standing: SignedIntent,
  receipt: Receipt | null,
  nowMs: number,
): CeremonyState {
  if (state.reseal === null) return state;
  const reseal = onStanding(state.reseal, standing, nowMs);
  if (isSameIntent(standing, state.reseal.signed)) return { ...state, reseal };
  const unknown = { grant: 'unanswered', grant_seen: false, verified: false, tried_before: true } as const;
  const next: CeremonyState = {
    ...forget(state, 'intent'),
    ...unknown,
    signed: standing,
    prior: [],
    extension: null,
    reseal,
  };
  return receipt === null ? next : keepReceipt(next, receipt);
}
