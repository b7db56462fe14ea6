import { isDeepStrictEqual } from 'node:util';

import type { Refusal } from '../../domain/refusal.js';
import type { Evidence } from '../../domain/tasks.js';
import type { JournalIntent } from './journal.js';

/**
 * Why no intent may be issued for the round that this evidence is of, or undefined: one intent a round, each follows all
 * that the journal holds, and none of an earlier round is given another warrant once it was extended.
 */
export function roundRefusal(evidence: Evidence, recorded: readonly JournalIntent[]): Refusal | undefined {
  const prior = evidence.extension?.prior ?? [];
  const round = prior.length + 1;
  if (recorded.length > round) {
    return { code: 'intent_extended', message: `round ${recorded.length} stands: this is of round ${round}` };
  }
  if (recorded.length < round - 1) {
    return { code: 'round_unknown', message: `it follows ${prior.length} intents, and ${recorded.length} stand` };
  }
  const differing = prior.findIndex((signed, index) => !isDeepStrictEqual(signed, recorded[index]?.signed));
  if (differing < 0) return undefined;
  return { code: 'evidence_differs', message: `intent ${differing + 1} is not the one that the journal holds` };
}
