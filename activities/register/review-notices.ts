import { instant } from '../../domain/identifiers.js';
import type { Notice } from '../../domain/notice-facts.js';
import type { QuorumKind } from '../../domain/quorum.js';
import type { Sql } from './database.js';
import type { RegisterHoldings } from './holdings.js';
import { isTold, keepNotices } from './notices.js';

interface ReviewRow extends Record<string, unknown> {
  event_id: string;
  quorum: QuorumKind;
  review_owed: string;
  review_overdue_at: string;
}

const untold = (type: string, condition: string): string => `
SELECT event_id, quorum, review_owed, review_overdue_at FROM register.events
 WHERE review_owed IS NOT NULL AND reviewed_at IS NULL AND ${condition} AND NOT EXISTS (
   SELECT 1 FROM register.notices WHERE notices.event_id = events.event_id AND notices.transition = '${type}')
 ORDER BY review_overdue_at LIMIT 100`;

/** What is to be written of reviews that are owed or overdue, and told to nobody yet. */
export async function owedReviews(holdings: RegisterHoldings): Promise<((tx: Sql) => Promise<unknown>)[]> {
  const writes: ((tx: Sql) => Promise<unknown>)[] = [];
  for (const type of ['review_owed', 'review_overdue'] as const) {
    if (!isTold(holdings, type)) continue;
    const now = instant(holdings.clock.now());
    const rows = await (type === 'review_owed'
      ? holdings.database.query<ReviewRow>(untold(type, 'true'))
      : holdings.database.query<ReviewRow>(untold(type, 'review_overdue_at <= $1'), [now]));
    writes.push(...rows.map((row) => (tx: Sql) => keepNotices(tx, holdings, row.event_id, [noticeOf(type, row)])));
  }
  return writes;
}

function noticeOf(
  type: 'review_owed' | 'review_overdue',
  { quorum, review_owed, review_overdue_at }: ReviewRow,
): Notice {
  return type === 'review_owed'
    ? { type, transition: type, at: review_owed, facts: { quorum, review_by: review_overdue_at } }
    : { type, transition: type, at: review_overdue_at, facts: { owed_since: review_owed } };
}
