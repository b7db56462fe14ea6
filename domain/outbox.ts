import type { CeremonyState } from './ceremony-state.js';
import type { EntryType, OutboxItem, Receipt } from './entry.js';
import { instant } from './identifiers.js';

/** An outbox longer than this is offered to the register at once, whatever the phase. */
const FLUSH_AT = 24;

/** Puts a role's receipt into the outbox, unless an entry of that transition waits there already. */
export function keepReceipt(state: CeremonyState, receipt: Receipt): CeremonyState {
  return put(state, { transition: receipt.transition, envelope: receipt.envelope });
}

/** Drafts an entry of the ceremony's own, which the register signs when it takes it up. */
export function draft(
  state: CeremonyState,
  type: EntryType,
  transition: string,
  nowMs: number,
  data: Record<string, unknown>,
): CeremonyState {
  const { event_id } = state;
  const payload = { schema: 'reseal.entry.v1' as const, event_id, transition, type, at: instant(nowMs), data };
  return put(state, { transition, draft: payload });
}

/** Asks that everything drafted so far be appended. Never waits: a register that is down delays no reseal. */
export const flush = (state: CeremonyState): CeremonyState => ({ ...state, flush_to: state.drafted });

function put(state: CeremonyState, item: CeremonyState['outbox'][number]): CeremonyState {
  // Refused admission: the event has no ledger.
  if (state.phase === 'refused' && state.drafted === 0) return state;
  // Bounded by what can be said: 128 accepted statements, 64 refusals, 64 findings, and one entry a stage and round.
  if (state.outbox.some(({ transition }) => transition === item.transition)) return state;
  const next = { ...state, outbox: [...state.outbox, item], drafted: state.drafted + 1 };
  return next.outbox.length >= FLUSH_AT ? flush(next) : next;
}

/** What roles signed of these transitions, as far as the state still holds it. */
export function receiptsOf({ outbox, sent = [] }: CeremonyState, ...transitions: string[]): Receipt[] {
  const held = [...outbox, ...sent].filter(({ transition }) => transitions.includes(transition));
  return held.flatMap((item) => ('envelope' in item ? [{ transition: item.transition, envelope: item.envelope }] : []));
}

/** Takes an entry back that waits, because it is not what it was taken for. */
export function forget(state: CeremonyState, transition: string): CeremonyState {
  const outbox = state.outbox.filter((item) => item.transition !== transition);
  const drafted = state.drafted - (state.outbox.length - outbox.length);
  return { ...state, outbox, drafted, flush_to: Math.min(state.flush_to, drafted) };
}

/** What the register answered to one append, by transition. */
export interface Appended {
  /** What was offered and taken: it holds all of these but those that it refused. */
  transitions: readonly string[];
  /** Of these, what came as a role's word and is not signed by it. */
  refused?: readonly string[];
  /** What it was taken to hold, from earlier appends, and does not. */
  missing?: readonly string[];
}

/** So often one thing is asked for, or offered, again: what a role or the register will never take must not go on for ever. */
export const MAX_AGAIN = 3;

/**
 * The register took what was offered. What it lacks of earlier appends waits again: whoever completed one of them in its place
 * kept that from it.
 */
export function onAppended(state: CeremonyState, { transitions, refused = [], missing = [] }: Appended): CeremonyState {
  const isIn = (list: readonly string[]) => (item: OutboxItem) => list.includes(item.transition);
  const taken = state.outbox.filter(isIn(transitions));
  const left = state.outbox.filter((item) => !taken.includes(item));
  const before = state.sent ?? [];
  const lacked = before.filter(isIn(missing));
  const kept = before.filter((item) => !lacked.includes(item) && !isIn(transitions)(item));
  const sent = bounded([...kept, ...taken.filter((item) => !isIn(refused)(item))]);
  const not_taken = (state.not_taken ?? 0) + (taken.length === 0 ? 1 : 0);
  const appended = state.appended + taken.length;
  const counted = not_taken === 0 ? {} : { not_taken };
  const next: CeremonyState = { ...state, outbox: left, appended, sent, ...counted };
  const waits = new Set(left.map(({ transition }) => transition));
  const again = lacked.filter(({ transition }) => !waits.has(transition) && mayAgain(state, transition));
  if (again.length === 0) return next;
  const offered = again.reduce((one, { transition }) => countAgain(one, transition), next);
  return flush({ ...offered, outbox: [...again, ...left], drafted: state.drafted + again.length });
}

/** Whether this may be asked for, or offered, once more. */
export const mayAgain = ({ again }: CeremonyState, transition: string): boolean =>
  (again?.[transition] ?? 0) < MAX_AGAIN;

/** Counts one more time that this was asked for, or offered, again. */
export const countAgain = (state: CeremonyState, transition: string): CeremonyState => ({
  ...state,
  again: { ...state.again, [transition]: (state.again?.[transition] ?? 0) + 1 },
});

/** What is carried into every further run with the state, which the server lets be 2 MiB at most. */
const MAX_SENT_CHARS = 256 * 1024;

/** As many of the latest as fit. */
function bounded(items: readonly OutboxItem[]): OutboxItem[] {
  let room = MAX_SENT_CHARS;
  const first = items.findLastIndex((item) => (room -= sizeOf(item)) < 0);
  return items.slice(first + 1);
}

const sizeOf = (item: OutboxItem): number =>
  'draft' in item ? JSON.stringify(item.draft).length : item.envelope.payload.length + 256;
