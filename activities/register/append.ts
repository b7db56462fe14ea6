import { isEnd, type End } from '../../domain/ceremony-state.js';
import {
  entryPayloadSchema,
  TOLD_ENTRIES,
  type EntryPayload,
  type OutboxItem,
  type Receipt,
} from '../../domain/entry.js';
import { eventIdSchema } from '../../domain/identifiers.js';
import type { RegisterTasks } from '../../domain/tasks.js';
import type { CeremonyView } from '../../domain/view.js';
import { ApplicationFailure } from '@temporalio/common';
import { z } from 'zod';
import { readEntry, signReceipt } from '../../proofs/receipt.js';
import { keepAuditLines } from './audit-lines.js';
import { sealBundle } from './bundles.js';
import type { Sql } from './database.js';
import { noticeEntries } from './entry-notices.js';
import { updateGrant } from './grant-columns.js';
import type { Log, RegisterHoldings } from './holdings.js';
import { withinBounds } from './job-entries.js';
import {
  chain,
  heldTransitions,
  insertEntries,
  tailAfter,
  type LedgerTail,
  type ProvenReceipt,
} from './ledger-rows.js';
import { ceremonyViewSchema, mergeView } from './view-schema.js';

interface LockedRow extends Record<string, unknown> {
  ledger_head: string;
  ledger_count: number;
  view: string;
  view_seq: number;
  open: boolean;
}

/**
 * Appends what the ledger does not hold yet: one transaction under the event's row lock. The items are anybody's bytes: a
 * receipt whose signer the register does not know, whose role may not say it, or that belongs elsewhere, is refused and
 * logged, and answered as `refused`; a draft becomes an entry that the register signs, and only where it is something that a
 * ceremony tells of itself.
 *
 * The count is of all entries the ledger holds. `missing` are those of `held` that it does not: then nothing is appended. Throws the non-retryable failure `event_unknown` for an event that was
 * never admitted.
 */
export function appending(holdings: RegisterHoldings): RegisterTasks['append'] {
  return async ({ event_id, items, view, held }) => {
    const eventId = eventIdSchema.parse(event_id);
    const { proven, unsigned } = prove(eventId, items, holdings);
    const told = ceremonyViewSchema.safeParse(view);
    if (!told.success || told.data.event_id !== eventId) holdings.log('view_refused', { event_id: eventId });
    const known = told.success && told.data.event_id === eventId ? told.data : undefined;
    const believed = heldSchema.parse(held);
    const { tell, ...answer } = await holdings.database.transaction(async (tx) => {
      const [missing, refused] = [await lacking(tx, eventId, believed), await lacking(tx, eventId, unsigned)];
      // What is missing came before these, and the order of a ledger is part of what it proves.
      if (missing.length > 0) return { ...(await nothing(tx, eventId)), missing };
      const appended = await append(tx, holdings, eventId, proven, known);
      return { ...appended, ...(refused.length === 0 ? {} : { refused }) };
    });
    tell(holdings.log);
    return answer;
  };
}

/** Transitions that a ceremony takes for held: anybody's words. */
const heldSchema = z.array(z.string().max(120)).max(512).catch([]);

const lacking = async (tx: Sql, eventId: string, transitions: readonly string[]): Promise<string[]> => {
  if (transitions.length === 0) return [];
  const there = await heldTransitions(tx, eventId, transitions);
  return transitions.filter((transition) => !there.has(transition)).slice(0, 512);
};

async function nothing(tx: Sql, eventId: string): Promise<{ count: number; tell: (log: Log) => void }> {
  const row = await lockedEvent(tx, eventId);
  return { count: row.ledger_count, tell: () => undefined };
}

/** `unsigned`: transitions of what came as a role's word, and is not its word on this event. */
function prove(
  eventId: string,
  items: readonly OutboxItem[],
  holdings: RegisterHoldings,
): { proven: ProvenReceipt[]; unsigned: string[] } {
  const proven = new Map<string, ProvenReceipt>();
  const unsigned = new Set<string>();
  for (const item of items) {
    const read = 'draft' in item ? recordTold(eventId, item.draft, holdings) : readReceipt(eventId, item, holdings);
    const code = !read.ok ? read.code : read.proven.entry.transition === item.transition ? undefined : 'transition';
    if (read.ok && code === undefined) {
      if (!proven.has(item.transition)) proven.set(item.transition, read.proven);
      continue;
    }
    holdings.log('receipt_refused', { event_id: eventId, code });
    if (!('draft' in item)) unsigned.add(String(item.transition).slice(0, 120));
  }
  return { proven: [...proven.values()], unsigned: [...unsigned] };
}

type Proven = { ok: true; proven: ProvenReceipt } | { ok: false; code: string };

function readReceipt(eventId: string, receipt: Receipt, { roleKeys }: RegisterHoldings): Proven {
  const read = readEntry(receipt.envelope, eventId, roleKeys);
  return read.ok ? { ok: true, proven: { receipt, entry: read.entry } } : { ok: false, code: read.code };
}

/** What a workflow tells is anybody's word: the register's signature says that it was told so, and when it was drawn up. */
function recordTold(eventId: string, draft: unknown, { key }: RegisterHoldings): Proven {
  const parsed = entryPayloadSchema.safeParse(draft);
  if (!parsed.success) return { ok: false, code: 'entry_malformed' };
  if (parsed.data.event_id !== eventId) return { ok: false, code: 'entry_event' };
  const { type, transition } = parsed.data;
  if (!TOLD_ENTRIES.has(type)) return { ok: false, code: 'entry_role' };
  // Each transition stands once: nobody may take up the one that another role's word will come under.
  if (transition !== type && !transition.startsWith(`${type}/`)) return { ok: false, code: 'transition' };
  return { ok: true, proven: { receipt: signReceipt(parsed.data, key), entry: parsed.data } };
}

async function append(
  tx: Sql,
  holdings: RegisterHoldings,
  eventId: string,
  proven: readonly ProvenReceipt[],
  view: CeremonyView | undefined,
): Promise<{ count: number; tell: (log: Log) => void }> {
  const row = await lockedEvent(tx, eventId);
  const held = await heldTransitions(
    tx,
    eventId,
    proven.map(({ receipt }) => receipt.transition),
  );
  const unheld = proven.filter(({ receipt }) => !held.has(receipt.transition));
  const falseEnd = await falseEndIn(tx, eventId, unheld);
  if (falseEnd !== undefined) holdings.log('receipt_refused', { event_id: eventId, code: 'intent_stands' });
  const { kept: fresh, dropped } = await withinBounds(
    tx,
    eventId,
    unheld.filter((one) => one !== falseEnd),
  );
  if (dropped > 0) holdings.log('receipt_refused', { event_id: eventId, code: 'too_many', dropped });
  const before = { head: row.ledger_head, count: row.ledger_count };
  const chained = chain(before, fresh);
  const tail = tailAfter(before, chained);
  await insertEntries(tx, eventId, chained);
  const entries = fresh.map(({ entry }) => entry);
  // How far the ledger was when this view was drawn: an attempt that comes late brings only what is held, and an old view.
  const drawnAt = fresh.length > 0 ? tail.count : Math.max(0, ...held.values());
  const open = await updateRow(tx, eventId, row, {
    tail,
    entries,
    view: falseEnd === undefined ? view : undefined,
    drawnAt,
  });
  await updateGrant(tx, eventId, { entries, open, nowMs: holdings.clock.now() });
  const tell = await noticeEntries(tx, holdings, eventId, entries);
  const mayBeOver = !row.open || entries.some(({ transition }) => transition === 'ended');
  if (fresh.length > 0 && mayBeOver) await sealIfEnded(tx, holdings, eventId);
  await keepAuditLines(tx, holdings, eventId, chained);
  return { count: tail.count, tell };
}

const ENDS_WITHOUT_INTENT: ReadonlySet<unknown> = new Set<End>(['refused', 'denied', 'cancelled', 'unapproved']);

/**
 * An end that says nothing was ever issued, while the journal holds an intent: a run that was reset, or whose history was
 * tampered with, knows no better. The row stays open, so that the reconciler reseals and ends the ledger truly.
 */
async function falseEndIn(
  tx: Sql,
  eventId: string,
  fresh: readonly ProvenReceipt[],
): Promise<ProvenReceipt | undefined> {
  const ended = fresh.find(({ entry }) => entry.transition === 'ended' && ENDS_WITHOUT_INTENT.has(entry.data.end));
  if (ended === undefined) return undefined;
  const intents = await tx.query('SELECT 1 AS found FROM authority.intents WHERE event_id = $1', [eventId]);
  return intents.length > 0 ? ended : undefined;
}

async function lockedEvent(tx: Sql, eventId: string): Promise<LockedRow> {
  const row = await lockEvent(tx, eventId);
  if (row !== undefined) return row;
  throw ApplicationFailure.nonRetryable(`event ${eventId} was never admitted`, 'event_unknown');
}

/** The event's row, held until the transaction ends. */
export async function lockEvent(tx: Sql, eventId: string): Promise<LockedRow | undefined> {
  const [row] = await tx.query<LockedRow>(
    'SELECT ledger_head, ledger_count, view, view_seq, open FROM register.events WHERE event_id = $1 FOR UPDATE',
    [eventId],
  );
  return row;
}

/**
 * Brings the row up to the ledger, and answers whether it is open. What closes it is a signed entry, never a view, and a
 * closed row never opens again.
 */
export async function updateRow(
  tx: Sql,
  eventId: string,
  row: LockedRow,
  change: { tail: LedgerTail; entries: readonly EntryPayload[]; view: CeremonyView | undefined; drawnAt: number },
): Promise<boolean> {
  const { tail, entries, view, drawnAt } = change;
  const open = row.open && !entries.some(({ transition }) => transition === 'ended');
  const kept = JSON.parse(row.view) as CeremonyView;
  const isOlder = drawnAt < row.view_seq;
  const reopens = view !== undefined && isEnd(kept.state) && !isEnd(view.state);
  const shown = view === undefined || isOlder || reopens ? kept : mergeView(kept, view);
  await tx.query(
    `UPDATE register.events SET ledger_head = $2, ledger_count = $3, open = $4, state = $5, status = $6, flags = $7,
       activated_at = $8, expires_at = $9, ended_at = $10, view = $11, view_seq = $12 WHERE event_id = $1`,
    [
      eventId,
      tail.head,
      tail.count,
      open,
      shown.state,
      shown.status,
      shown.flags,
      shown.activated_at,
      shown.expires_at,
      shown.ended_at,
      JSON.stringify(shown),
      Math.max(row.view_seq, drawnAt),
    ],
  );
  return open;
}

/** Once the ledger holds its end there is a bundle of it, sealed in the transaction that brought the last entry. */
export async function sealIfEnded(tx: Sql, holdings: RegisterHoldings, eventId: string): Promise<void> {
  const held = await heldTransitions(tx, eventId, ['ended', 'audited']);
  if (!held.has('ended')) return;
  await sealBundle(tx, holdings, eventId, held.has('audited') ? 'audited' : 'confirmed');
}
