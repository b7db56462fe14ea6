import type { NoticeAttempt, NoticeDelivery, NoticeView } from '../../domain/notice-view.js';
import type { NoticeType } from '../../domain/notices.js';
import type { Sql } from './database.js';
import { noticeId } from './notice-queue.js';

interface NoticeRow extends Record<string, unknown> {
  id: number;
  type: NoticeType;
  noticed_at: string;
  channel: string | null;
  state: NoticeDelivery['state'];
  due_at: string;
  attempts: NoticeAttempt[];
}

const NOTICES = `
SELECT notices.id, type, noticed_at, delivery.channel, state, due_at, coalesce((
    SELECT json_agg(json_build_object('attempt', attempt, 'at', at, 'code', code, 'status', status) ORDER BY attempt)
      FROM register.notice_attempts WHERE notice_id = notices.id AND notice_attempts.channel = delivery.channel
  ), '[]'::json) AS attempts
  FROM register.notices LEFT JOIN register.notice_deliveries AS delivery ON delivery.notice_id = notices.id
 WHERE event_id = $1 ORDER BY notices.id, delivery.channel`;

/** What people were told of an event, in the order in which it was recorded; empty where nobody was to be told anything. */
export async function noticesOf(sql: Sql, eventId: string): Promise<NoticeView[]> {
  const rows = await sql.query<NoticeRow>(NOTICES, [eventId]);
  const views = new Map<number, NoticeView>();
  for (const { id, type, noticed_at, channel, state, due_at, attempts } of rows) {
    const view = views.get(id) ?? { id: noticeId(eventId, id), type, at: noticed_at, deliveries: [] };
    views.set(id, view);
    if (channel === null) continue;
    const told = attempts.map((one) => ({ ...one, at: new Date(one.at).toISOString() }));
    view.deliveries.push({ channel, state, attempts: told, next_at: state === 'waiting' ? due_at : null });
  }
  return [...views.values()];
}
