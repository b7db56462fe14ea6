import type { DeliveryAsked, Notice } from '../../domain/notice-facts.js';
import { noticePayload, type NoticeSubject } from '../../domain/notice-payload.js';
import { MOST_ATTEMPTS, RETRY_AFTER_SECONDS } from '../../domain/notice-retries.js';
import type { NoticeType } from '../../domain/notices.js';
import type { Database } from './database.js';
import type { DeliveryLedger } from './delivery-receipts.js';

/** Longer than any attempt takes: the claim of a process that died is free again after it. */
const CLAIM_SECONDS = 60;
/** How long another process may take to come that knows a channel which this one does not. */
const ORPHAN_SECONDS = 1800;

/** One message to send on one channel, for the `attempt`-th time. `body` is the same in every attempt. */
export interface ClaimedNotice {
  notice_id: number;
  channel: string;
  attempt: number;
  /** Never contains a full stop: receivers verify `id.timestamp.body`. */
  id: string;
  type: NoticeType;
  event_id: string;
  summary: string;
  body: string;
  /** UPNs of those whom it asks or tells. */
  to: string[];
  /** What a receipt of its delivery will say; null where nobody wants one. */
  receipt: DeliveryAsked | null;
}

/** What came of an attempt. `retry_after` is in seconds, where the receiver named one; `final` says never to try again. */
export interface AttemptOutcome {
  code: string | null;
  status: number | null;
  retry_after?: number;
  final?: boolean;
}

/** The deliveries that are due: claimed by one process at a time, sent outside of any transaction, and recorded. */
export interface NoticeQueue {
  claim(channel: string, most: number): Promise<ClaimedNotice[]>;
  /** Resolves with what the delivery is now. */
  record(claimed: ClaimedNotice, outcome: AttemptOutcome): Promise<'delivered' | 'waiting' | 'dead'>;
  /** Gives up what no process can send: channels that nobody knows, and claims that died with the last attempt. */
  bury(known: readonly string[]): Promise<{ event_id: string; type: string; channel: string; code: string }[]>;
}

interface ClaimedRow extends Record<string, unknown> {
  notice_id: number;
  event_id: string;
  type: NoticeType;
  transition: string;
  noticed_at: string;
  facts: string;
  about: string | null;
  run_id: string | null;
  attempts: number;
}

/** `ledger` keeps the receipts that a policy wants of deliveries. `historyOf` is the address of a ceremony's history in Temporal's Web UI, or null where nobody knows it. */
export function noticeQueue(
  database: Database,
  historyOf: (eventId: string, runId: string) => string | null,
  ledger: DeliveryLedger | null = null,
): NoticeQueue {
  return {
    async claim(channel, most) {
      const rows = await database.query<ClaimedRow>(CLAIM, [channel, most, CLAIM_SECONDS]);
      return rows.map((row) => claimed(row, channel, historyOf));
    },
    async record(claimed, outcome) {
      const { notice_id, channel, attempt, event_id } = claimed;
      const { code, status, retry_after = 0, final = false } = outcome;
      const wait = RETRY_AFTER_SECONDS[attempt - 1];
      const state = code === null ? 'delivered' : wait === undefined || final ? 'dead' : 'waiting';
      // Interrupted by our own end: nothing was wrong with the receiver, and whoever starts next goes on at once.
      const seconds = code === 'interrupted' ? 0 : Math.max(wait ?? 0, Math.min(retry_after, 1200));
      const row = [notice_id, channel, attempt, code, status, state, seconds];
      if (state !== 'delivered' || claimed.receipt === null || ledger === null) {
        await database.query(RECORD, row);
        return state;
      }
      // The time of the receipt is after the channel's answer, never before it.
      const nowMs = await ledger.timeIn(event_id);
      await database.transaction(async (tx) => {
        await ledger.keep(tx, claimed, { status, nowMs });
        await tx.query(RECORD, row);
      });
      return state;
    },
    bury: (known) => database.query(BURY, [known, ORPHAN_SECONDS, MOST_ATTEMPTS]),
  };
}

const CLAIM = `
WITH due AS (
  SELECT notice_id, channel FROM register.notice_deliveries
   WHERE channel = $1 AND state = 'waiting' AND due_at <= clock_timestamp() AND attempts < ${MOST_ATTEMPTS}
   ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED),
claimed AS (
  UPDATE register.notice_deliveries AS delivery
     SET attempts = delivery.attempts + 1, due_at = clock_timestamp() + make_interval(secs => $3)
    FROM due WHERE delivery.notice_id = due.notice_id AND delivery.channel = due.channel
  RETURNING delivery.notice_id, delivery.attempts)
SELECT claimed.notice_id, claimed.attempts, notices.event_id, notices.type, notices.transition, notices.noticed_at,
       notices.facts, coalesce(notices.about, events.view) AS about, events.run_id
  FROM claimed JOIN register.notices ON notices.id = claimed.notice_id
  LEFT JOIN register.events ON events.event_id = notices.event_id
 ORDER BY claimed.notice_id`;

/** An attempt that outlived its claim still says that it arrived; anything else it says is the next one's to say. */
const RECORD = `
WITH attempted AS (
  INSERT INTO register.notice_attempts (notice_id, channel, attempt, code, status) VALUES ($1, $2, $3, $4, $5)
  ON CONFLICT DO NOTHING)
UPDATE register.notice_deliveries SET state = $6, due_at = clock_timestamp() + make_interval(secs => $7)
 WHERE notice_id = $1 AND channel = $2 AND ((state = 'waiting' AND attempts = $3) OR $6 = 'delivered')`;

const BURY = `
WITH lost AS (
  SELECT notice_id, channel, attempts,
         CASE WHEN channel = ANY ($1::text[]) THEN 'interrupted' ELSE 'channel_missing' END AS code
    FROM register.notice_deliveries JOIN register.notices ON notices.id = notice_id
   WHERE state = 'waiting' AND due_at <= clock_timestamp()
     AND CASE WHEN channel = ANY ($1::text[]) THEN attempts >= $3
              ELSE recorded_at < clock_timestamp() - make_interval(secs => $2) END
   LIMIT 100 FOR UPDATE OF notice_deliveries SKIP LOCKED),
attempted AS (
  INSERT INTO register.notice_attempts (notice_id, channel, attempt, code)
  SELECT notice_id, channel, attempts + 1, code FROM lost ON CONFLICT DO NOTHING),
buried AS (
  UPDATE register.notice_deliveries AS delivery SET state = 'dead'
    FROM lost WHERE delivery.notice_id = lost.notice_id AND delivery.channel = lost.channel)
SELECT event_id, type, channel, lost.code FROM lost JOIN register.notices ON notices.id = lost.notice_id`;

/** Names and words of an event that cannot be read any more: it is told all the same. */
const UNKNOWN: Omit<NoticeSubject, 'event_id'> = {
  profile: null,
  role: null,
  directory_scope_id: null,
  invoker: null,
  principal: null,
  reason_code: null,
  justification: null,
  ticket: null,
  request_digest: null,
};

function claimed(
  row: ClaimedRow,
  channel: string,
  historyOf: (eventId: string, runId: string) => string | null,
): ClaimedNotice {
  const { notice_id, event_id, type, transition, noticed_at: at, run_id } = row;
  const id = noticeId(event_id, notice_id);
  const notice = { type, transition, at, facts: JSON.parse(row.facts) as object } as Notice;
  const about = { ...UNKNOWN, ...(JSON.parse(row.about ?? '{}') as Partial<NoticeSubject>), event_id };
  const ui_url = run_id === null ? null : historyOf(event_id, run_id);
  const payload = noticePayload(notice, about, { id, ui_url });
  const { summary, to } = payload;
  const receipt = 'receipt' in notice.facts ? (notice.facts.receipt ?? null) : null;
  const body = JSON.stringify(payload);
  return { notice_id, channel, attempt: row.attempts, id, type, event_id, summary, body, to, receipt };
}

export const noticeId = (eventId: string, noticeRow: number): string => `notice_${eventId}_${noticeRow}`;
