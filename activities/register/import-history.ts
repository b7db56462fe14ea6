import { ApplicationFailure } from '@temporalio/common';
import {
  aLineReport,
  importBatchSchema,
  type HistoryTasks,
  type ImportBatch,
  type ImportReport,
} from '../../domain/imported-history.js';
import { instant } from '../../domain/identifiers.js';
import type { SentinelLogEntry } from '../../domain/sentinel.js';
import { readSentinelLine, type SentinelLine } from '../../proofs/sentinel-signed-entry.js';
import { keepNoteLine } from './audit-lines.js';
import type { Sql } from './database.js';
import type { RegisterHoldings } from './holdings.js';

/** What importing needs besides what writes an audit line. */
export interface ImportHoldings extends Pick<RegisterHoldings, 'database' | 'key' | 'clock' | 'roster'> {
  /** The HMAC secrets of Sentinel's logs by key id, from the register role's own settings. Secret. */
  importKeys: () => Promise<ReadonlyMap<string, Uint8Array>>;
}

interface History {
  line: SentinelLine;
  entry: SentinelLogEntry;
}

/**
 * Imports lines of Sentinel's signed audit log: one transaction, idempotent by what was signed. The batch is anybody's
 * bytes, whoever verified it before: each line is verified here, with keys that the sender has no say in.
 *
 * Throws the non-retryable failure `invalid_input` for what is no batch.
 */
export function historyImport(holdings: ImportHoldings): HistoryTasks['importHistory'] {
  return async (input) => {
    const parsed = importBatchSchema.safeParse(input);
    if (!parsed.success) throw ApplicationFailure.nonRetryable('expected a batch of lines', 'invalid_input');
    const batch = parsed.data;
    const { report, history } = verify(batch, await holdings.importKeys());
    return holdings.database.transaction((tx) => keep(tx, holdings, batch, { ...report }, history));
  };
}

function verify(
  { lines }: ImportBatch,
  keys: ReadonlyMap<string, Uint8Array>,
): { report: ImportReport; history: (History & { number: number })[] } {
  const report: ImportReport = { lines: lines.length, imported: 0, duplicates: 0, passed_over: [], refused: [] };
  const history: (History & { number: number })[] = [];
  for (const { line: number, text } of lines) {
    const verdict = readSentinelLine(Buffer.from(text, 'utf8'), (keyId) => keys.get(keyId));
    if (!verdict.ok) report.refused.push(aLineReport(number, verdict.code, verdict.message));
    else if (verdict.line.entry === null) report.passed_over.push(aLineReport(number, 'other_entry', OTHER_ENTRY));
    else history.push({ number, line: verdict.line, entry: verdict.line.entry });
  }
  return { report, history };
}

const OTHER_ENTRY = 'signed, and no break-glass entry';
const OWN_EVENT = 'an event of this register: its ledger says more';

async function keep(
  tx: Sql,
  holdings: ImportHoldings,
  { dry_run, skip_invalid }: ImportBatch,
  report: ImportReport,
  found: readonly (History & { number: number })[],
): Promise<ImportReport> {
  const own = await ownEvents(tx, found);
  const passed_over = [...report.passed_over];
  for (const { number, entry } of found) {
    if (own.has(entry.event_id)) passed_over.push(aLineReport(number, 'own_event', OWN_EVENT));
  }
  passed_over.sort((a, b) => a.line - b.line);
  const history = found.filter(({ entry }) => !own.has(entry.event_id));
  if (report.refused.length > 0 && !skip_invalid) return { ...report, passed_over };
  const imported = dry_run ? await countNew(tx, history) : await insert(tx, holdings, history);
  return { ...report, passed_over, imported, duplicates: history.length - imported };
}

async function ownEvents(tx: Sql, history: readonly History[]): Promise<Set<string>> {
  const rows = await tx.query<{ event_id: string }>(
    'SELECT event_id FROM register.events WHERE event_id = ANY ($1::text[])',
    [history.map(({ entry }) => entry.event_id)],
  );
  return new Set(rows.map(({ event_id }) => event_id));
}

async function countNew(tx: Sql, history: readonly History[]): Promise<number> {
  const digests = new Set(history.map(({ line }) => line.digest));
  const rows = await tx.query<{ digest: string }>(
    'SELECT digest FROM register.imported_events WHERE digest = ANY ($1::text[])',
    [[...digests]],
  );
  return digests.size - rows.length;
}

async function insert(tx: Sql, holdings: ImportHoldings, history: readonly History[]): Promise<number> {
  if (history.length === 0) return 0;
  const rows = await tx.query(
    `INSERT INTO register.imported_events
       (digest, source, key_id, event_id, event, at, invoker, profile, expires_at, line, imported_at)
     SELECT digest, 'sentinel', key_id, event_id, event, at, invoker, profile, expires_at, line, $10
     FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::text[], $7::text[],
       $8::timestamptz[], $9::text[])
       AS rows (digest, key_id, event_id, event, at, invoker, profile, expires_at, line)
     ON CONFLICT DO NOTHING RETURNING digest`,
    [
      history.map(({ line }) => line.digest),
      history.map(({ line }) => line.key_id),
      history.map(({ entry }) => entry.event_id),
      history.map(({ entry }) => entry.event),
      history.map(({ entry }) => entry.timestamp),
      history.map(({ entry }) => entry.invoker.toLowerCase()),
      history.map(({ entry }) => entry.profile),
      history.map(({ entry }) => entry.expires_at),
      history.map(({ line }) => line.text),
      instant(holdings.clock.now()),
    ],
  );
  const key_ids = [...new Set(history.map(({ line }) => line.key_id))].sort().join(' ');
  const details = { source: 'sentinel', key_ids: key_ids.slice(0, 1000), lines: history.length, imported: rows.length };
  if (rows.length > 0) await keepNoteLine(tx, holdings, 'reseal.imported', details);
  return rows.length;
}
