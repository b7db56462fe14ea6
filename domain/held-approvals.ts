import type { CeremonyState } from './ceremony-state.js';
import { isAbout, reachedBefore, type Asking, type Delivered } from './delivery.js';
import type { Said } from './hearing.js';
import { waitingExtension } from './hearing-extension.js';
import { jsonOrNull } from './json-or-null.js';
import { actStatementSchema, type SignedStatement } from './statement.js';

/**
 * Approvals that wait for the register's word: was this person asked before they signed? One a person, so that nobody fills
 * the state. Whether an answer is the register's is for the authority and the effect to judge; here it only says what is
 * worth showing to them.
 */

/** What is known here of deliveries at most; more is asked for again. */
const MAX_KNOWN = 64;
const MAX_HELD = 128;

/** What an approval that comes now is of. */
export function askedNow(state: CeremonyState): Asking | null {
  const { opened } = state;
  if (opened === null) return null;
  const { request_digest } = opened;
  const extension = waitingExtension(state);
  if (extension === undefined) return { request_digest, round: 1, extension_digest: null };
  return { request_digest, round: extension.round, extension_digest: extension.digest };
}

/** The receipt under which this approval counts, as far as is known here. */
export function deliveryFor(
  state: CeremonyState,
  { person, statement }: { person: { id: string }; statement: { issued_at: string } },
): Delivered | undefined {
  const asked = askedNow(state);
  if (asked === null) return undefined;
  return (state.delivered ?? []).find(
    (delivered) => isAbout(delivered, asked) && reachedBefore(delivered, person.id, statement.issued_at),
  );
}

/** Whether the policy wants a receipt before an approval counts. */
export const wantsDelivery = ({ opened }: CeremonyState): boolean => opened?.terms.approvals.delivery !== undefined;

/** Whether an approval, if it is what it says, counts under a receipt that the evidence carries as it is. */
export function isCovered(state: CeremonyState, { payload }: SignedStatement): boolean {
  if (!wantsDelivery(state)) return true;
  const said = actStatementSchema.safeParse(jsonOrNull(payload));
  const found = said.success && deliveryFor(state, { person: { id: said.data.person }, statement: said.data });
  if (!found) return false;
  return state.approvals.some(({ delivery }) => delivery?.transition === found.receipt.transition);
}

/** Keeps an approval until the register has answered; undefined where one of the same person waits, or too many do. */
export function hold(state: CeremonyState, said: Said): CeremonyState | undefined {
  const held = state.held ?? [];
  if (held.some((other) => other.checked.digest === said.checked.digest)) return state;
  const person = said.checked.ok ? said.checked.person.id : '';
  if (isHeldOf(state, person) || held.length >= MAX_HELD) return undefined;
  return { ...state, held: [...held, said] };
}

/** Whether an approval of this person waits. */
export const isHeldOf = ({ held = [] }: CeremonyState, personId: string): boolean =>
  held.some(({ checked }) => checked.ok && checked.person.id === personId);

/** Takes out those that `which` means. */
export function release(
  state: CeremonyState,
  which: (said: Said) => boolean,
): { state: CeremonyState; released: Said[] } {
  const { held = [], ...rest } = state;
  const left = held.filter((said) => !which(said));
  return { state: left.length === 0 ? rest : { ...rest, held: left }, released: held.filter(which) };
}

/** What the register answered, beside what was known. */
export function learn(state: CeremonyState, deliveries: readonly Delivered[]): CeremonyState {
  const before = state.delivered ?? [];
  const known = new Set(before.map(({ receipt }) => receipt.transition));
  const fresh = deliveries.filter(({ receipt }) => !known.has(receipt.transition));
  return fresh.length === 0 ? state : { ...state, delivered: [...before, ...fresh].slice(-MAX_KNOWN) };
}
