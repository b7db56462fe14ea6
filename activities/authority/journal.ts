import type { Receipt } from '../../domain/entry.js';
import type { SignedIntent } from '../../domain/intent.js';
import type { Evidence } from '../../domain/tasks.js';
import type { Sql } from '../register/database.js';

/** An intent as the journal keeps it: what was signed, byte for byte, and the evidence it was issued on. */
export interface JournalIntent {
  signed: SignedIntent;
  evidence: Evidence;
  evidence_digest: string;
  receipt: Receipt;
}

/** An end mark as the journal keeps it. */
export interface JournalMark {
  cause: string;
  receipt: Receipt;
}

/**
 * Takes the event's turn until the transaction ends, so that issue and mark are decided one after the other. An advisory
 * lock, because locking a row needs the right to change it, and the journal's role has none.
 */
export async function takeTurn(tx: Sql, eventId: string): Promise<void> {
  await tx.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`authority/${eventId}`]);
}

/** The intents of an event in the order of their rounds: the grant's first, then one an extension. */
export async function readIntents(sql: Sql, eventId: string): Promise<JournalIntent[]> {
  const rows = await sql.query<{ signed: string; evidence: string; evidence_digest: string; receipt: string }>(
    'SELECT signed, evidence, evidence_digest, receipt FROM authority.intents WHERE event_id = $1 ORDER BY round',
    [eventId],
  );
  return rows.map((row) => ({
    signed: JSON.parse(row.signed) as SignedIntent,
    evidence: JSON.parse(row.evidence) as Evidence,
    evidence_digest: row.evidence_digest,
    receipt: JSON.parse(row.receipt) as Receipt,
  }));
}

/** The latest of them. */
export const readIntent = async (sql: Sql, eventId: string): Promise<JournalIntent | undefined> =>
  (await readIntents(sql, eventId)).at(-1);

export async function writeIntent(tx: Sql, { signed, evidence, receipt }: JournalIntent): Promise<void> {
  const { event_id, round, issued_at, deadline, evidence_digest } = signed.intent;
  await tx.query(
    `INSERT INTO authority.intents (event_id, round, issued_at, deadline, evidence_digest, signed, evidence, receipt)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [
      event_id,
      round,
      issued_at,
      deadline,
      evidence_digest,
      JSON.stringify(signed),
      JSON.stringify(evidence),
      JSON.stringify(receipt),
    ],
  );
}

export async function readMark(sql: Sql, eventId: string): Promise<JournalMark | undefined> {
  const [row] = await sql.query<{ cause: string; receipt: string }>(
    'SELECT cause, receipt FROM authority.end_marks WHERE event_id = $1',
    [eventId],
  );
  return row && { cause: row.cause, receipt: JSON.parse(row.receipt) as Receipt };
}

/** `at` is RFC 3339 UTC. */
export async function writeMark(
  tx: Sql,
  mark: { eventId: string; cause: string; by: string | null; at: string; receipt: Receipt },
): Promise<void> {
  await tx.query(
    'INSERT INTO authority.end_marks (event_id, cause, marked_by, marked_at, receipt) VALUES ($1, $2, $3, $4, $5)',
    [mark.eventId, mark.cause, mark.by, mark.at, JSON.stringify(mark.receipt)],
  );
}
