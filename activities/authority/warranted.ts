import type { IssueOutcome } from '../../domain/outcomes.js';
import { WARRANT_SECONDS } from '../../domain/warrant.js';
import type { RoleKey } from '../../proofs/role-key.js';
import { mintWarrant } from '../../proofs/warrant.js';
import type { Clock } from '../clock.js';
import type { InForce } from '../in-force.js';

/** What the authority decides, before it gives a warrant. */
export type Decided = Omit<Extract<IssueOutcome, { outcome: 'issued' }>, 'warrant'> | Refused;
export type Refused = Extract<IssueOutcome, { outcome: 'refused' }>;

/** What a warrant is made from. */
export interface WarrantHoldings extends Pick<InForce, 'carrying'> {
  readonly key: Pick<RoleKey, 'keyid' | 'privateKey'>;
  readonly clock: Clock;
}

/**
 * Adds a fresh warrant to an intent that was just judged, for the first time or again; it lives as long as the contract
 * says that people signed. To be called within the event's turn: an end mark that comes to stand afterwards finds no
 * warrant that is made later.
 */
export async function warranted(outcome: Decided, holdings: WarrantHoldings): Promise<IssueOutcome> {
  if (outcome.outcome === 'refused') return outcome;
  const { intent } = outcome.signed;
  const nowMs = holdings.clock.now();
  const under = holdings.carrying(intent.policy_digest, nowMs);
  const seconds = under.ok ? under.contract.token_ttl : WARRANT_SECONDS;
  return { ...outcome, warrant: await mintWarrant(intent, holdings.key, nowMs, seconds) };
}
