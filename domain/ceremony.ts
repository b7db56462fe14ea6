import { deadlineOf, fallbackFrom } from './ceremony-deadlines.js';
import { disown, takeStanding } from './ceremony-disowned.js';
import { end, finish, lower, note, raise, refuse, startReseal, withFindings } from './ceremony-ending.js';
import type { CeremonyEvent } from './ceremony-event.js';
import { onExtensionApplied, onExtensionIssued, onExtensionVerified } from './ceremony-extension.js';
import { endOf, isAsking, isEnd, type CeremonyState, type EndCause } from './ceremony-state.js';
import { onRenewed, renew } from './ceremony-warrant.js';
import { disbelieve } from './disbelieved.js';
import { endsLater } from './ends-later.js';
import { hasQuorum, hear, hearHeld, refuseUnreadable } from './hearing.js';
import { learn } from './held-approvals.js';
import { epochMs, instant } from './identifiers.js';
import { beginKill, forgetKill, onKillActed } from './kill-actions.js';
import { draft, flush, keepReceipt, onAppended } from './outbox.js';
import type { AbsenceOutcome, AdmitOutcome, ApplyOutcome, IssueOutcome, MarkOutcome } from './outcomes.js';
import type { RollbackOutcome, SurveyOutcome, VerifyOutcome } from './outcomes.js';
import {
  isSameIntent,
  onAbsence,
  onLateApply,
  onRollback,
  requestedBy,
  resealTick,
  type GrantKnowledge,
} from './reseal.js';
import { onWatched } from './watched.js';

/**
 * The ceremony as a pure machine. Time passes first, whatever order the server delivers things in: a message that arrives
 * with or after its deadline finds the deadline passed.
 */
export function step(before: CeremonyState, event: CeremonyEvent, nowMs: number): CeremonyState {
  return beginKill(answerHeld(stepped(before, event, nowMs), nowMs));
}

function stepped(before: CeremonyState, event: CeremonyEvent, nowMs: number): CeremonyState {
  const state = tick(before, nowMs);
  switch (event.type) {
    case 'tick':
      return maybeIssue(state, nowMs);
    case 'admitted':
      return onAdmitted(state, event.outcome, nowMs);
    case 'surveyed':
      return onSurveyed(state, event.outcome, nowMs);
    case 'unreadable':
      return refuseUnreadable(state, event.signal, event.reason, nowMs);
    case 'heard': {
      const heard = hear(state, event, nowMs);
      if (heard.ends) return end(heard.state, heard.ends.cause, nowMs, heard.ends);
      return maybeIssue(heard.state, nowMs);
    }
    case 'delivered': {
      const { state: heard } = hearHeld(learn(state, event.deliveries), new Set(event.digests), nowMs);
      return maybeIssue(heard, nowMs);
    }
    case 'cancel_requested':
      return end(state, 'cancel', nowMs);
    case 'workflow_lost':
      return end([...(event.earlier ?? []), event.receipt].reduce(keepReceipt, state), 'workflow_lost', nowMs);
    case 'issued':
      return onIssued(state, event.outcome, nowMs);
    case 'marked':
      return onMarked(state, event, nowMs);
    case 'applied':
      return onApplied(state, event.outcome, nowMs);
    case 'verify_overdue':
      return onVerifyOverdue(state, nowMs);
    case 'verified':
      return onVerified(state, event.outcome, nowMs);
    case 'watched':
      return onWatched(state, event.outcome, nowMs);
    case 'extension_issued':
      return onExtensionIssued(state, event.round, event.outcome, nowMs);
    case 'extension_applied':
      return onExtensionApplied(state, event.round, event.outcome, nowMs);
    case 'extension_verified':
      return onExtensionVerified(state, event.round, event.outcome, nowMs);
    case 'rolled_back':
      return onRolledBack(state, event, nowMs);
    case 'absence':
      return onAbsenceSeen(state, event, nowMs);
    case 'sessions_ended': {
      const kept = keepReceipt(state, event.receipt);
      const flags = kept.flags.filter((flag) => flag !== 'sessions_open');
      const next = { ...kept, flags, reseal: kept.reseal && { ...kept.reseal, sessions_ended_at: event.at } };
      return isEnd(next.phase) ? flush(next) : next;
    }
    case 'kill_acted':
      return onKillActed(state, event.key, event.outcome);
    case 'appended':
      return disbelieve(onAppended(state, event), event.refused ?? [], nowMs);
    case 'audited': {
      if (state.audit !== 'pending') return state;
      const next = { ...keepReceipt(state, event.receipt), audit: event.outcome, audited_at: event.at };
      return flush(next);
    }
  }
}

/** Approvals that still wait for the register when the ceremony ends are answered like any that come then. */
function answerHeld(state: CeremonyState, nowMs: number): CeremonyState {
  const { held = [] } = state;
  if (held.length === 0 || !(isEnd(state.phase) || state.phase === 'resealing')) return state;
  return hearHeld(state, new Set(held.map(({ checked }) => checked.digest)), nowMs).state;
}

/** Lets the times that have passed at `nowMs` take effect: deadlines, and the hour from which fewer approvers suffice. */
function tick(before: CeremonyState, nowMs: number): CeremonyState {
  const fallback = fallbackFrom(before);
  const state = fallback !== undefined && nowMs >= fallback ? openFallback(before, nowMs) : before;
  if (state.phase === 'resealing' && state.reseal !== null) {
    const reseal = resealTick(state.reseal, nowMs);
    if (reseal === state.reseal) return state;
    const moved = { ...state, reseal };
    const next = reseal.step === 'rolling_back' ? lower(moved, 'standing_until_floor') : moved;
    if (!reseal.overdue || state.reseal.overdue) return next;
    const word = { round: reseal.round, requested_at: reseal.requested_at };
    return flush(draft(raise(next, 'rollback_overdue'), 'overdue', 'overdue', nowMs, word));
  }
  const by = deadlineOf(state);
  if (by === undefined || nowMs < by.at) return state;
  return end(state, by.cause, nowMs);
}

function onAdmitted(state: CeremonyState, outcome: AdmitOutcome, nowMs: number): CeremonyState {
  if (state.phase !== 'requested') return state;
  if (outcome.outcome === 'refused') return refuse(state, outcome, nowMs);
  const { opened, at, extra_approvers, receipt } = outcome;
  const approval_by = instant(epochMs(state.started_at) + opened.terms.approval_window * 1000);
  const admission = { at, extra_approvers, receipt };
  const next: CeremonyState = { ...state, phase: 'awaiting_approval', opened, admission, approval_by };
  return outcome.escalated ? raise(next, 'escalated') : next;
}

function onSurveyed(state: CeremonyState, outcome: SurveyOutcome, nowMs: number): CeremonyState {
  if (state.phase !== 'awaiting_approval') return state;
  const next = keepReceipt(state, outcome.receipt);
  if (outcome.outcome === 'refused') return refuse(next, outcome, nowMs);
  return maybeIssue({ ...next, survey: outcome.survey }, nowMs);
}

function maybeIssue(state: CeremonyState, nowMs: number): CeremonyState {
  const ready =
    state.phase === 'awaiting_approval' && state.survey !== null && state.ending === null && hasQuorum(state, nowMs);
  return ready ? { ...lower(state, 'fallback_open'), phase: 'issuing' } : state;
}

/**
 * Whoever was skipped is told now, by the ledger: who has spoken is put there first, unless the intent that follows at once
 * names them anyway.
 */
function openFallback(state: CeremonyState, nowMs: number): CeremonyState {
  const open = raise(state, 'fallback_open');
  const spoken = open.outbox.some(({ transition }) => transition.startsWith('statement/'));
  return spoken && maybeIssue(open, nowMs) === open ? flush(open) : open;
}

function onIssued(state: CeremonyState, outcome: IssueOutcome, nowMs: number): CeremonyState {
  if (state.phase === 'granting' && state.renewing) return onRenewed(state, outcome, nowMs);
  if (state.phase !== 'issuing') return state;
  if (outcome.outcome === 'refused') {
    const refused = { ...state, refusal: { code: outcome.code, message: outcome.message } };
    const ending = state.ending ?? { cause: 'not_issued' as const, by: null, at: instant(nowMs) };
    const over: CeremonyState = { ...refused, ending, mark: state.mark === 'none' ? 'pending' : state.mark };
    if (outcome.standing === null) return finish(over, endOf(ending.cause, false), nowMs);
    const kept = outcome.standing_receipt === null ? over : keepReceipt(over, outcome.standing_receipt);
    return startReseal({ ...kept, signed: outcome.standing, grant: 'unanswered' }, ending.cause, nowMs);
  }
  // Issued before, to a run that was reset away: that run may have called the provider.
  const grant: GrantKnowledge = outcome.reissued ? 'unanswered' : 'never_tried';
  const tried_before = state.tried_before || outcome.reissued;
  const { signed, warrant } = outcome;
  const next = { ...keepReceipt(state, outcome.receipt), signed, warrant, grant, tried_before };
  if (state.ending !== null) return startReseal(next, state.ending.cause, nowMs);
  return tick({ ...next, phase: 'granting', grant: 'unanswered' }, nowMs);
}

/** The authority's mark. What stands beside it matters while it is asked for: before, `issue` has its own answer. */
function onMarked(state: CeremonyState, answer: MarkOutcome, nowMs: number): CeremonyState {
  const asking = isAsking(state);
  if (state.mark !== 'pending' && !asking) return state;
  const marked: CeremonyState = { ...keepReceipt(state, answer.receipt), mark: 'standing' };
  if (!asking) return marked;
  const { standing, standing_receipt } = answer;
  if (standing === null) return disown(forgetKill(marked), nowMs);
  const same = marked.reseal !== null && isSameIntent(standing, marked.reseal.signed);
  return takeStanding(same ? marked : forgetKill(marked), standing, standing_receipt, nowMs);
}

function onApplied(state: CeremonyState, outcome: ApplyOutcome, nowMs: number): CeremonyState {
  if (outcome.outcome === 'warrant_expired') {
    const waited = state.phase === 'granting' && state.grant !== 'granted' && !state.renewing;
    return waited ? renew(state, nowMs) : state;
  }
  const kept = keepReceipt({ ...state, ...madeId(state, outcome) }, outcome.receipt);
  const grant: GrantKnowledge = outcome.outcome === 'granted' ? 'granted' : outcome.clean ? 'refused' : 'unanswered';
  if (state.phase === 'resealing' && state.reseal !== null)
    return { ...kept, grant, reseal: onLateApply(state.reseal, grant, nowMs) };
  if (state.phase !== 'granting' || state.signed === null) return state;
  if (outcome.outcome === 'refused') {
    const cause: EndCause = outcome.clean ? 'refused_by_provider' : 'not_issued';
    return end({ ...kept, grant, refusal: { code: outcome.code, message: outcome.message } }, cause, nowMs);
  }
  const next: CeremonyState = { ...kept, grant, grant_seen: outcome.adopted, renewing: false };
  const later = isLater(outcome.ends_at, state.signed.intent);
  return later ? withFindings(next, [endsLater(outcome.ends_at)], nowMs) : next;
}

/** An answer is anybody's word: what is no id of a provider's is not kept. */
function madeId({ signed }: CeremonyState, outcome: ApplyOutcome): { made_id?: string } {
  if (outcome.outcome !== 'granted' || signed === null || signed.intent.dead_man !== null) return {};
  const { provider_request_id: made_id } = outcome;
  return made_id === '' || made_id.length > 200 ? {} : { made_id };
}

function onVerifyOverdue(state: CeremonyState, nowMs: number): CeremonyState {
  if (state.phase !== 'granting' || state.grant !== 'granted') return state;
  const next = raise({ ...state, phase: 'active_unverified', activated_at: instant(nowMs) }, 'verify_overdue');
  return flush(draft(next, 'unverified', 'unverified', nowMs, {}));
}

function onVerified(state: CeremonyState, outcome: VerifyOutcome, nowMs: number): CeremonyState {
  if (state.phase === 'resealing' && state.reseal !== null) {
    return { ...keepReceipt(state, outcome.receipt), reseal: { ...state.reseal, seen: true } };
  }
  if (state.phase !== 'granting' && state.phase !== 'active_unverified') return state;
  if (state.grant !== 'granted' || state.signed === null) return state;
  const kept = lower(keepReceipt(state, outcome.receipt), 'verify_overdue');
  const next: CeremonyState = {
    ...kept,
    phase: 'active',
    verified: true,
    grant_seen: true,
    activated_at: state.activated_at ?? instant(nowMs),
  };
  const later = isLater(outcome.ends_at, state.signed.intent);
  return flush(withFindings(next, later ? [...outcome.findings, endsLater(outcome.ends_at)] : outcome.findings, nowMs));
}

/** Whether the provider keeps it longer than was intended; of what it never ends by itself, it cannot. */
const isLater = (endsAt: string | null, { dead_man }: { dead_man: string | null }): boolean =>
  dead_man !== null && (endsAt === null || epochMs(endsAt) > epochMs(dead_man));

type Answer<T> = { round: number; outcome: T };

function onRolledBack(
  before: CeremonyState,
  { round, outcome, ordered }: Answer<RollbackOutcome> & { ordered?: string },
  nowMs: number,
): CeremonyState {
  // The effect took an order for good that was not found so here (a roster is read anew within seconds): it is removed.
  const begun = ordered === undefined ? before : end(before, 'kill', nowMs);
  if (begun.phase !== 'resealing' || begun.reseal === null) return begun;
  const state = { ...begun, reseal: ordered === undefined ? begun.reseal : requestedBy(begun.reseal, ordered) };
  const kept = outcome.outcome === 'not_authentic' ? state : keepReceipt(state, outcome.receipt);
  if (round !== state.reseal.round) return kept;
  const next: CeremonyState = { ...kept, reseal: onRollback(state.reseal, outcome, nowMs) };
  if (outcome.outcome === 'not_authentic') return next;
  if (outcome.outcome === 'too_short') return raise(next, 'standing_until_floor');
  return lower(outcome.outcome === 'nothing_seen' ? note(next, outcome.findings, nowMs) : next, 'standing_until_floor');
}

function onAbsenceSeen(state: CeremonyState, { round, outcome }: Answer<AbsenceOutcome>, nowMs: number): CeremonyState {
  if (state.phase !== 'resealing' || state.reseal === null || state.ending === null) return state;
  // A check that was called off may still answer: it says nothing about the round under way.
  if (round !== state.reseal.round || state.reseal.step !== 'checking') return state;
  if (outcome.outcome === 'not_authentic') return { ...state, reseal: onAbsence(state.reseal, outcome, nowMs) };
  const next = { ...keepReceipt(state, outcome.receipt), reseal: onAbsence(state.reseal, outcome, nowMs) };
  if (outcome.outcome === 'present') return raise(next, 'reappeared');
  const noted = note(lower(next, 'rollback_overdue'), outcome.findings, nowMs);
  // What was seen to stand was granted, whatever the provider's answers had said.
  const refused = state.ending.cause === 'refused_by_provider' && state.reseal.seen;
  return finish(noted, refused ? 'revoked' : endOf(state.ending.cause, true), nowMs);
}
