import type { CeremonyState } from './ceremony-state.js';
import type { EntryType, Receipt } from './entry.js';
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

/** Takes an entry back that waits, because it is not what it was taken for. */
export function forget(state: CeremonyState, transition: string): CeremonyState {
  const outbox = state.outbox.filter((item) => item.transition !== transition);
  const drafted = state.drafted - (state.outbox.length - outbox.length);
  return { ...state, outbox, drafted, flush_to: Math.min(state.flush_to, drafted) };
}

/** The register holds these transitions now. */
export function onAppended(state: CeremonyState, transitions: readonly string[]): CeremonyState {
  const held = new Set(transitions);
  const outbox = state.outbox.filter(({ transition }) => !held.has(transition));
  return { ...state, outbox, appended: state.appended + (state.outbox.length - outbox.length) };
}
