import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

import { decodeCanonicalBase64 } from '../base64.js';
import { canonicalJson, sha256Hex } from '../canonical-json.js';
import { GoJson, goSlice, goStringMap, goStruct } from '../go-json.js';
import { parseStrictJson, type JsonValue, type StrictJsonReason } from '../strict-json.js';
import { secaiIncidentJson, type SecaiIncident } from './secai-incident.js';

/**
 * SecAI OS's forensic bundle, for readers that know it. It is compatibility output: an HMAC convinces only who holds the key,
 * who could have made it as well. What Reseal itself rests on is the evidence bundle.
 */
export interface ForensicContent {
  /** RFC 3339. */
  exported_at: string;
  incidents: readonly SecaiIncident[];
  audit_entries: readonly string[];
  system_state: Readonly<Record<string, string>>;
  policy_digest: string;
}

/** The HMAC key: 64 hex characters, used as the ASCII text that they are. Secret. */
const FORENSIC_KEY = /^[0-9a-fA-F]{64}$/;
/** No bundle that is looked into is larger: thousands of incidents with all their evidence are not. */
export const MAX_FORENSIC_BYTES = 64 * 1024 * 1024;

const CONTENT = ['exported_at', 'incidents', 'audit_entries', 'system_state', 'policy_digest'] as const;
const MEMBERS = [...CONTENT, 'canonical_payload', 'bundle_hash', 'signature'] as const;

/** The key that a file holds: its one line. Undefined when that is not 64 hex characters. Secret. */
export function forensicKeyOf(file: Uint8Array): string | undefined {
  const line = Buffer.from(file)
    .toString('latin1')
    .replace(/\r?\n$/, '');
  return FORENSIC_KEY.test(line) ? line : undefined;
}

/**
 * A signed bundle as SecAI OS's Go writes it, on one line: the five members, `canonical_payload` (base64 of their exact
 * bytes), `bundle_hash` (hex SHA-256 of those bytes) and `signature` (hex HMAC-SHA256 over the 32 bytes of the hash).
 *
 * @throws {TypeError} for a key that is not 64 hex characters, or a lone surrogate in any text.
 */
export function forensicBundle(content: ForensicContent, key: string): string {
  if (!FORENSIC_KEY.test(key)) throw new TypeError('the key of a forensic bundle is 64 hex characters');
  const members = [
    ['exported_at', content.exported_at],
    ['incidents', goSlice(content.incidents.map(secaiIncidentJson))],
    ['audit_entries', goSlice(content.audit_entries)],
    ['system_state', goStringMap(content.system_state)],
    ['policy_digest', content.policy_digest],
  ] as const;
  const payload = Buffer.from(goStruct(members), 'utf8');
  return goStruct([
    ...members,
    ['canonical_payload', new GoJson(`"${payload.toString('base64')}"`)],
    ['bundle_hash', sha256Hex(payload)],
    ['signature', sign(payload, key).toString('hex')],
  ]);
}

const sign = (payload: Uint8Array, key: string): Buffer =>
  createHmac('sha256', Buffer.from(key, 'ascii')).update(createHash('sha256').update(payload).digest()).digest();

/** Why a bundle is refused. */
export type ForensicCode =
  | StrictJsonReason
  | 'members_wrong'
  | 'member_malformed'
  | 'payload_malformed'
  | 'payload_differs'
  | 'hash_mismatch'
  | 'signature_mismatch';

/** Verdict on a bundle; `detail` repeats nothing of it but names of members. */
export type ForensicVerdict =
  | { ok: true; exported_at: string; incidents: JsonValue[]; bundle_hash: string }
  | { ok: false; code: ForensicCode; detail: string };

const refused = (code: ForensicCode, detail: string): ForensicVerdict => ({ ok: false, code, detail });

/**
 * Verifies a forensic bundle of SecAI OS or of ours: exactly the eight members, none twice; the payload holds exactly the
 * five shown; hash and signature are of its bytes.
 *
 * The bytes are attacker-controlled: never throws for them.
 *
 * @throws {TypeError} for a key that is not 64 hex characters.
 */
export function verifyForensicBundle(bytes: Uint8Array, key: string): ForensicVerdict {
  if (!FORENSIC_KEY.test(key)) throw new TypeError('the key of a forensic bundle is 64 hex characters');
  const json = parseStrictJson(bytes, { maxBytes: MAX_FORENSIC_BYTES, maxDepth: 32 });
  if (!json.ok) return refused(json.reason, json.detail ?? 'not JSON as it is accepted here');
  const bundle = exactly(json.value, MEMBERS);
  if (bundle === undefined) return refused('members_wrong', `expected exactly the members ${MEMBERS.join(', ')}`);
  const { canonical_payload, bundle_hash, signature } = bundle;
  if (!isHex64(bundle_hash)) return refused('member_malformed', 'bundle_hash is not 64 lower-case hex characters');
  if (!isHex64(signature)) return refused('member_malformed', 'signature is not 64 lower-case hex characters');
  const payload = typeof canonical_payload === 'string' ? decodeCanonicalBase64(canonical_payload) : undefined;
  if (payload === undefined) return refused('payload_malformed', 'canonical_payload is not base64');
  // The signature first: before it holds, nothing inside the payload is read.
  if (sha256Hex(payload) !== bundle_hash) return refused('hash_mismatch', 'bundle_hash is not of canonical_payload');
  if (!timingSafeEqual(sign(payload, key), Buffer.from(signature, 'hex')))
    return refused('signature_mismatch', 'signature is not by this key over canonical_payload');
  const inside = parseStrictJson(payload, { maxBytes: MAX_FORENSIC_BYTES, maxDepth: 32 });
  const signed = inside.ok ? exactly(inside.value, CONTENT) : undefined;
  if (signed === undefined) return refused('payload_malformed', `expected exactly the members ${CONTENT.join(', ')}`);
  const changed = CONTENT.find((name) => canonicalJson(bundle[name]) !== canonicalJson(signed[name]));
  if (changed !== undefined) return refused('payload_differs', `${changed} is not what was signed`);
  return contentOf(signed, bundle_hash);
}

function contentOf(signed: Record<(typeof CONTENT)[number], JsonValue>, bundle_hash: string): ForensicVerdict {
  const { exported_at, incidents, audit_entries } = signed;
  if (typeof exported_at !== 'string') return refused('member_malformed', 'exported_at is no text');
  // A nil slice of Go's is null.
  if (!isListOrNull(incidents)) return refused('member_malformed', 'incidents is no list');
  if (!isListOrNull(audit_entries)) return refused('member_malformed', 'audit_entries is no list');
  return { ok: true, exported_at, incidents: incidents ?? [], bundle_hash };
}

function exactly<Name extends string>(value: JsonValue, names: readonly Name[]): Record<Name, JsonValue> | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const has = names.every((name) => Object.hasOwn(value, name)) && Object.keys(value).length === names.length;
  return has ? (value as Record<Name, JsonValue>) : undefined;
}

const isHex64 = (value: JsonValue): value is string => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
const isListOrNull = (value: JsonValue): value is JsonValue[] | null => value === null || Array.isArray(value);
