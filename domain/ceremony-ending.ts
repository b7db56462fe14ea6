import { endOf, isEnd, type CeremonyState, type End, type EndCause, type Flag } from './ceremony-state.js';
import { instant } from './identifiers.js';
import { draft, flush } from './outbox.js';
import type { Finding } from './outcomes.js';
import { refusalOf, type Refusal } from './refusal.js';
import { isOutstanding, outstandingOf } from './outstanding.js';
import { beginReseal } from './reseal.js';

/** Ends the ceremony for this cause: at once where nothing can stand, otherwise by resealing. */
export function end(
  state: CeremonyState,
  cause: EndCause,
  nowMs: number,
  { by, compromise }: { by: string | null; compromise?: true } = { by: null },
): CeremonyState {
  if (isEnd(state.phase) || state.phase === 'resealing' || state.ending !== null) return state;
  const ending = { cause, by, at: instant(nowMs), ...(compromise === undefined ? {} : { compromise }) };
  // The clock itself is the mark for a deadline or a window: the authority refuses to issue after either.
  const mark = cause === 'deadline' || cause === 'window' ? state.mark : 'pending';
  const next: CeremonyState = { ...state, ending, mark };
  if (state.phase === 'requested' || state.phase === 'awaiting_approval')
    return finish(next, endOf(cause, false), nowMs);
  // An issue may be on its way: what it answers decides whether there is anything to reseal.
  if (state.phase === 'issuing') return next;
  return startReseal(next, cause, nowMs);
}

export function startReseal(state: CeremonyState, cause: EndCause, nowMs: number): CeremonyState {
  if (state.signed === null) return state;
  const ending = state.ending ?? { cause, by: null, at: instant(nowMs) };
  // Past its deadline nothing more is issued: that is its own mark. An intent for a later one has none but the authority's.
  const clockMarks = cause === 'deadline' && !isOutstanding(state.extension);
  const mark = state.mark === 'none' && !clockMarks ? 'pending' : state.mark;
  const reseal = beginReseal(state.signed, state.grant, state.grant_seen, nowMs, outstandingOf(state.extension));
  const next: CeremonyState = { ...state, phase: 'resealing', ending, mark, reseal };
  return draft(next, 'resealing', 'resealing', nowMs, { cause: ending.cause, by: ending.by, grant: state.grant });
}

/** What stays true of a ceremony that has ended. */
const KEPT: ReadonlySet<Flag> = new Set(['workflow_lost', 'escalated', 'actions_pending']);

export function finish(state: CeremonyState, phase: End, nowMs: number): CeremonyState {
  const sessionsOpen =
    state.reseal !== null && state.signed?.intent.end_sessions === true && state.reseal.sessions_ended_at === null;
  const audit = state.reseal !== null && state.reseal.seen ? 'pending' : 'none';
  const grant = state.reseal?.grant ?? state.grant;
  const granted = state.reseal?.seen === true || grant === 'granted' || grant === 'unanswered';
  // A quorum of good approvals may exist for what was refused: nothing may be issued for it any more.
  const mark = state.mark === 'none' && phase === 'refused' && state.admission !== null ? 'pending' : state.mark;
  let next: CeremonyState = { ...state, phase, ended_at: instant(nowMs), audit, mark };
  next = { ...next, flags: next.flags.filter((flag) => KEPT.has(flag)) };
  if (sessionsOpen && granted) next = raise(next, 'sessions_open');
  // Never admitted: the refusal is in the register's own table, and there is no ledger to end.
  if (phase === 'refused' && state.admission === null)
    return { ...next, outbox: [], drafted: 0, appended: 0, flush_to: 0 };
  const refusal = state.refusal === null ? {} : { refusal: state.refusal };
  const data = {
    end: phase,
    cause: state.ending?.cause ?? null,
    by: state.ending?.by ?? null,
    refusals: state.refusals,
    ...refusal,
  };
  return flush(draft(next, 'ended', 'ended', nowMs, data));
}

export function refuse(state: CeremonyState, refusal: Refusal, nowMs: number): CeremonyState {
  return finish({ ...state, refusal: refusalOf(refusal) }, 'refused', nowMs);
}

const KILLING: Readonly<Partial<Record<Finding['code'], EndCause>>> = {
  unexpected_target_detected: 'unexpected_target',
  ends_later_than_intended: 'ends_later_than_intended',
};

export function withFindings(state: CeremonyState, findings: readonly Finding[], nowMs: number): CeremonyState {
  const next = note(state, findings, nowMs);
  const cause = findings.map(({ code }) => KILLING[code]).find((found) => found !== undefined);
  return cause === undefined ? next : end(next, cause, nowMs);
}

/** Records findings, each once; at most 64 are kept. */
export function note(state: CeremonyState, findings: readonly Finding[], nowMs: number): CeremonyState {
  let next = state;
  for (const finding of findings) {
    const known = next.findings.some(({ code, detail }) => code === finding.code && detail === finding.detail);
    if (known || next.findings.length >= 64) continue;
    next = { ...next, findings: [...next.findings, { ...finding, at: instant(nowMs) }] };
    // The time makes the transition unique over the runs of an event: a reset one counts from nothing again.
    const transition = `finding/${instant(nowMs)}/${next.findings.length}`;
    next = flush(draft(next, 'finding', transition, nowMs, { ...finding }));
  }
  return next;
}

export const raise = (state: CeremonyState, flag: Flag): CeremonyState =>
  state.flags.includes(flag) ? state : { ...state, flags: [...state.flags, flag] };
export const lower = (state: CeremonyState, flag: Flag): CeremonyState =>
  state.flags.includes(flag) ? { ...state, flags: state.flags.filter((raised) => raised !== flag) } : state;
