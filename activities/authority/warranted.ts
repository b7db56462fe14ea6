import type { IssueOutcome } from '../../domain/outcomes.js';
import { WARRANT_SECONDS } from '../../domain/warrant.js';
import type { RoleKey } from '../../proofs/role-key.js';
import { mintWarrant } from '../../proofs/warrant.js';
import type { Clock } from '../clock.js';

/** What the authority decides, before it gives a warrant. */
export type Decided = Omit<Extract<IssueOutcome, { outcome: 'issued' }>, 'warrant'> | Refused;
export type Refused = Extract<IssueOutcome, { outcome: 'refused' }>;

/**
 * Adds a fresh warrant to an intent that was just judged, for the first time or again. To be called within the event's turn:
 * an end mark that comes to stand afterwards finds no warrant that is made later. A warrant lives `seconds`.
 */
export async function warranted(
  outcome: Decided,
  { key, clock }: { key: Pick<RoleKey, 'keyid' | 'privateKey'>; clock: Clock },
  seconds = WARRANT_SECONDS,
): Promise<IssueOutcome> {
  if (outcome.outcome === 'refused') return outcome;
  return { ...outcome, warrant: await mintWarrant(outcome.signed.intent, key, clock.now(), seconds) };
}
