import { deliveredDataSchema, isAbout, MAX_DELIVERED_TO, type Asking, type Delivered } from '../../domain/delivery.js';
import type { DeliveredData } from '../../domain/delivery.js';
import type { EntryPayload, Receipt } from '../../domain/entry.js';
import { eventIdSchema, instant } from '../../domain/identifiers.js';
import type { DsseEnvelope } from '../../domain/intent.js';
import type { RegisterTasks } from '../../domain/tasks.js';
import { sha256Hex } from '../../proofs/canonical-json.js';
import { signReceipt } from '../../proofs/receipt.js';
import { lockEvent } from './append.js';
import { keepAuditLines } from './audit-lines.js';
import type { Sql } from './database.js';
import { payloadIn } from './entry-payload.js';
import type { TimeOf } from './fallback-notices.js';
import type { RegisterHoldings } from './holdings.js';
import { chain, heldTransitions, insertEntries, tailAfter } from './ledger-rows.js';
import type { ClaimedNotice } from './notice-queue.js';

/** Writes into an open event's ledger that a channel took a notice, in the transaction that records the attempt. */
export type KeepDelivery = (
  tx: Sql,
  claimed: ClaimedNotice,
  delivery: { status: number | null; nowMs: number },
) => Promise<void>;

/** What the notifier needs to prove deliveries by: the ledger, and the time in a ceremony. */
export interface DeliveryLedger {
  keep: KeepDelivery;
  /** Epoch milliseconds. */
  timeIn: (eventId: string) => Promise<number>;
}

/** `timeOf` is the time in a ceremony on a server that skips time. */
export function deliveryLedger(holdings: RegisterHoldings, timeOf: TimeOf | null): DeliveryLedger {
  return {
    keep: (tx, claimed, delivery) => keep(tx, holdings, claimed, delivery),
    timeIn: async (eventId) =>
      (timeOf === null ? null : await timeOf(eventId).catch(() => null)) ?? holdings.clock.now(),
  };
}

async function keep(
  tx: Sql,
  holdings: RegisterHoldings,
  claimed: ClaimedNotice,
  { status, nowMs }: { status: number | null; nowMs: number },
): Promise<void> {
  const { receipt: asked, event_id, channel } = claimed;
  if (asked === null || !(asked.channels?.includes(channel) ?? true)) return;
  const row = await lockEvent(tx, event_id);
  if (row?.open !== true) return;
  const entries = entriesOf(claimed, asked, status, nowMs);
  const held = await heldTransitions(
    tx,
    event_id,
    entries.map(({ transition }) => transition),
  );
  const fresh = entries.filter(({ transition }) => !held.has(transition));
  if (fresh.length === 0) return;
  const before = { head: row.ledger_head, count: row.ledger_count };
  const chained = chain(
    before,
    fresh.map((entry) => ({ receipt: signReceipt(entry, holdings.key), entry })),
  );
  const { head, count } = tailAfter(before, chained);
  await insertEntries(tx, event_id, chained);
  await tx.query('UPDATE register.events SET ledger_head = $2, ledger_count = $3 WHERE event_id = $1', [
    event_id,
    head,
    count,
  ]);
  await keepAuditLines(tx, holdings, event_id, chained);
}

function entriesOf(
  { notice_id, id, type, event_id, channel, body, to }: ClaimedNotice,
  { people, request_digest, round, extension_digest }: NonNullable<ClaimedNotice['receipt']>,
  status: number | null,
  nowMs: number,
): EntryPayload[] {
  const about = { notice_id: id, notice: type, channel, status, body_sha256: sha256Hex(body) };
  const lots = Array.from({ length: Math.ceil(people.length / MAX_DELIVERED_TO) }, (_, index) => index);
  return lots.map((index) => {
    const lot = <T>(all: readonly T[]): T[] => all.slice(index * MAX_DELIVERED_TO, (index + 1) * MAX_DELIVERED_TO);
    const asked = { request_digest, round, extension_digest };
    const data: DeliveredData = deliveredDataSchema.parse({ ...about, ...asked, people: lot(people), to: lot(to) });
    const transition = `delivered/${notice_id}/${channel}${index === 0 ? '' : `/${index + 1}`}`;
    return { schema: 'reseal.entry.v1', event_id, transition, type: 'delivered', at: instant(nowMs), data };
  });
}

interface DeliveredRow extends Record<string, unknown> {
  transition: string;
  body: string;
}

/** For each person the first receipt that they were asked this; nothing of those who were not reached yet. */
export function deliveriesTask({ database }: RegisterHoldings): RegisterTasks['deliveries'] {
  return async ({ event_id, people, request_digest, round, extension_digest }) => {
    const rows = await database.query<DeliveredRow>(
      `SELECT transition, body FROM register.entries WHERE event_id = $1 AND type = 'delivered' ORDER BY seq`,
      [eventIdSchema.parse(event_id)],
    );
    const asked: Asking = { request_digest, round, extension_digest };
    const missing = new Set(people);
    const found: Delivered[] = [];
    for (const { transition, body } of rows) {
      const delivered = deliveredIn(transition, JSON.parse(body) as DsseEnvelope);
      if (delivered === undefined || !isAbout(delivered, asked)) continue;
      const reached = delivered.people.filter((person) => missing.delete(person));
      if (reached.length > 0) found.push(delivered);
    }
    return found;
  };
}

function deliveredIn(transition: string, envelope: DsseEnvelope): Delivered | undefined {
  const { at, data } = payloadIn(envelope);
  const said = deliveredDataSchema.safeParse(data);
  if (!said.success) return undefined;
  const { people, request_digest, round, extension_digest } = said.data;
  const receipt: Receipt = { transition, envelope };
  return { receipt, people, at, request_digest, round, extension_digest };
}
