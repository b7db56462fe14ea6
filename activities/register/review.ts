import type { EntryPayload } from '../../domain/entry.js';
import { eventIdSchema, instant } from '../../domain/identifiers.js';
import type { Request } from '../../domain/request.js';
import { REVIEW_REFUSALS, reviewObjection, type ReviewOutcome, type ReviewRefusal } from '../../domain/review.js';
import { requestStatementSchema, signedStatementSchema, type SignedStatement } from '../../domain/statement.js';
import type { RegisterTasks } from '../../domain/tasks.js';
import { signReceipt } from '../../proofs/receipt.js';
import { checkReviewStatement, type CheckedReview } from '../../proofs/review-check.js';
import { keepAuditLines } from './audit-lines.js';
import { sealIfEnded } from './append.js';
import type { Sql } from './database.js';
import { noticeEntries } from './entry-notices.js';
import type { RegisterHoldings } from './holdings.js';
import { chain, entryOf, insertEntries, tailAfter } from './ledger-rows.js';

type Checked = Extract<CheckedReview, { ok: true }>;

/**
 * Records a review: one transaction under the event's row lock. The envelope is anybody's bytes: never throws for them, a
 * review that does not count is answered with why. The same statement again has the answer of the first time.
 */
export function reviewing(holdings: RegisterHoldings): RegisterTasks['review'] {
  return async ({ event_id, envelope }) => {
    const eventId = eventIdSchema.safeParse(event_id);
    if (!eventId.success) return refused('event_unknown');
    const checked = checkReviewStatement(envelope, holdings.roster());
    if (!checked.ok) return refused(checked.code);
    return holdings.database.transaction((tx) => review(tx, holdings, { eventId: eventId.data, envelope, checked }));
  };
}

interface ReviewRow extends Record<string, unknown> {
  request_digest: string;
  policy_digest: string;
  ledger_head: string;
  ledger_count: number;
  open: boolean;
  granted: boolean;
  confirmed: boolean;
}

/** One review as it came, and what its bytes say. */
interface Spoken {
  eventId: string;
  envelope: SignedStatement;
  checked: Checked;
}

async function review(tx: Sql, holdings: RegisterHoldings, spoken: Spoken): Promise<ReviewOutcome> {
  const { eventId, checked } = spoken;
  const row = await lockForReview(tx, eventId);
  if (row === undefined) return refused('event_unknown');
  const before = await entryOf(tx, eventId, 'reviewed');
  if (before?.data.digest === checked.digest) return { outcome: 'reviewed', at: before.at, by: checked.person.id };
  const nowMs = holdings.clock.now();
  const { request_digest, policy_digest } = row;
  const of = { event_id: eventId, request: await requestOf(tx, eventId), request_digest, policy_digest };
  const objection = reviewObjection(of, checked.statement, checked.person, nowMs) ?? stateRefusal(row);
  if (objection !== undefined) return refused(objection);
  if (before !== undefined) return refused('already_reviewed');
  return record(tx, holdings, row, { ...spoken, nowMs });
}

/** An end is anybody's word as long as the verifier has not confirmed that nothing stands. */
function stateRefusal({ open, granted, confirmed }: ReviewRow): ReviewRefusal | undefined {
  if (open) return 'not_ended';
  if (!granted) return 'never_granted';
  return confirmed ? undefined : 'not_ended';
}

async function lockForReview(tx: Sql, eventId: string): Promise<ReviewRow | undefined> {
  const [row] = await tx.query<ReviewRow>(
    `SELECT request_digest, policy_digest, ledger_head, ledger_count, open,
       granted_at IS NOT NULL OR EXISTS (SELECT 1 FROM authority.intents WHERE event_id = $1) AS granted,
       EXISTS (SELECT 1 FROM register.entries WHERE event_id = $1 AND type = 'confirmed') AS confirmed
       FROM register.events WHERE event_id = $1 FOR UPDATE`,
    [eventId],
  );
  return row;
}

/** The request that was admitted, from the ledger's first entry. */
async function requestOf(tx: Sql, eventId: string): Promise<Request> {
  const { payload } = signedStatementSchema.parse((await entryOf(tx, eventId, 'request'))?.data.statement);
  return requestStatementSchema.parse(JSON.parse(payload)).request;
}

async function record(
  tx: Sql,
  holdings: RegisterHoldings,
  row: ReviewRow,
  { eventId, envelope, checked, nowMs }: Spoken & { nowMs: number },
): Promise<ReviewOutcome> {
  const at = instant(nowMs);
  const { person, method, digest } = checked;
  const entry: EntryPayload = {
    schema: 'reseal.entry.v1',
    event_id: eventId,
    transition: 'reviewed',
    type: 'reviewed',
    at,
    data: { statement: envelope, person: person.id, method, digest },
  };
  const before = { head: row.ledger_head, count: row.ledger_count };
  const chained = chain(before, [{ receipt: signReceipt(entry, holdings.key), entry }]);
  const { head, count } = tailAfter(before, chained);
  await insertEntries(tx, eventId, chained);
  await tx.query(
    `UPDATE register.events SET ledger_head = $2, ledger_count = $3, reviewed_at = $4, reviewed_by = $5
       WHERE event_id = $1`,
    [eventId, head, count, at, person.id],
  );
  await noticeEntries(tx, holdings, eventId, [entry]);
  await sealIfEnded(tx, holdings, eventId);
  await keepAuditLines(tx, holdings, eventId, chained);
  return { outcome: 'reviewed', at, by: person.id };
}

const refused = (code: ReviewRefusal): ReviewOutcome => ({ outcome: 'refused', code, message: REVIEW_REFUSALS[code] });
