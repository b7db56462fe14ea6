import { incidentIdSchema } from '../../../domain/incidents/incident-id.js';
import {
  INCIDENT_TOLD,
  incidentEntryPayloadSchema,
  incidentItemSchema,
  type IncidentEntryPayload,
  type IncidentReceipt,
} from '../../../domain/incidents/incident-entry.js';
import type { IncidentRegisterTasks } from '../../../domain/incidents/tasks.js';
import { incidentViewSchema, type IncidentView } from '../../../domain/incidents/view.js';
import { instant } from '../../../domain/identifiers.js';
import type { DsseEnvelope } from '../../../domain/intent.js';
import { buildIncidentBundle } from '../../../proofs/incidents/incident-bundle.js';
import { readIncidentEntry, signIncidentReceipt } from '../../../proofs/incidents/incident-receipt.js';
import { ledgerEntry } from '../../../proofs/ledger.js';
import type { Sql } from '../database.js';
import type { IncidentHoldings } from './incident-holdings.js';
import { incidentUnknown } from './incident-standing.js';

interface Proven {
  receipt: IncidentReceipt;
  entry: IncidentEntryPayload;
}
interface Row extends Record<string, unknown> {
  generation: number;
  actions: string[];
  open: boolean;
  view_seq: number;
  ledger_head: string;
  ledger_count: number;
}

/** No incident's ledger grows past this, however much is told of it; what a release rests on always has room. */
const MAX_TOLD = 4000;

/**
 * Appends what an incident's ledger does not hold yet, in one transaction under its row. Items and view are anybody's: a
 * receipt of a stranger or of the wrong role is refused and logged, a draft becomes the register's entry only where it is
 * something that a workflow tells of itself. That it is resolved is believed only where the roles' own entries show that
 * the authority let it go, each action was undone, and the host then called itself trusted: nothing told opens a latch.
 */
export function appendingIncident(holdings: IncidentHoldings): IncidentRegisterTasks['appendIncident'] {
  return async ({ incident_id, items, view }) => {
    const incidentId = incidentIdSchema.parse(incident_id);
    const proven = (Array.isArray(items) ? items : []).flatMap((item) => prove(incidentId, item, holdings) ?? []);
    const shown = incidentViewSchema.safeParse(view);
    const known = shown.success && shown.data.id === incidentId ? shown.data : undefined;
    return holdings.database.transaction((tx) => append(tx, holdings, incidentId, proven, known));
  };
}

function prove(incidentId: string, given: unknown, holdings: IncidentHoldings): Proven | undefined {
  const refuse = (code: string): undefined => {
    holdings.log('receipt_refused', { incident_id: incidentId, code });
    return undefined;
  };
  const item = incidentItemSchema.safeParse(given);
  if (!item.success) return refuse('entry_malformed');
  if ('envelope' in item.data) {
    const read = readIncidentEntry(item.data.envelope, incidentId, holdings.roleKeys);
    if (!read.ok) return refuse(read.code);
    if (read.entry.transition !== item.data.transition) return refuse('transition');
    return { receipt: item.data, entry: read.entry };
  }
  const draft = incidentEntryPayloadSchema.safeParse(item.data.draft);
  if (!draft.success || draft.data.incident_id !== incidentId) return refuse('entry_event');
  const { type, transition } = draft.data;
  if (!INCIDENT_TOLD.has(type)) return refuse('entry_role');
  if (transition !== item.data.transition) return refuse('transition');
  if (transition !== type && !transition.startsWith(`${type}/`)) return refuse('transition');
  return { receipt: signIncidentReceipt(draft.data, holdings.key), entry: draft.data };
}

async function append(
  tx: Sql,
  holdings: IncidentHoldings,
  incidentId: string,
  proven: readonly Proven[],
  view: IncidentView | undefined,
): Promise<{ count: number }> {
  const [row] = await tx.query<Row>(
    `SELECT generation, actions, open, view_seq, ledger_head, ledger_count
     FROM register.incidents WHERE incident_id = $1 FOR UPDATE`,
    [incidentId],
  );
  if (row === undefined) throw incidentUnknown(incidentId);
  const held = await heldOf(tx, incidentId);
  const known = new Set(held.map(({ transition }) => transition));
  let head = row.ledger_head;
  let count = row.ledger_count;
  let resolved = false;
  for (const { receipt, entry } of proven) {
    if (known.has(entry.transition)) continue;
    if (INCIDENT_TOLD.has(entry.type) && entry.type !== 'resolved' && count >= MAX_TOLD) continue;
    if (entry.type === 'resolved' && !isLetGo(row, held)) {
      holdings.log('receipt_refused', { incident_id: incidentId, code: 'latch_stands' });
      continue;
    }
    const made = ledgerEntry({ seq: count + 1, prev_ledger_hash: head, body: receipt.envelope });
    await tx.query(
      `INSERT INTO register.incident_entries (incident_id, seq, transition, type, prev_ledger_hash, ledger_hash, body)
       VALUES ($1, $2, $3, $4, $5, $6, $7)`,
      [
        incidentId,
        made.seq,
        entry.transition,
        entry.type,
        made.prev_ledger_hash,
        made.ledger_hash,
        JSON.stringify(made.body),
      ],
    );
    known.add(entry.transition);
    held.push({ transition: entry.transition, entry });
    head = made.ledger_hash;
    count = made.seq;
    resolved ||= entry.type === 'resolved';
  }
  const open = row.open && !resolved;
  await updateRow(tx, incidentId, { head, count, open, resolvedAt: resolved ? instant(holdings.clock.now()) : null });
  const isOlder = view === undefined || count < row.view_seq || (view.state === 'resolved') === open;
  if (!isOlder) await showView(tx, incidentId, view, count);
  if (resolved) await seal(tx, holdings, incidentId, count);
  return { count };
}

interface Held {
  transition: string;
  entry: IncidentEntryPayload;
}

/** The entries so far; their signatures were checked when they came in. */
async function heldOf(tx: Sql, incidentId: string): Promise<Held[]> {
  const rows = await tx.query<{ transition: string; body: string }>(
    'SELECT transition, body FROM register.incident_entries WHERE incident_id = $1 ORDER BY seq',
    [incidentId],
  );
  return rows.map(({ transition, body }) => {
    const { payload } = JSON.parse(body) as DsseEnvelope;
    const entry = incidentEntryPayloadSchema.parse(JSON.parse(Buffer.from(payload, 'base64').toString('utf8')));
    return { transition, entry };
  });
}

/** By the roles' own entries of the generation that stands. */
function isLetGo({ generation, actions }: Row, held: readonly Held[]): boolean {
  const of = (type: string) => held.filter(({ entry }) => entry.type === type).map(({ entry }) => entry.data);
  const issued = of('release_issued').some((data) => data['generation'] === generation);
  const undone = new Set(
    of('released')
      .filter((data) => data['generation'] === generation && data['success'] === true)
      .map((data) => data['action']),
  );
  const trusted = of('health').some((data) => data['trusted'] === true && data['generation'] === generation);
  return issued && trusted && actions.every((action) => undone.has(action));
}

async function updateRow(
  tx: Sql,
  incidentId: string,
  { head, count, open, resolvedAt }: { head: string; count: number; open: boolean; resolvedAt: string | null },
): Promise<void> {
  await tx.query(
    `UPDATE register.incidents SET ledger_head = $2, ledger_count = $3, open = $4,
       state = CASE WHEN $4 THEN state ELSE 'resolved' END, resolved_at = coalesce(resolved_at, $5::timestamptz)
     WHERE incident_id = $1`,
    [incidentId, head, count, open, resolvedAt],
  );
}

async function showView(tx: Sql, incidentId: string, view: IncidentView, count: number): Promise<void> {
  await tx.query(
    `UPDATE register.incidents SET state = $2, view = $3, view_seq = $4, settled = settled OR $5 WHERE incident_id = $1`,
    [incidentId, view.state, JSON.stringify(view), count, view.containment_binding !== null],
  );
}

async function seal(
  tx: Sql,
  { key, clock, roster }: IncidentHoldings,
  incidentId: string,
  count: number,
): Promise<void> {
  const rows = await tx.query<{ seq: number; prev_ledger_hash: string; ledger_hash: string; body: string }>(
    'SELECT seq, prev_ledger_hash, ledger_hash, body FROM register.incident_entries WHERE incident_id = $1 ORDER BY seq',
    [incidentId],
  );
  const entries = rows.map((row) => ({ ...row, body: JSON.parse(row.body) as DsseEnvelope }));
  const sealedAt = instant(clock.now());
  const bundle = buildIncidentBundle({ incidentId, sealedAt, people: roster().people, entries, key });
  await tx.query(
    `INSERT INTO register.incident_bundles (incident_id, sealed_at, ledger_count, bundle) VALUES ($1, $2, $3, $4)
     ON CONFLICT DO NOTHING`,
    [incidentId, sealedAt, count, bundle],
  );
}
