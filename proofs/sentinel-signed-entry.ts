import { createHmac, timingSafeEqual } from 'node:crypto';

import { sentinelLogEntrySchema, type SentinelLogEntry } from '../domain/sentinel.js';
import { sha256Hex } from './canonical-json.js';
import { goCompact, GoJson, goStruct } from './go-json.js';
import { rawMembers } from './raw-members.js';
import { parseStrictJson, type JsonValue, type StrictJsonReason } from './strict-json.js';

/** Sentinel takes no shorter secret. */
export const MIN_SECRET_BYTES = 32;
/** The longest line that is looked into, in bytes: an entry's texts are far shorter. */
export const MAX_LINE_BYTES = 64 * 1024;
/** No history of Sentinel's names its keys longer. */
export const KEY_ID = /^[\x21-\x7e]{1,128}$/;

/** Secret: the bytes of an HMAC key, of any key id when `key_id` is left out. */
export interface SentinelKey {
  key_id?: string;
  secret: Uint8Array;
}

/** The secret that a key file holds: its bytes, without the line break at the end of a text. Secret. */
export function secretOfFile(bytes: Uint8Array): Uint8Array {
  const text = Buffer.from(bytes).toString('latin1');
  const line = /^([\x20-\x7e]+)\r?\n$/.exec(text);
  return line?.[1] === undefined ? bytes : Buffer.from(line[1], 'latin1');
}

/** What is signed: Go's JSON of these three members, the entry as it stands in the line. */
const signedText = (entry: GoJson, timestamp: string, keyId: string): string =>
  goStruct([
    ['entry', entry],
    ['timestamp', timestamp],
    ['key_id', keyId],
  ]);

const hmac = (secret: Uint8Array, text: string): Buffer => createHmac('sha256', secret).update(text, 'utf8').digest();

/**
 * One line of Sentinel's signed audit log, without its line break: hex HMAC-SHA256 by the secret over Go's JSON of entry,
 * timestamp and key id. `entry` is Go's JSON already; `timestamp` RFC 3339.
 *
 * @throws {TypeError} for a secret of fewer than 32 bytes, or a key id that is not 1 to 128 printable ASCII characters.
 */
export function signSentinelEntry(entry: string, timestamp: string, key: Required<SentinelKey>): string {
  const { key_id, secret } = key;
  if (secret.length < MIN_SECRET_BYTES) throw new TypeError(`the secret is shorter than ${MIN_SECRET_BYTES} bytes`);
  if (!KEY_ID.test(key_id)) throw new TypeError('a key id is 1 to 128 printable ASCII characters without spaces');
  const raw = new GoJson(entry);
  const signature = hmac(secret, signedText(raw, timestamp, key_id)).toString('hex');
  return goStruct([
    ['entry', raw],
    ['signature', signature],
    ['key_id', key_id],
    ['timestamp', timestamp],
  ]);
}

/** Why a line is no history. */
export type SentinelLineCode =
  | 'line_too_large'
  | 'line_empty'
  | 'byte_order_mark'
  | 'carriage_return'
  | StrictJsonReason
  | 'unsigned'
  | 'line_malformed'
  | 'signature_malformed'
  | 'key_unknown'
  | 'signature_mismatch'
  | 'entry_malformed';

/** A verified line. `entry` is null for an entry of another kind (a decision, an approval): signed, but no break-glass. */
export interface SentinelLine {
  /** SHA-256 of the signed bytes: the same line again has the same. */
  digest: string;
  key_id: string;
  entry: SentinelLogEntry | null;
  /** The line's exact text. */
  text: string;
}

/** Verdict on a line; `message` holds nothing of the entry's own words. */
export type SentinelLineVerdict =
  { ok: true; line: SentinelLine } | { ok: false; code: SentinelLineCode; message: string };

const refused = (code: SentinelLineCode, message: string): SentinelLineVerdict => ({ ok: false, code, message });
const MEMBERS = ['entry', 'signature', 'key_id', 'timestamp'];

/**
 * Verifies one line of Sentinel's signed audit log, given without its line break. `keys` answers the secret of a key id, or
 * undefined for one that nobody vouches for. Sentinel writes a line unsigned when signing fails: such a line is refused.
 *
 * The line is attacker-controlled: never throws.
 */
export function readSentinelLine(
  bytes: Uint8Array,
  keys: (keyId: string) => Uint8Array | undefined,
): SentinelLineVerdict {
  const form = formOf(bytes);
  if (form !== undefined) return form;
  const json = parseStrictJson(bytes, { maxBytes: MAX_LINE_BYTES, maxDepth: 16 });
  if (!json.ok) return refused(json.reason, json.detail ?? 'not JSON as it is accepted here');
  const { value } = json;
  if (!isObject(value)) return refused('line_malformed', 'expected an object');
  if (!Object.hasOwn(value, 'signature') && !Object.hasOwn(value, 'key_id')) {
    return refused('unsigned', 'nothing signs it: only signed lines are history');
  }
  const { entry, signature, key_id, timestamp } = value;
  const names = Object.keys(value);
  if (names.length !== MEMBERS.length || !MEMBERS.every((name) => names.includes(name))) {
    return refused('line_malformed', `expected exactly the members ${MEMBERS.join(', ')}`);
  }
  if (typeof key_id !== 'string' || !KEY_ID.test(key_id)) return refused('line_malformed', 'key_id');
  if (typeof timestamp !== 'string' || timestamp.length > 64) return refused('line_malformed', 'timestamp');
  if (!isObject(entry)) return refused('line_malformed', 'entry is no object');
  if (signature === '') return refused('unsigned', 'its signature is empty: only signed lines are history');
  if (typeof signature !== 'string' || !/^[0-9a-f]{64}$/.test(signature)) {
    return refused('signature_malformed', 'expected 64 lower-case hex characters');
  }
  const secret = keys(key_id);
  if (secret === undefined) return refused('key_unknown', `no key is known as ${key_id}`);
  if (secret.length < MIN_SECRET_BYTES) {
    return refused('key_unknown', `the key known as ${key_id} is shorter than ${MIN_SECRET_BYTES} bytes`);
  }
  const text = Buffer.from(bytes).toString('utf8');
  const signed = signedText(goCompact(rawMembers(text).get('entry') ?? ''), timestamp, key_id);
  if (!timingSafeEqual(hmac(secret, signed), Buffer.from(signature, 'hex'))) {
    return refused('signature_mismatch', `the signature is not by ${key_id} over this entry: one of them was changed`);
  }
  const line = { digest: sha256Hex(signed), key_id, text };
  if (!isBreakGlass(entry)) return { ok: true, line: { ...line, entry: null } };
  const parsed = sentinelLogEntrySchema.safeParse(entry);
  if (parsed.success) return { ok: true, line: { ...line, entry: parsed.data } };
  const [issue] = parsed.error.issues;
  return refused('entry_malformed', `${issue?.path.join('.') ?? 'entry'}: ${issue?.message ?? 'not a log entry'}`);
}

/** What is wrong with a line before anything in it is read. */
function formOf(bytes: Uint8Array): SentinelLineVerdict | undefined {
  if (bytes.length > MAX_LINE_BYTES) return refused('line_too_large', `more than ${MAX_LINE_BYTES} bytes`);
  if (bytes.length === 0) return refused('line_empty', 'expected one signed entry a line');
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) {
    return refused('byte_order_mark', 'it begins with a byte order mark: the file was changed by an editor');
  }
  if (bytes.includes(0x0d)) return refused('carriage_return', 'it holds a carriage return: lines end in a line feed');
  return undefined;
}

const isObject = (value: JsonValue | undefined): value is Record<string, JsonValue> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isBreakGlass = ({ event }: Record<string, JsonValue>): boolean =>
  typeof event === 'string' && event.startsWith('breakglass.');
