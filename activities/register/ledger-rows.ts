import { entryPayloadSchema, type Entry, type EntryPayload, type Receipt } from '../../domain/entry.js';
import type { DsseEnvelope } from '../../domain/intent.js';
import { genesisLedgerHash, ledgerEntry } from '../../proofs/ledger.js';
import type { Sql } from './database.js';

/** A receipt whose signature and role were checked, with what it says. */
export interface ProvenReceipt {
  receipt: Receipt;
  entry: EntryPayload;
}

/** Where a ledger stands: the hash its next entry points at, and how many entries it has. */
export interface LedgerTail {
  head: string;
  count: number;
}

/** The tail of a ledger that has no entry yet. */
export const emptyLedger = (eventId: string): LedgerTail => ({ head: genesisLedgerHash(eventId), count: 0 });

/** An entry in its place, with what it says. */
export interface ChainedEntry {
  entry: Entry;
  payload: EntryPayload;
}

/** The receipts as the entries that follow the tail, in their order. */
export function chain(tail: LedgerTail, receipts: readonly ProvenReceipt[]): ChainedEntry[] {
  let prev_ledger_hash = tail.head;
  return receipts.map(({ receipt, entry: payload }, index) => {
    const entry = ledgerEntry({ seq: tail.count + index + 1, prev_ledger_hash, body: receipt.envelope });
    prev_ledger_hash = entry.ledger_hash;
    return { entry, payload };
  });
}

/** Where the ledger stands after these entries. */
export function tailAfter(tail: LedgerTail, chained: readonly ChainedEntry[]): LedgerTail {
  const last = chained.at(-1)?.entry;
  return last === undefined ? tail : { head: last.ledger_hash, count: last.seq };
}

/**
 * Writes chained entries. The caller's transaction holds the event's row, or made it: nobody else appends meanwhile, and
 * the unique constraints refuse whoever tries.
 */
export async function insertEntries(tx: Sql, eventId: string, chained: readonly ChainedEntry[]): Promise<void> {
  if (chained.length === 0) return;
  await tx.query(
    `INSERT INTO register.entries (event_id, seq, transition, type, prev_ledger_hash, ledger_hash, body)
     SELECT $1, * FROM unnest($2::integer[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])`,
    [
      eventId,
      chained.map(({ entry }) => entry.seq),
      chained.map(({ payload }) => payload.transition),
      chained.map(({ payload }) => payload.type),
      chained.map(({ entry }) => entry.prev_ledger_hash),
      chained.map(({ entry }) => entry.ledger_hash),
      chained.map(({ entry }) => JSON.stringify(entry.body)),
    ],
  );
}

/** Which of these transitions the ledger holds, with their sequence numbers. */
export async function heldTransitions(
  tx: Sql,
  eventId: string,
  transitions: readonly string[],
): Promise<Map<string, number>> {
  const rows = await tx.query<{ transition: string; seq: number }>(
    'SELECT transition, seq FROM register.entries WHERE event_id = $1 AND transition = ANY ($2::text[])',
    [eventId, transitions],
  );
  return new Map(rows.map(({ transition, seq }) => [transition, seq]));
}

/** What one entry of the ledger says; its signature was checked when it came in. */
export async function entryOf(tx: Sql, eventId: string, transition: string): Promise<EntryPayload | undefined> {
  const [row] = await tx.query<{ body: string }>(
    'SELECT body FROM register.entries WHERE event_id = $1 AND transition = $2',
    [eventId, transition],
  );
  if (row === undefined) return undefined;
  const { payload } = JSON.parse(row.body) as DsseEnvelope;
  return entryPayloadSchema.parse(JSON.parse(Buffer.from(payload, 'base64').toString('utf8')));
}

interface LedgerRow extends Record<string, unknown> {
  seq: number;
  prev_ledger_hash: string;
  ledger_hash: string;
  body: string;
}

/** The whole ledger of an event, in order; empty when there is none. */
export async function ledgerRows(sql: Sql, eventId: string): Promise<Entry[]> {
  const rows = await sql.query<LedgerRow>(
    'SELECT seq, prev_ledger_hash, ledger_hash, body FROM register.entries WHERE event_id = $1 ORDER BY seq',
    [eventId],
  );
  return rows.map((row) => ({ ...row, body: JSON.parse(row.body) as DsseEnvelope }));
}
