import { epochMs, instant } from './identifiers.js';
import type { SignedIntent } from './intent.js';
import type { AbsenceOutcome, RollbackOutcome } from './outcomes.js';

/** Without a seen grant and the provider's own word for removed, agreeing reads must span this much. */
export const SETTLE_MS = 20 * 60 * 1000;
/** A rollback older than this is overdue: flagged and told, and still tried. */
export const OVERDUE_MS = 5 * 60 * 1000;

/** What is known of the grant when the reseal begins. `unanswered` counts as granted: a call was made and nobody knows. */
export type GrantKnowledge = 'never_tried' | 'refused' | 'unanswered' | 'granted';

/**
 * From intent to confirmed: pure. The same state machine for the ceremony that ends, for `reseal/<event id>` and for a
 * sweep. `round` counts rollbacks, because a grant that appears late is removed again.
 */
export interface ResealState {
  signed: SignedIntent;
  grant: GrantKnowledge;
  seen: boolean;
  word: 'revoked' | 'gone' | null;
  round: number;
  /** `asking`: an effect says that the intent is not the authority's, and the authority is asked what stands. */
  step: 'rolling_back' | 'waiting_for_floor' | 'checking' | 'asking' | 'confirmed';
  requested_at: string;
  /** The latest sign that something stands: absent reads must settle from here. */
  evidence_at: string;
  /** When Graph's five-minute floor is over, once it was met. */
  floor_until: string | null;
  accepted_at: string | null;
  observed_at: string | null;
  confirmed_at: string | null;
  sessions_ended_at: string | null;
  overdue: boolean;
  /** The provider's latest end where an extension was issued that is not in force. */
  dead_man?: string;
  /** An extension's call was not answered: it may take effect after the removal, so absent reads must settle. */
  unsettled?: true;
}

export type ResealCommand =
  | { do: 'rollback'; key: string }
  | { do: 'check_absent'; key: string; settle_until: string | null; patience: number }
  | { do: 'end_sessions'; key: string };

/** What a reseal must know of an extension whose deadline is not in force. */
export type Outstanding = Pick<ResealState, 'dead_man' | 'unsettled'>;

export function beginReseal(
  signed: SignedIntent,
  grant: GrantKnowledge,
  seen: boolean,
  nowMs: number,
  outstanding: Outstanding = {},
): ResealState {
  const nothingToRemove = grant === 'never_tried';
  return {
    ...outstanding,
    signed,
    grant,
    seen,
    word: null,
    round: 1,
    step: nothingToRemove ? 'checking' : 'rolling_back',
    requested_at: instant(nowMs),
    evidence_at: instant(nowMs),
    floor_until: null,
    accepted_at: null,
    observed_at: null,
    confirmed_at: null,
    sessions_ended_at: null,
    overdue: false,
  };
}

/** How many times in a row a role sees something before it says what costs another round. More in each round. */
export const patienceOf = (round: number): number => Math.min(24, 3 * 2 ** (Math.min(round, 5) - 1));

/** Until when absent reads must agree; null when five of them are enough. */
export function settleUntil(state: ResealState): string | null {
  if (state.word === 'revoked' && state.seen && state.unsettled !== true) return null;
  // That nothing was tried nobody can sign: a run before this one may have tried it, and somebody else answered for it here.
  if (!state.seen && state.grant === 'refused') return null;
  const settled = Math.max(epochMs(state.accepted_at ?? state.requested_at), epochMs(state.evidence_at)) + SETTLE_MS;
  const deadMan = state.dead_man ?? state.signed.intent.dead_man;
  // Nothing of the provider's ends it: no later time is surer than any other.
  if (deadMan === null) return instant(settled);
  if (state.grant === 'unanswered' && !state.seen) return deadMan;
  return settled < epochMs(deadMan) ? instant(settled) : deadMan;
}

/** Everything that should be under way now: the full set, not what changed. */
export function resealCommands(state: ResealState): ResealCommand[] {
  const commands: ResealCommand[] = [];
  if (state.step === 'rolling_back') commands.push({ do: 'rollback', key: `rollback/${state.round}` });
  if (state.step === 'checking') {
    const settle_until = settleUntil(state);
    const patience = patienceOf(state.round);
    commands.push({
      do: 'check_absent',
      key: `check_absent/${state.round}/${settle_until ?? 'now'}`,
      settle_until,
      patience,
    });
  }
  const removable = state.step === 'checking' || state.step === 'confirmed';
  if (
    state.signed.intent.end_sessions &&
    removable &&
    (state.seen || (state.grant !== 'never_tried' && state.grant !== 'refused')) &&
    state.sessions_ended_at === null
  ) {
    commands.push({ do: 'end_sessions', key: 'end_sessions' });
  }
  return commands;
}

/** A reseal is overdue five minutes after it could first have been confirmed: a floor or a settle window is not lateness. */
function overdueAt(state: ResealState): number {
  const settle = state.step === 'checking' ? settleUntil(state) : null;
  const from = [state.requested_at, state.floor_until, settle].map((at) => (at === null ? 0 : epochMs(at)));
  return Math.max(...from) + OVERDUE_MS;
}

/** When the reseal next has something to do by itself, in epoch ms; undefined when only answers move it. */
export function resealWake(state: ResealState): number | undefined {
  if (state.step === 'confirmed') return undefined;
  if (state.step === 'waiting_for_floor' && state.floor_until !== null) return epochMs(state.floor_until);
  return state.overdue ? undefined : overdueAt(state);
}

export function resealTick(state: ResealState, nowMs: number): ResealState {
  let next = state;
  if (next.step === 'waiting_for_floor' && next.floor_until !== null && nowMs >= epochMs(next.floor_until)) {
    next = { ...next, step: 'rolling_back', round: next.round + 1 };
  }
  if (!next.overdue && next.step !== 'confirmed' && nowMs >= overdueAt(next)) next = { ...next, overdue: true };
  return next;
}

/** Graph's floor is five minutes; what an activity answers is anybody's word, and cannot put a removal off for longer. */
const MAX_FLOOR_MS = 10 * 60 * 1000;
const MIN_FLOOR_MS = 5 * 1000;

export function onRollback(state: ResealState, outcome: RollbackOutcome, nowMs: number): ResealState {
  if (state.step !== 'rolling_back') return state;
  switch (outcome.outcome) {
    case 'not_authentic':
      return { ...state, step: 'asking' };
    case 'removed':
      return {
        ...state,
        step: 'checking',
        seen: true,
        word: outcome.word,
        accepted_at: state.accepted_at ?? outcome.at,
      };
    case 'nothing_seen':
      return { ...state, step: 'checking' };
    case 'too_short': {
      const floor = Math.min(Math.max(epochMs(outcome.retry_at), nowMs + MIN_FLOOR_MS), nowMs + MAX_FLOOR_MS);
      return { ...state, step: 'waiting_for_floor', seen: true, floor_until: instant(floor) };
    }
  }
}

export function onAbsence(state: ResealState, outcome: AbsenceOutcome, nowMs: number): ResealState {
  if (state.step !== 'checking') return state;
  if (outcome.outcome === 'not_authentic') return { ...state, step: 'asking' };
  if (outcome.outcome === 'present') {
    return { ...state, ...again(state, nowMs), grant: 'granted', observed_at: null };
  }
  return { ...state, step: 'confirmed', observed_at: outcome.observed_at, confirmed_at: outcome.confirmed_at };
}

/** The removal was asked for already then, upon the order itself: it may be accepted before the order was heard. */
export const requestedBy = (state: ResealState, at: string): ResealState =>
  epochMs(at) < epochMs(state.requested_at) ? { ...state, requested_at: at } : state;

/** The cancelled `apply` answered after all: a grant that is known now, or known never to have been. */
export function onLateApply(state: ResealState, grant: GrantKnowledge, nowMs: number): ResealState {
  if (state.step === 'confirmed' || state.grant !== 'unanswered') return state;
  // What was seen to stand was granted, whatever a late answer says.
  if (state.seen && grant === 'refused') return state;
  const rollsBack = grant === 'granted' && state.step === 'checking';
  return { ...state, grant, ...(rollsBack ? again(state, nowMs) : {}) };
}

/**
 * The authority's word on what stands, while it is asked for. What was held for its intent and is not was never granted by
 * a role of ours; of the one that stands nobody knows, and unknown counts as granted.
 */
export function onStanding(state: ResealState, standing: SignedIntent, nowMs: number): ResealState {
  if (state.step !== 'asking') return state;
  const round = { step: 'rolling_back' as const, round: state.round + 1 };
  if (isSameIntent(standing, state.signed)) return { ...state, ...round };
  const unknown = { grant: 'unanswered' as const, seen: false, word: null, sessions_ended_at: null };
  return { ...state, ...round, ...unknown, signed: standing, evidence_at: instant(nowMs) };
}

/** Byte for byte, the signature too: what says the same under another signature is another's. */
export const isSameIntent = (a: SignedIntent, b: SignedIntent): boolean => JSON.stringify(a) === JSON.stringify(b);

/** One more round: an earlier word for removed, and sessions ended before, were not about what stands now. */
const again = (state: ResealState, nowMs: number) => ({
  evidence_at: instant(nowMs),
  step: 'rolling_back' as const,
  round: state.round + 1,
  seen: true,
  word: null,
  sessions_ended_at: null,
});
