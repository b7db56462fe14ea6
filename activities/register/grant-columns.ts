import { z } from 'zod';

import type { EntryPayload } from '../../domain/entry.js';
import { instant } from '../../domain/identifiers.js';
import { DEFAULT_REVIEW_AFTER_SECONDS } from '../../domain/policy.js';
import { QUORUM_KINDS, type QuorumKind } from '../../domain/quorum.js';
import type { Sql } from './database.js';

/** What the authority's entry says of the grant. Entries of earlier versions name no quorum: theirs were full. */
const intentData = z.object({
  signed: z.object({
    intent: z.object({ issued_at: z.string(), quorum: z.enum(QUORUM_KINDS).default('full') }),
  }),
});

/** The grant and the review that it owes, as the row keeps them. Times are RFC 3339 UTC. */
interface GrantColumns extends Record<string, unknown> {
  granted_at: string | null;
  quorum: QuorumKind | null;
  review_owed: string | null;
}

/**
 * Brings the row's grant up to the entries that were just appended, under the row's lock. What was granted without a full
 * quorum owes a review from its end on, by the register's own clock: the end itself is anybody's word, and so is its time.
 */
export async function updateGrant(
  tx: Sql,
  eventId: string,
  { entries, open, nowMs }: { entries: readonly EntryPayload[]; open: boolean; nowMs: number },
): Promise<void> {
  const entry = entries.find(({ type }) => type === 'intent');
  const intent = entry === undefined ? undefined : intentData.safeParse(entry.data).data?.signed.intent;
  if (intent === undefined && !entries.some(({ transition }) => transition === 'ended')) return;
  const [row] = await tx.query<GrantColumns>(
    `UPDATE register.events SET granted_at = coalesce(granted_at, $2), quorum = coalesce(quorum, $3)
       WHERE event_id = $1 RETURNING granted_at, quorum, review_owed`,
    [eventId, intent?.issued_at ?? null, intent?.quorum ?? null],
  );
  const owes = row?.quorum === 'fallback' || row?.quorum === 'immediate';
  if (open || !owes || row.review_owed !== null) return;
  await tx.query('UPDATE register.events SET review_owed = $2, review_overdue_at = $3 WHERE event_id = $1', [
    eventId,
    instant(nowMs),
    instant(nowMs + (await reviewAfter(tx, eventId)) * 1000),
  ]);
}

/** Seconds, by the policy under which it was granted. */
async function reviewAfter(tx: Sql, eventId: string): Promise<number> {
  const [row] = await tx.query<{ document: string }>(
    'SELECT document FROM register.policies JOIN register.events ON digest = policy_digest WHERE event_id = $1',
    [eventId],
  );
  const { review_after } = JSON.parse(row?.document ?? '{}') as { review_after?: number };
  return review_after ?? DEFAULT_REVIEW_AFTER_SECONDS;
}
