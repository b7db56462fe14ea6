import { digestOf, sha256Hex } from './canonical-json.js';
import { parseDsseEnvelope, type DsseEnvelope } from './dsse.js';

/** One entry of a ceremony's ledger: ordered by the register, signed by the role that made it. */
export interface LedgerEntry {
  /** 1, 2, 3, … without gaps. */
  seq: number;
  /** Lower-case hex; the genesis hash for the first entry. */
  prev_ledger_hash: string;
  /** Lower-case hex SHA-256 of the RFC 8785 form of `{seq, prev_ledger_hash, body}`. */
  ledger_hash: string;
  body: DsseEnvelope;
}

/** Why a ledger was refused. */
export type LedgerReason = 'malformed' | 'too_long' | 'out_of_order' | 'gap' | 'prev_mismatch' | 'hash_mismatch';

/**
 * Verdict on a ledger. `at` is the sequence number that should have stood where the first fault is: the entry at
 * index `at - 1`; 0 means the ledger as a whole.
 */
export type LedgerVerdict =
  | { ok: true; /** `ledger_hash` of the last entry, or the genesis hash. */ head: string; count: number }
  | { ok: false; reason: LedgerReason; at: number; detail?: string };

const MAX_ENTRIES = 65_536;
const HEX_SHA256 = /^[0-9a-f]{64}$/;

/** What the first entry of an event's ledger points at, so that no ledger can be passed off as another event's. */
export function genesisLedgerHash(eventId: string): string {
  return sha256Hex(`reseal-ledger-v1:${eventId}`);
}

/** Makes the entry that follows `prev_ledger_hash`. */
export function ledgerEntry(input: { seq: number; prev_ledger_hash: string; body: DsseEnvelope }): LedgerEntry {
  const { seq, prev_ledger_hash, body } = input;
  return { seq, prev_ledger_hash, ledger_hash: digestOf({ seq, prev_ledger_hash, body }), body };
}

/**
 * Verifies order and hashes of a whole ledger, from its genesis on.
 *
 * The entries are attacker-controlled: never throws. Unknown members are refused, since no hash covers them. The
 * bodies' signatures are for `verifyDsse`, and that the tail was not cut off only a checkpoint over `head` and
 * `count` can show.
 */
export function verifyLedger(eventId: string, entries: unknown): LedgerVerdict {
  if (!Array.isArray(entries)) return { ok: false, reason: 'malformed', at: 0, detail: 'not an array' };
  if (entries.length > MAX_ENTRIES) return { ok: false, reason: 'too_long', at: 0 };
  let head = genesisLedgerHash(eventId);
  let count = 0;
  for (const candidate of entries as unknown[]) {
    const at = count + 1;
    const entry = parseEntry(candidate);
    if (typeof entry === 'string') return { ok: false, reason: 'malformed', at, detail: entry };
    if (entry.seq < at) return { ok: false, reason: 'out_of_order', at, detail: `found ${entry.seq}` };
    if (entry.seq > at) return { ok: false, reason: 'gap', at, detail: `found ${entry.seq}` };
    if (entry.prev_ledger_hash !== head) return { ok: false, reason: 'prev_mismatch', at };
    if (ledgerEntry(entry).ledger_hash !== entry.ledger_hash) return { ok: false, reason: 'hash_mismatch', at };
    head = entry.ledger_hash;
    count = at;
  }
  return { ok: true, head, count };
}

/** The entry, or what is wrong with it. */
function parseEntry(candidate: unknown): LedgerEntry | string {
  if (typeof candidate !== 'object' || candidate === null) return 'entry is not an object';
  const { seq, prev_ledger_hash, ledger_hash, body, ...unknown } = candidate as Record<string, unknown>;
  if (Object.keys(unknown).length > 0) return 'unknown member';
  if (typeof seq !== 'number' || !Number.isSafeInteger(seq)) return 'seq';
  if (typeof prev_ledger_hash !== 'string' || !HEX_SHA256.test(prev_ledger_hash)) return 'prev_ledger_hash';
  if (typeof ledger_hash !== 'string' || !HEX_SHA256.test(ledger_hash)) return 'ledger_hash';
  const envelope = parseDsseEnvelope(body);
  if (!envelope.ok) return `body: ${envelope.detail ?? envelope.reason}`;
  return { seq, prev_ledger_hash, ledger_hash, body: envelope.envelope };
}
