import { z } from 'zod';

import type { Receipt } from '../domain/entry.js';
import { digestSchema } from '../domain/identifiers.js';
import type { Intent } from '../domain/intent.js';
import { digestOf } from './canonical-json.js';
import { readEntry, type RoleKeys } from './receipt.js';

/** The provider said that it ended the very assignment that was made under the intent, in this round of the removal. */
const removedData = z.object({
  outcome: z.literal('removed'),
  word: z.literal('revoked'),
  intent_digest: digestSchema,
});

/** Every call of the activity was answered, and none of the answers can become a grant. */
const refusedData = z.object({ clean: z.literal(true), run_id: z.string().min(1), intent_digest: digestSchema });

/** About what a receipt must speak: the intent, the round of its removal, and the run (Temporal's id) that asks. */
export interface AskedAbout {
  intent: Intent;
  round: number;
  runId: string;
}

/**
 * Whether the role that granted has signed that no call of its can take effect any more: a removal in the provider's own words,
 * or a refusal of the grant to the same run. A refusal to another run is none: anybody who writes to the namespace can have the
 * role refuse something while the call of the ceremony is still on its way.
 *
 * The receipts are attacker-controlled: never throws.
 */
export function isNothingOnItsWay(shown: unknown, { intent, round, runId }: AskedAbout, keys: RoleKeys): boolean {
  if (!Array.isArray(shown)) return false;
  const intent_digest = digestOf(intent);
  return shown.slice(0, MAX_SHOWN).some((receipt: unknown) => {
    const read = readEntry((receipt as Partial<Receipt> | null)?.envelope, intent.event_id, keys);
    if (!read.ok) return false;
    const { type, transition, data } = read.entry;
    if (type === 'removal' && transition === `removal/${round}`) {
      const removed = removedData.safeParse(data);
      return removed.success && removed.data.intent_digest === intent_digest;
    }
    if (type !== 'not_granted') return false;
    const refused = refusedData.safeParse(data);
    return refused.success && refused.data.intent_digest === intent_digest && refused.data.run_id === runId;
  });
}

/** One of a removal and one of a refusal are all that a ceremony has to show. */
const MAX_SHOWN = 4;
