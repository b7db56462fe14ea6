import type { Entry } from '../../../domain/entry.js';
import { entryPayloadSchema } from '../../../domain/entry.js';
import { parseDsseEnvelope } from '../../../proofs/dsse.js';
import { verifyLedger } from '../../../proofs/ledger.js';
import { readEntry } from '../../../proofs/receipt.js';
import { parseCanonicalJson } from '../../../proofs/strict-json.js';
import type { Trust } from '../../../proofs/trust.js';
import { EXIT } from '../../api/exit-status.js';
import { oneLine } from '../printable.js';
import { columns, structured } from '../render.js';
import type { Session } from '../session.js';
import { readTrust } from '../trust-file.js';
import { checkedEventId } from '../chosen-event.js';

/** `reseal ledger show EVENT`: what the entries say, unverified. */
export async function showLedger(session: Session, event: string): Promise<number> {
  const id = checkedEventId(event);
  const entries = await (await session.api()).ledger(id);
  session.data(
    (await structured(session.output, entries)) ??
      columns(['SEQ', 'AT', 'ENTRY', 'HASH', 'SAYS'], entries.map(row), { widest: 72 }),
  );
  session.next(`reseal ledger verify ${id}`);
  return EXIT.done;
}

function row(entry: Entry): string[] {
  const envelope = parseDsseEnvelope(entry.body);
  const json = envelope.ok ? parseCanonicalJson(envelope.payload) : undefined;
  const payload = json?.ok === true ? entryPayloadSchema.safeParse(json.value) : undefined;
  const hash = entry.ledger_hash.slice(0, 12);
  if (payload?.success !== true) return [String(entry.seq), '', 'unreadable', hash, ''];
  const { at, transition, data } = payload.data;
  const says = Object.entries(data)
    .filter(([, value]) => ['string', 'number', 'boolean'].includes(typeof value))
    .map(([name, value]) => `${name}=${String(value)}`)
    .join(' ');
  return [String(entry.seq), at, oneLine(transition), hash, oneLine(says)];
}

interface LedgerReport {
  ok: boolean;
  event_id: string;
  count: number;
  head: string | null;
  faults: { seq: number; code: string; message: string }[];
}

/** `reseal ledger verify EVENT`: order, hashes, and the signature of each entry by a role that may make it. */
export async function verifyLedgerOf(session: Session, event: string, trustFlag: string | undefined): Promise<number> {
  const id = checkedEventId(event);
  const trust = (await readTrust(session, trustFlag)).trust;
  const entries = await (await session.api()).ledger(id);
  const report = reportOn(id, entries, trust);
  const text = await structured(session.output, report);
  if (text !== undefined) session.data(text);
  else if (report.ok) session.data(`ok: ${report.count} entries, head ${report.head ?? ''}`);
  else
    for (const { seq, code, message } of report.faults)
      session.data(`entry ${seq}: ${code}${message === '' ? '' : `: ${oneLine(message)}`}`);
  if (report.ok)
    session.say('that no entry was cut off its end, only a bundle or a checkpoint over this head can show');
  return report.ok ? EXIT.done : EXIT.unverified;
}

function reportOn(eventId: string, entries: readonly Entry[], trust: Trust): LedgerReport {
  const chain = verifyLedger(eventId, entries);
  const faults: LedgerReport['faults'] = [];
  if (!chain.ok) faults.push({ seq: chain.at, code: chain.reason, message: chain.detail ?? '' });
  for (const [index, entry] of entries.entries()) {
    const read = readEntry((entry as { body?: unknown } | null)?.body, eventId, trust.keyOf);
    if (!read.ok) faults.push({ seq: index + 1, code: read.code, message: read.message });
  }
  const head = chain.ok ? chain.head : null;
  return { ok: faults.length === 0, event_id: eventId, count: entries.length, head, faults };
}
