import type { KeyObject } from 'node:crypto';

import { ATTEMPT_PAYLOAD_TYPE, attemptSchema, type Attempt } from '../domain/attempt.js';
import { canonicalJson, sha256Hex } from './canonical-json.js';
import { signDsse, verifyDsse } from './dsse.js';
import { linesOf } from './lines.js';
import type { RoleKeys } from './receipt.js';
import { parseCanonicalJson } from './strict-json.js';

/** What the first line of a ledger of attempts follows. */
export const FIRST_ATTEMPT_HASH = sha256Hex('');

/** One line, without its newline: the RFC 8785 form of a DSSE envelope by the role that refused. */
export function attemptLine(attempt: Attempt, key: { keyid: string; privateKey: KeyObject }): string {
  const payload = Buffer.from(canonicalJson(attempt), 'utf8');
  return canonicalJson(signDsse({ payloadType: ATTEMPT_PAYLOAD_TYPE, payload, key }));
}

/** What a line is chained by: lower-case hex SHA-256 of its text. */
export const attemptHash = (line: string): string => sha256Hex(line);

/** Verdict on a ledger of attempts. `attempts` are those of lines that verify. */
export interface AttemptsReport {
  ok: boolean;
  count: number;
  /** Hash of the last line, null where there is none. */
  head: string | null;
  attempts: Attempt[];
  faults: { line: number; message: string }[];
}

/**
 * Verifies a ledger of attempts: each line is signed by the role that it names, and follows the one before. That lines at
 * its end are missing, it cannot show. The bytes are attacker-controlled: never throws.
 */
export function verifyAttempts(bytes: Uint8Array, keys: RoleKeys): AttemptsReport {
  const lines = [...linesOf(bytes)].map((line) => Buffer.from(line).toString('utf8'));
  const report: AttemptsReport = { ok: true, count: lines.length, head: null, attempts: [], faults: [] };
  let previous = FIRST_ATTEMPT_HASH;
  for (const [index, line] of lines.entries()) {
    const read = readAttempt(line, keys);
    const wrong = typeof read === 'string' ? read : faultOf(read, index + 1, previous);
    if (wrong !== undefined) report.faults.push({ line: index + 1, message: wrong });
    if (typeof read !== 'string') report.attempts.push(read);
    previous = attemptHash(line);
    report.head = previous;
  }
  return { ...report, ok: report.faults.length === 0 };
}

function faultOf({ seq, prev_hash }: Attempt, expected: number, previous: string): string | undefined {
  if (seq !== expected) return `it is line ${seq} of its ledger`;
  return prev_hash === previous ? undefined : 'it does not follow the line before';
}

function readAttempt(line: string, keys: RoleKeys): Attempt | string {
  const json = parseCanonicalJson(Buffer.from(line, 'utf8'));
  if (!json.ok) return json.reason;
  const verified = verifyDsse(json.value, {
    payloadType: ATTEMPT_PAYLOAD_TYPE,
    keys: (keyid) => keys(keyid)?.publicKey,
  });
  if (!verified.ok) return verified.reason;
  const payload = parseCanonicalJson(verified.payload);
  const parsed = payload.ok ? attemptSchema.safeParse(payload.value) : undefined;
  if (parsed?.success !== true) return 'not an attempt';
  const signer = keys(verified.keyids[0] ?? '');
  return signer?.role === parsed.data.role ? parsed.data : `${parsed.data.role} did not sign it`;
}
