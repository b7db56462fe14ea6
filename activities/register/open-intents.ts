import type { EntryPayload } from '../../domain/entry.js';
import { eventIdSchema, instant } from '../../domain/identifiers.js';
import type { CeremonyView } from '../../domain/view.js';
import { signReceipt } from '../../proofs/receipt.js';
import { keepAuditLines } from './audit-lines.js';
import { lockEvent, sealIfEnded, updateRow } from './append.js';
import type { Sql } from './database.js';
import { noticeEntries } from './entry-notices.js';
import type { RegisterHoldings } from './holdings.js';
import { chain, insertEntries, tailAfter } from './ledger-rows.js';

/** An event that is not over as far as the register and the authority's journal know. */
export interface OpenIntent {
  event_id: string;
  /** Whether the journal holds an intent for it: then something may stand. */
  intent: boolean;
  /** The ledger says that it has ended, and the verifier never said that it is gone: somebody else answered for the verifier. */
  unproven: boolean;
}

/** What the reconciler asks and does. */
export interface OpenIntents {
  /**
   * Oldest first, at most 1,000: intents with nothing that confirms their end or, before their deadline, marks it, and open rows
   * that have no intent.
   */
  unended(): Promise<OpenIntent[]>;
  /** Closes the row of an event that never had an intent and whose workflow is gone; any other row is left alone. */
  closeRow(eventId: string, reason: string): Promise<void>;
}

/**
 * Last but one: what ended before its deadline without the authority's end mark in the ledger. Until then the authority would
 * give another warrant for it, so a ceremony that somebody told of a mark which nobody made is taken up again.
 */
const UNENDED = `
SELECT intents.event_id, true AS intent, coalesce(NOT events.open, false) AS unproven, intents.issued_at AS since
  FROM authority.intents
  LEFT JOIN register.events USING (event_id)
  WHERE events.event_id IS NULL OR events.open OR NOT EXISTS (
    SELECT 1 FROM register.entries WHERE entries.event_id = intents.event_id AND entries.type = 'confirmed')
UNION ALL
SELECT intents.event_id, true, false, min(intents.issued_at) FROM authority.intents JOIN register.events USING (event_id)
  WHERE NOT events.open AND EXISTS (
    SELECT 1 FROM register.entries WHERE entries.event_id = intents.event_id AND entries.type = 'confirmed')
  AND NOT EXISTS (SELECT 1 FROM register.entries WHERE entries.event_id = intents.event_id AND entries.type = 'end_mark')
  GROUP BY intents.event_id, events.ended_at
  HAVING max(intents.deadline) > greatest(events.ended_at, $1::timestamptz)
UNION ALL
SELECT events.event_id, false, false, events.admitted_at FROM register.events
  WHERE events.open AND NOT EXISTS (SELECT 1 FROM authority.intents WHERE intents.event_id = events.event_id)
ORDER BY since LIMIT 1000`;

/** Reads the authority's journal beside the register's rows: both schemas, and a role that may read both. */
export function openIntents(holdings: RegisterHoldings): OpenIntents {
  return {
    async unended() {
      const rows = await holdings.database.query<OpenIntent & Record<string, unknown>>(UNENDED, [
        instant(holdings.clock.now()),
      ]);
      return rows.map(({ event_id, intent, unproven }) => ({ event_id, intent, unproven }));
    },
    closeRow: (eventId, reason) =>
      holdings.database.transaction((tx) => closeRow(tx, holdings, eventIdSchema.parse(eventId), reason)),
  };
}

async function closeRow(tx: Sql, holdings: RegisterHoldings, eventId: string, reason: string): Promise<void> {
  const row = await lockEvent(tx, eventId);
  const intents = await tx.query('SELECT 1 AS found FROM authority.intents WHERE event_id = $1', [eventId]);
  if (row?.open !== true || intents.length > 0) return;
  const at = instant(holdings.clock.now());
  const entry: EntryPayload = {
    schema: 'reseal.entry.v1',
    event_id: eventId,
    // The transition of any other end, so that a workflow that comes back after all cannot end it twice.
    transition: 'ended',
    type: 'refused',
    at,
    data: { end: 'cancelled', cause: 'workflow_lost', by: null, reason: reason.slice(0, 200) },
  };
  const before = { head: row.ledger_head, count: row.ledger_count };
  const chained = chain(before, [{ receipt: signReceipt(entry, holdings.key), entry }]);
  const tail = tailAfter(before, chained);
  await insertEntries(tx, eventId, chained);
  const kept = JSON.parse(row.view) as CeremonyView;
  const view: CeremonyView = {
    ...kept,
    state: 'cancelled',
    status: null,
    cause: 'workflow_lost',
    ended_at: at,
    next_at: null,
  };
  await updateRow(tx, eventId, row, { tail, entries: [entry], view, drawnAt: tail.count });
  await noticeEntries(tx, holdings, eventId, [entry]);
  await sealIfEnded(tx, holdings, eventId);
  await keepAuditLines(tx, holdings, eventId, chained);
}
