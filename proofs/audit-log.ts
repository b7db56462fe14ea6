import type { KeyObject } from 'node:crypto';

import { AUDIT_PAYLOAD_TYPE, auditPayloadSchema, type AuditPayload } from '../domain/audit-line.js';
import { canonicalJson, sha256Hex } from './canonical-json.js';
import { parseDsseEnvelope, signDsse, verifyDsse, type DsseReason } from './dsse.js';
import type { RoleKeys } from './receipt.js';
import { linesOf } from './lines.js';
import { parseCanonicalJson, parseStrictJson, type CanonicalJsonResult } from './strict-json.js';

/** What the first line of a register's audit log points at. */
export const AUDIT_GENESIS = sha256Hex('reseal-audit-v1');
/** The longest line that is looked into, in bytes. */
export const MAX_AUDIT_LINE_BYTES = 128 * 1024;

/** The SHA-256 of a line: what the next one points at. */
export const auditLineHash = (line: string): string => sha256Hex(line);

/** One line of the audit log, without its line feed: the RFC 8785 form of a DSSE envelope by the register's key. */
export function signAuditLine(payload: AuditPayload, key: { keyid: string; privateKey: KeyObject }): string {
  const bytes = Buffer.from(canonicalJson(payload), 'utf8');
  return canonicalJson(signDsse({ payloadType: AUDIT_PAYLOAD_TYPE, payload: bytes, key }));
}

/** Why a line, or its place among the others, is refused. */
export type AuditLineCode =
  | 'line_too_large'
  | Extract<CanonicalJsonResult, { ok: false }>['reason']
  | DsseReason
  | 'signer_unknown'
  | 'signer_role'
  | 'payload_malformed'
  | 'genesis_mismatch'
  | 'prev_mismatch'
  | 'out_of_order'
  | 'gap'
  | 'empty';

/** Verdict on one line by itself. */
export type AuditLineVerdict =
  { ok: true; payload: AuditPayload } | { ok: false; code: AuditLineCode; message: string };

/** Verifies one line by itself: its one form, its signature by a register's key, its shape. Attacker-controlled: never throws. */
export function readAuditLine(bytes: Uint8Array, keys: RoleKeys): AuditLineVerdict {
  const refused = (code: AuditLineCode, message: string): AuditLineVerdict => ({ ok: false, code, message });
  if (bytes.length > MAX_AUDIT_LINE_BYTES) return refused('line_too_large', `more than ${MAX_AUDIT_LINE_BYTES} bytes`);
  const json = parseCanonicalJson(bytes, { maxBytes: MAX_AUDIT_LINE_BYTES, maxDepth: 8 });
  if (!json.ok) return refused(json.reason, json.detail ?? 'not one line of the log as it was written');
  const verdict = verifyDsse(json.value, { payloadType: AUDIT_PAYLOAD_TYPE, keys: (keyid) => keys(keyid)?.publicKey });
  if (!verdict.ok) {
    const code = verdict.reason === 'threshold_not_met' ? 'signer_unknown' : verdict.reason;
    return refused(code, verdict.detail ?? 'the envelope does not verify');
  }
  const [keyid] = verdict.keyids;
  const role = keyid === undefined ? undefined : keys(keyid)?.role;
  const { signatures } = json.value as { signatures?: unknown[] };
  if (signatures?.length !== 1) return refused('envelope_malformed', 'expected exactly one signature');
  if (role !== 'register') return refused('signer_role', `the log is the register's, this is signed by ${role ?? '?'}`);
  const payload = parseCanonicalJson(verdict.payload);
  const parsed = payload.ok ? auditPayloadSchema.safeParse(payload.value) : undefined;
  if (parsed?.success === true) return { ok: true, payload: parsed.data };
  const issue = parsed?.error.issues[0];
  return refused(
    'payload_malformed',
    `${issue?.path.join('.') ?? 'payload'}: ${issue?.message ?? 'not canonical JSON'}`,
  );
}

/** What a line says, whoever signed it: for showing, and for whoever has verified it before. Never throws. */
export function unverifiedAuditLine(line: string): AuditPayload | undefined {
  const json = parseStrictJson(line, { maxBytes: MAX_AUDIT_LINE_BYTES, maxDepth: 8 });
  const envelope = json.ok ? parseDsseEnvelope(json.value) : undefined;
  const payload = envelope?.ok === true ? parseCanonicalJson(envelope.payload) : undefined;
  return payload?.ok === true ? auditPayloadSchema.safeParse(payload.value).data : undefined;
}

/** What became of verifying a file of audit lines. */
export interface AuditLogReport {
  ok: boolean;
  /** Lines in the file. */
  count: number;
  first_seq: number | null;
  last_seq: number | null;
  /** The SHA-256 of the last line. */
  head: string | null;
  faults: { line: number; code: AuditLineCode; message: string }[];
}

/** Verifies audit lines one after another, as a file or an answer brings them. Attacker-controlled: never throws. */
export class AuditLogReader {
  private count = 0;
  private first_seq: number | null = null;
  private last_seq: number | null = null;
  private head: string | null = null;
  /** The sequence number of the line before, where that line verifies by itself. */
  private before: number | undefined;
  private readonly faults: AuditLogReport['faults'] = [];

  constructor(private readonly keys: RoleKeys) {}

  /** Reads the next line. Undefined when it does not verify by itself; a line out of its place is a fault and is read. */
  next(line: Uint8Array): AuditPayload | undefined {
    this.count += 1;
    const verdict = readAuditLine(line, this.keys);
    const fault = verdict.ok ? placeFault(this.head, this.before, verdict.payload) : verdict;
    if (fault !== undefined) this.faults.push({ line: this.count, code: fault.code, message: fault.message });
    this.before = verdict.ok ? verdict.payload.seq : undefined;
    this.first_seq ??= this.before ?? null;
    this.last_seq = this.before ?? this.last_seq;
    this.head = sha256Hex(line);
    return verdict.ok ? verdict.payload : undefined;
  }

  report(): AuditLogReport {
    const { count, first_seq, last_seq, head, faults } = this;
    return { ok: faults.length === 0, count, first_seq, last_seq, head, faults: [...faults] };
  }
}

/**
 * Verifies a file of audit lines: each by itself, and that they follow one another without a gap. A file may begin after
 * the first line of the log and end before its last: what was before or after, it cannot show.
 *
 * The bytes are attacker-controlled: never throws.
 */
export function verifyAuditLog(bytes: Uint8Array, keys: RoleKeys): AuditLogReport {
  const reader = new AuditLogReader(keys);
  for (const line of linesOf(bytes)) reader.next(line);
  const report = reader.report();
  if (report.count > 0) return report;
  return { ...report, ok: false, faults: [{ line: 0, code: 'empty', message: 'there is no line in it' }] };
}

/** What is wrong with a line's place after those that were read. */
function placeFault(
  head: string | null,
  before: number | undefined,
  { seq, prev_hash }: AuditPayload,
): { code: AuditLineCode; message: string } | undefined {
  if (head === null) {
    if (seq !== 1 || prev_hash === AUDIT_GENESIS) return undefined;
    return { code: 'genesis_mismatch', message: 'it says that it is the first line, and points at another' };
  }
  if (before !== undefined && seq <= before) return { code: 'out_of_order', message: `seq ${seq} after ${before}` };
  if (before !== undefined && seq > before + 1) return { code: 'gap', message: `seq ${seq} after ${before}` };
  if (prev_hash !== head) return { code: 'prev_mismatch', message: 'the line before is not the one that it follows' };
  return undefined;
}
