import { draft, flush } from './outbox.js';
import { epochMs, instant } from './identifiers.js';
import { isEnd, type Approval, type CeremonyState, type EndCause } from './ceremony-state.js';
import type { Receipt } from './entry.js';
import { deliveryFor, hold, isHeldOf, release, wantsDelivery } from './held-approvals.js';
import {
  objectionTo,
  type CheckedStatement,
  type StatementRefusal,
  type Verdict,
  type VerifiedStatement,
} from './verdict.js';
import {
  extendedBy,
  objectionToExtension,
  restsOn,
  waitingExtension,
  withExtension,
  withExtensionApproval,
} from './hearing-extension.js';
import { quorumAt } from './quorum.js';
import { REDUCING_ACTS, type SignalAct, type SignedStatement } from './statement.js';

const MAX_ACCEPTED = 128;
/** Refusals beyond this are counted, not kept, so that a flood cannot fill the state or keep a kill waiting. */
export const MAX_RECORDED_REFUSALS = 64;

/** One statement as it came: the name it was sent under, its bytes, and what the signature check said of them. */
export interface Said {
  signal: SignalAct;
  envelope: SignedStatement;
  checked: CheckedStatement;
}

export interface Heard {
  state: CeremonyState;
  /** Set when the statement ends the ceremony. */
  ends?: { cause: EndCause; by: string; compromise?: true };
}

/** Hears one statement that arrived under the signal's name. The verdict is kept for whoever asks by its digest. */
export function hear(state: CeremonyState, said: Said, nowMs: number): Heard {
  const { signal, checked, envelope } = said;
  // The same bytes again: whoever retries is told the first answer, and nothing counts twice. Only under another name
  // nothing was answered yet: whoever gets hold of somebody's kill must not use it up by sending it as an approval.
  const told = state.verdicts.find((verdict) => verdict.digest === checked.digest);
  if (told !== undefined && (told.reason !== 'name_disagrees' || told.act === signal)) return { state };
  if (!checked.ok) return { state: refuse(state, signal, checked.digest, checked.reason, checked.person, nowMs) };
  const reason = refusalOf(state, signal, checked, nowMs);
  if (reason !== undefined) return { state: refuse(state, signal, checked.digest, reason, checked.person.id, nowMs) };
  if (signal !== 'approve' || !wantsDelivery(state)) return accept(state, signal, checked, envelope, nowMs);
  const delivery = deliveryFor(state, checked)?.receipt;
  if (delivery !== undefined) return accept(state, signal, checked, envelope, nowMs, delivery);
  const waiting = hold(state, said);
  if (waiting !== undefined) return { state: waiting };
  return { state: refuse(state, signal, checked.digest, 'already_approved', checked.person.id, nowMs) };
}

/**
 * The register has answered for the approvals of these digests: each counts now, or does not. What it cannot answer for any
 * more is heard again as it is.
 */
export function hearHeld(state: CeremonyState, digests: ReadonlySet<string>, nowMs: number): Heard {
  const { state: rest, released } = release(state, ({ checked }) => digests.has(checked.digest));
  return released.reduce<Heard>(
    (heard, said) => {
      const { checked } = said;
      const known = checked.ok && deliveryFor(heard.state, checked) !== undefined;
      const next = known ? hear(heard.state, said, nowMs) : hearUndelivered(heard.state, said, nowMs);
      return { ...heard, ...next };
    },
    { state: rest },
  );
}

/** Says why it does not count: what else may be said against it comes first. */
function hearUndelivered(state: CeremonyState, { signal, checked }: Said, nowMs: number): Heard {
  if (!checked.ok) return { state };
  const reason = refusalOf(state, signal, checked, nowMs) ?? 'not_delivered';
  return { state: refuse(state, signal, checked.digest, reason, checked.person.id, nowMs) };
}

/** What arrived was not even a statement: counted, and kept as a refusal without a digest to ask by. */
export function refuseUnreadable(
  state: CeremonyState,
  signal: SignalAct,
  reason: StatementRefusal,
  nowMs: number,
): CeremonyState {
  return refuse(state, signal, null, reason, undefined, nowMs);
}

function refusalOf(
  state: CeremonyState,
  signal: SignalAct,
  spoken: VerifiedStatement,
  nowMs: number,
): StatementRefusal | undefined {
  const { opened } = state;
  if (opened === null) return 'wrong_state';
  const waiting = waitingExtension(state);
  const counted = state.extension?.approvals ?? [];
  const extending = signal === 'approve' && waiting !== undefined;
  const approvers = extending ? counted : [...state.approvals, ...counted];
  const before = extending ? [] : extendedBy(state);
  // Whose approval waits to be counted may take it back, as if it did.
  const held = signal === 'withdraw' && isHeldOf(state, spoken.person.id) ? [spoken.person.id] : [];
  const approvedBy = new Set([...approvers.map(({ person }) => person.id), ...before, ...held]);
  const hearing = { event_id: state.event_id, ...opened, approvedBy, seen: new Set(state.seen), extension: waiting };
  const objection = objectionTo(hearing, spoken, signal, nowMs);
  if (objection !== undefined) return objection;
  const late = state.approval_by !== null && nowMs >= epochMs(state.approval_by);
  if (signal === 'approve' && waiting === undefined && late) return 'too_late';
  if (isEnd(state.phase) || state.phase === 'resealing' || state.ending !== null) return 'wrong_state';
  if (signal === 'approve' && waiting === undefined && !isBeforeIssue(state)) return 'wrong_state';
  const extended = signal === 'extend' ? spoken.statement : signal === 'approve' ? waiting : undefined;
  if (extended !== undefined) {
    const untimely = objectionToExtension(state, extended, nowMs);
    if (untimely !== undefined) return untimely;
  }
  if (state.seen.length >= MAX_ACCEPTED && !REDUCING_ACTS.has(signal)) return 'too_many';
  return undefined;
}

function accept(
  state: CeremonyState,
  signal: SignalAct,
  spoken: VerifiedStatement,
  envelope: SignedStatement,
  nowMs: number,
  delivery?: Receipt,
): Heard {
  const { person, digest, statement_digest, method, statement } = spoken;
  const at = instant(nowMs);
  const verdict: Verdict = { digest, act: signal, status: 'accepted', person: person.id, at };
  let next: CeremonyState = {
    ...state,
    seen: [...state.seen, statement_digest],
    verdicts: [...state.verdicts.filter((told) => told.digest !== digest), verdict],
  };
  const data = { act: signal, person: person.id, method, digest, statement: envelope };
  next = draft(next, 'statement', `statement/${digest.slice(0, 32)}`, nowMs, data);
  const approval: Approval = { person, at, method, digest, envelope, ...(delivery === undefined ? {} : { delivery }) };
  // Told at once: those who may approve it must hear of it.
  if (signal === 'extend') return { state: flush(withExtension(next, spoken, envelope, at)) };
  const { extension } = next;
  if (signal === 'approve' && extension?.step === 'awaiting_approval') {
    return { state: withExtensionApproval(next, extension, approval, nowMs) };
  }
  if (signal === 'approve') {
    return { state: { ...next, approvals: [...next.approvals, approval] } };
  }
  if (signal === 'withdraw' && isHeldOf(next, person.id)) {
    const { state: rest, released } = release(next, ({ checked }) => checked.ok && checked.person.id === person.id);
    const answered = released.reduce(
      (told, { checked }) => refuse(told, 'approve', checked.digest, 'wrong_state', person.id, nowMs),
      rest,
    );
    // Nothing that counts is taken back: the ceremony goes on as it was.
    if (!isCounted(answered, person.id)) return { state: answered };
    next = answered;
  }
  if (signal === 'withdraw' && isBeforeIssue(state) && !hasQuorum(state, nowMs)) {
    return { state: { ...next, approvals: next.approvals.filter((approval) => approval.person.id !== person.id) } };
  }
  if (signal === 'withdraw' && extension?.step === 'awaiting_approval' && !restsOn(state, person.id)) {
    const approvals = extension.approvals.filter((approval) => approval.person.id !== person.id);
    return { state: { ...next, extension: { ...extension, approvals } } };
  }
  const { act, compromise } = statement;
  const cause = act === 'approve' || act === 'extend' ? 'kill' : act;
  return { state: next, ends: { cause, by: person.id, ...(compromise === undefined ? {} : { compromise }) } };
}

/** Whether something rests on an approval of this person, or may come to. */
const isCounted = (state: CeremonyState, personId: string): boolean =>
  [...state.approvals, ...(state.extension?.approvals ?? [])].some(({ person }) => person.id === personId) ||
  extendedBy(state).includes(personId);

/** Approvals may come before admission has answered: they are about the request, and count once it has. */
const isBeforeIssue = ({ phase }: CeremonyState): boolean => phase === 'requested' || phase === 'awaiting_approval';

/** Whether the approvals that stand are a quorum at this moment; validity is judged again. */
export function hasQuorum(state: CeremonyState, nowMs: number): boolean {
  if (state.opened === null) return false;
  const { request, terms } = state.opened;
  const approvers = state.approvals.map(({ person }) => person);
  return quorumAt({ request, terms, admission: state.admission, approvers, nowMs }).met;
}

function refuse(
  state: CeremonyState,
  act: SignalAct,
  digest: string | null,
  reason: StatementRefusal,
  person: string | undefined,
  nowMs: number,
): CeremonyState {
  const next = { ...state, refusals: state.refusals + 1 };
  if (next.refusals > MAX_RECORDED_REFUSALS) return next;
  const who = person === undefined ? {} : { person };
  const transition = `statement_refused/${instant(nowMs)}/${next.refusals}`;
  const drafted = draft(next, 'statement_refused', transition, nowMs, { act, reason, digest, ...who });
  if (digest === null) return drafted;
  const verdicts = drafted.verdicts.filter((told) => told.digest !== digest);
  return {
    ...drafted,
    verdicts: [...verdicts, { digest, act, status: 'refused', reason, ...who, at: instant(nowMs) }],
  };
}
