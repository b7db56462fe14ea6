import { codeOf, isPressing, type Notice } from '../../domain/notice-facts.js';
import type { NoticeSubject } from '../../domain/notice-payload.js';
import { channelsFor, type NoticeRoute } from '../../domain/notices.js';
import type { Sql } from './database.js';
import type { Log, RegisterHoldings } from './holdings.js';

/** Anybody who can write to the namespace can have a ceremony tell things of itself: so many of one type are told. */
const MOST_OF_A_TYPE = 64;
/** A person's refused requests that are told within an hour. The rest are in the register all the same. */
const MOST_REFUSED_AN_HOUR = 10;

/** Whose a notice is where the event has no row: a refused request. */
export interface Rowless {
  person: string;
  about: NoticeSubject;
}

/**
 * Writes what the policy's channels want to hear of, in the caller's transaction: a notice that was written twice is told
 * once. Answers how to log the pressing ones after the commit. Nothing is sent here, and nothing that a ceremony says can
 * make it fail.
 */
export async function keepNotices(
  tx: Sql,
  { policy }: Pick<RegisterHoldings, 'policy'>,
  eventId: string,
  notices: readonly Notice[],
  rowless: Rowless | null = null,
): Promise<(log: Log) => void> {
  const routes = policy().policy.notices ?? [];
  const wanted = notices.filter((notice) => isPressing(notice) || channelsFor(routes, notice.type).length > 0);
  if (wanted.length > 0) await insert(tx, eventId, wanted, { routes, rowless });
  const pressing = notices.filter(isPressing);
  return (log) => {
    for (const notice of pressing) {
      log('notice', { event_id: eventId, code: codeOf(notice), transition: notice.transition, at: notice.at });
    }
  };
}

/** The policy in force has a channel for this. */
export const isTold = ({ policy }: Pick<RegisterHoldings, 'policy'>, type: Notice['type']): boolean =>
  channelsFor(policy().policy.notices ?? [], type).length > 0;

async function insert(
  tx: Sql,
  eventId: string,
  notices: readonly Notice[],
  { routes, rowless }: { routes: readonly NoticeRoute[]; rowless: Rowless | null },
): Promise<void> {
  const types = [...new Set(notices.map(({ type }) => type))];
  const goes = types.flatMap((type) => channelsFor(routes, type).map((channel) => ({ type, channel })));
  await tx.query(
    `WITH fresh AS (
       INSERT INTO register.notices (event_id, transition, type, code, facts, noticed_at, about, person)
       SELECT $1, told.*, $7, $8
         FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[])
           AS told (transition, type, code, facts, noticed_at)
        WHERE (SELECT count(*) FROM register.notices AS before
                WHERE before.event_id = $1 AND before.type = told.type) < ${MOST_OF_A_TYPE}
          AND ($8::text IS NULL OR (SELECT count(*) FROM register.notices AS before
                WHERE before.person = $8 AND before.recorded_at > clock_timestamp() - interval '1 hour') < ${MOST_REFUSED_AN_HOUR})
       ON CONFLICT (event_id, transition) DO NOTHING
       RETURNING id, type)
     INSERT INTO register.notice_deliveries (notice_id, channel)
     SELECT fresh.id, goes.channel FROM fresh JOIN unnest($9::text[], $10::text[]) AS goes (type, channel) USING (type)`,
    [
      eventId,
      notices.map(({ transition }) => transition),
      notices.map(({ type }) => type),
      notices.map((notice) => codeOf(notice).replace(/[^\w.-]/g, '?')),
      notices.map(({ facts }) => JSON.stringify(facts)),
      notices.map(({ at }) => at),
      rowless && JSON.stringify({ ...rowless.about, justification: null }),
      rowless && rowless.person,
      goes.map(({ type }) => type),
      goes.map(({ channel }) => channel),
    ],
  );
}
