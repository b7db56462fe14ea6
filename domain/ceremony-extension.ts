import { withFindings } from './ceremony-ending.js';
import { MAX_RENEWALS } from './ceremony-warrant.js';
import { isEnd, type CeremonyState, type Extension } from './ceremony-state.js';
import { endsLater } from './ends-later.js';
import { epochMs } from './identifiers.js';
import { draft, flush, keepReceipt } from './outbox.js';
import type { ApplyOutcome, IssueOutcome, VerifyOutcome } from './outcomes.js';
import { outstandingOf } from './outstanding.js';
import { refusalOf, type Refusal } from './refusal.js';
import { isSameIntent } from './reseal.js';

/**
 * What comes back of an extension. The deadline in force moves once, when the provider has said yes before it passed: a
 * refusal, silence or a late answer leaves it where it is, and the dead-man that may stand at the provider is kept for the
 * reseal. Answers of another round say nothing.
 */

/** The authority's answer. What it recorded belongs into the ledger, whatever has become of the ceremony meanwhile. */
export function onExtensionIssued(
  state: CeremonyState,
  round: number,
  outcome: IssueOutcome,
  nowMs: number,
): CeremonyState {
  const asked = askedFor(state, round);
  if (asked === undefined) return state;
  const waits = state.phase === 'active' && asked.step === 'issuing';
  if (outcome.outcome === 'refused') return waits ? refuse(state, asked, outcome, nowMs) : state;
  if (asked.signed !== null) {
    if (!waits) return state;
    if (isSameIntent(asked.signed, outcome.signed)) return update(state, { ...asked, warrant: outcome.warrant });
    const message = 'the authority answered with another intent than the one it had recorded';
    return refuse(state, asked, { code: 'intent_differs', message }, nowMs);
  }
  if (asked.step !== 'issuing') return state;
  const kept = keepReceipt(state, outcome.receipt);
  const { signed, warrant } = outcome;
  // A run before this one may have made the call already.
  const extension: Extension = { ...asked, signed, warrant, unanswered: outcome.reissued };
  return waits ? update(kept, extension) : cameLate(kept, extension);
}

/** The effect's answer. */
export function onExtensionApplied(
  state: CeremonyState,
  round: number,
  outcome: ApplyOutcome,
  nowMs: number,
): CeremonyState {
  const asked = askedFor(state, round);
  if (asked === undefined) return state;
  const waits = state.phase === 'active' && asked.step === 'updating' && asked.signed !== null;
  if (outcome.outcome === 'warrant_expired') return waits ? renew(state, asked, nowMs) : state;
  if (asked.step !== 'updating' && asked.step !== 'issuing') return state;
  const kept = keepReceipt(state, outcome.receipt);
  if (!waits || asked.signed === null) return kept;
  if (outcome.outcome === 'refused')
    return refuse(kept, { ...asked, unanswered: asked.unanswered || !outcome.clean }, outcome, nowMs);
  const { signed } = asked;
  const before = state.signed === null ? [] : [state.signed];
  const extension: Extension = { ...asked, step: 'verifying', warrant: null, unanswered: false };
  const next: CeremonyState = { ...kept, prior: [...state.prior, ...before], signed, extension };
  return isLater(outcome.ends_at, signed.intent.dead_man)
    ? withFindings(next, [endsLater(outcome.ends_at)], nowMs)
    : next;
}

/** The verifier has seen the later end with its own identity. */
export function onExtensionVerified(
  state: CeremonyState,
  round: number,
  outcome: VerifyOutcome,
  nowMs: number,
): CeremonyState {
  const asked = askedFor(state, round);
  if (asked?.step !== 'verifying' || asked.signed === null || isEnd(state.phase)) return state;
  const kept = keepReceipt(state, outcome.receipt);
  if (state.phase !== 'active') return kept;
  const next: CeremonyState = { ...kept, extension: { ...asked, step: 'done' } };
  const later = isLater(outcome.ends_at, asked.signed.intent.dead_man) ? [endsLater(outcome.ends_at)] : [];
  return flush(withFindings(next, [...outcome.findings, ...later], nowMs));
}

const askedFor = ({ extension }: CeremonyState, round: number): Extension | undefined =>
  extension?.round === round ? extension : undefined;

const isLater = (ends: string | null, deadMan: string | null): boolean =>
  deadMan !== null && (ends === null || epochMs(ends) > epochMs(deadMan));

const update = (state: CeremonyState, extension: Extension): CeremonyState => ({
  ...state,
  extension: { ...extension, step: 'updating' },
});

/** The ceremony is being resealed: nothing more is called for, and what was recorded is remembered. */
function cameLate(state: CeremonyState, extension: Extension): CeremonyState {
  const { reseal } = state;
  const outstanding = outstandingOf(extension);
  const open = reseal === null || reseal.step === 'confirmed' || isEnd(state.phase);
  return { ...state, extension, reseal: open ? reseal : { ...reseal, ...outstanding } };
}

/** The effect found the warrant to be over. What it had tried before it noticed, nobody here knows. */
function renew(state: CeremonyState, asked: Extension, nowMs: number): CeremonyState {
  if (asked.renewals >= MAX_RENEWALS) {
    const message = `the effect found ${MAX_RENEWALS} warrants to be over: look at the clocks of authority and effect`;
    return refuse(state, { ...asked, unanswered: true }, { code: 'warrant_expired', message }, nowMs);
  }
  const { renewals } = asked;
  return {
    ...state,
    extension: { ...asked, step: 'issuing', warrant: null, unanswered: true, renewals: renewals + 1 },
  };
}

/** The deadline stays. Told at once: somebody counts on more time. */
function refuse(state: CeremonyState, asked: Extension, said: Refusal, nowMs: number): CeremonyState {
  const refusal = refusalOf(said);
  const extension: Extension = { ...asked, step: 'refused', warrant: null, refusal };
  const { round, deadline, signed } = extension;
  const { code, message } = refusal;
  const data = { round, deadline, code, message, dead_man: signed?.intent.dead_man ?? null };
  const transition = `extension_refused/${round}/${asked.digest.slice(0, 16)}`;
  return flush(draft({ ...state, extension }, 'extension_refused', transition, nowMs, data));
}
