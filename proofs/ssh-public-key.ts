import { createHash, createPublicKey, type KeyObject } from 'node:crypto';

import { decodeCanonicalBase64 } from './base64.js';
import { isSmallOrderEd25519 } from './ed25519-small-order.js';
import { curveOf, isHardwareKeyType, isSshKeyType, type SshCurve, type SshKeyType } from './ssh-key-type.js';
import { SshReader, SshWireError } from './ssh-wire.js';

/** A public key that was parsed and found strong enough. */
export interface SshPublicKey {
  readonly type: SshKeyType;
  /** The wire form (RFC 4253 §6.6, RFC 5656 §3.1, RFC 8709 §4, PROTOCOL.u2f). */
  readonly blob: Buffer;
  readonly key: KeyObject;
  /** The FIDO application of an `sk-` key, as a rule `ssh:`. */
  readonly application?: string;
}

/** Why a public key was refused. */
export type SshPublicKeyReason = 'key_malformed' | 'key_type_unsupported' | 'key_too_weak';

/** Outcome of parsing a public key. */
export type SshPublicKeyResult =
  { ok: true; key: SshPublicKey; comment: string } | { ok: false; reason: SshPublicKeyReason; detail?: string };

const MAX_LINE_LENGTH = 4096;
const MAX_RSA_BYTES = 1024;
const MIN_RSA_BITS = 3072;
const MAX_CACHED_KEYS = 256;

/** Least recently used first; keyed by `type base64`, so that a comment makes no second entry. */
const cache = new Map<string, SshPublicKey>();

/**
 * Parses one line of a `.pub` file: `type base64 [comment]`, without authorized_keys options.
 *
 * Refused by code: key types that may not sign (`key_type_unsupported`), RSA under 3072 bits and ed25519 points of
 * small order (`key_too_weak`: with such a point anybody can forge), everything else that is off (`key_malformed`).
 * An `sk-` type is a claim of whoever enrolled the key: only attestation at enrolment shows that hardware holds it.
 */
export function parseSshPublicKey(line: string): SshPublicKeyResult {
  if (line.length > MAX_LINE_LENGTH) return { ok: false, reason: 'key_malformed', detail: 'line too long' };
  const fields = /^([a-z0-9@.-]+) ([A-Za-z0-9+/]+={0,2})(?: ([^\p{Cc}]*))?\r?\n?$/u.exec(line);
  const [, type, base64, comment = ''] = fields ?? [];
  if (type === undefined || base64 === undefined) {
    return { ok: false, reason: 'key_malformed', detail: 'expected "type base64 [comment]"' };
  }
  if (!isSshKeyType(type)) return { ok: false, reason: 'key_type_unsupported', detail: type.slice(0, 64) };
  const cacheKey = `${type} ${base64}`;
  const cached = cache.get(cacheKey);
  if (cached !== undefined) {
    cache.delete(cacheKey);
    cache.set(cacheKey, cached);
    return { ok: true, key: cached, comment };
  }
  const blob = decodeCanonicalBase64(base64);
  if (blob === undefined) return { ok: false, reason: 'key_malformed', detail: 'not canonical base64' };
  const parsed = parseSshPublicKeyBlob(blob);
  if (!parsed.ok) return parsed;
  if (parsed.key.type !== type) return { ok: false, reason: 'key_malformed', detail: 'type differs from the blob' };
  const [oldest] = cache.keys();
  if (oldest !== undefined && cache.size >= MAX_CACHED_KEYS) cache.delete(oldest);
  cache.set(cacheKey, parsed.key);
  return { ...parsed, comment };
}

/** Parses a public key's wire form, under the same rules as {@link parseSshPublicKey}; the comment is empty. */
export function parseSshPublicKeyBlob(blob: Buffer): SshPublicKeyResult {
  try {
    const reader = new SshReader(blob);
    const type = reader.ascii(64);
    if (!isSshKeyType(type)) return { ok: false, reason: 'key_type_unsupported', detail: type };
    const material = readMaterial(reader, type);
    if (!material.ok) return material;
    const application = isHardwareKeyType(type) ? reader.ascii() : undefined;
    reader.end();
    const key = { type, blob: Buffer.from(blob), key: material.key };
    return { ok: true, key: application === undefined ? key : { ...key, application }, comment: '' };
  } catch (error) {
    if (error instanceof SshWireError) return { ok: false, reason: 'key_malformed', detail: error.message };
    throw error;
  }
}

/** The fingerprint as `ssh-keygen -l` prints it: `SHA256:` and unpadded base64. */
export function fingerprint(key: Pick<SshPublicKey, 'blob'>): string {
  return `SHA256:${createHash('sha256').update(key.blob).digest('base64').replace(/=+$/, '')}`;
}

/** The key as a line of a `.pub` file, without newline. */
export function sshPublicKeyLine(key: Pick<SshPublicKey, 'type' | 'blob'>, comment = ''): string {
  const line = `${key.type} ${key.blob.toString('base64')}`;
  return comment === '' ? line : `${line} ${comment}`;
}

type Material = { ok: true; key: KeyObject } | { ok: false; reason: SshPublicKeyReason; detail?: string };

function readMaterial(reader: SshReader, type: SshKeyType): Material {
  const curve = curveOf(type);
  if (curve !== undefined) return readEcdsa(reader, curve);
  return type === 'ssh-rsa' ? readRsa(reader) : readEd25519(reader);
}

function readEd25519(reader: SshReader): Material {
  const point = reader.string();
  if (point.length !== 32) return { ok: false, reason: 'key_malformed', detail: 'ed25519 key is not 32 bytes' };
  if (isSmallOrderEd25519(point)) return { ok: false, reason: 'key_too_weak', detail: 'point of small order' };
  return fromJwk({ kty: 'OKP', crv: 'Ed25519', x: point.toString('base64url') });
}

function readEcdsa(reader: SshReader, curve: SshCurve): Material {
  if (reader.ascii() !== curve.ssh) return { ok: false, reason: 'key_malformed', detail: 'curve differs from type' };
  const point = reader.string();
  // Only the uncompressed form of SEC 1 §2.3.3: one key has one blob.
  if (point.length !== 1 + 2 * curve.bytes || point[0] !== 4) {
    return { ok: false, reason: 'key_malformed', detail: 'not an uncompressed point' };
  }
  const x = point.subarray(1, 1 + curve.bytes).toString('base64url');
  const y = point.subarray(1 + curve.bytes).toString('base64url');
  return fromJwk({ kty: 'EC', crv: curve.jwk, x, y });
}

function readRsa(reader: SshReader): Material {
  const exponent = reader.positiveMpint(4);
  const modulus = reader.positiveMpint(MAX_RSA_BYTES);
  const bits = modulus.length * 8 - Math.clz32(modulus[0] ?? 0) + 24;
  if (bits < MIN_RSA_BITS) return { ok: false, reason: 'key_too_weak', detail: `RSA ${bits} bits` };
  const publicExponent = exponent.readUIntBE(0, exponent.length);
  if (publicExponent < 65537) return { ok: false, reason: 'key_too_weak', detail: `RSA exponent ${publicExponent}` };
  if (publicExponent % 2 === 0 || (modulus.at(-1) ?? 0) % 2 === 0) {
    return { ok: false, reason: 'key_malformed', detail: 'RSA numbers are even' };
  }
  return fromJwk({ kty: 'RSA', n: modulus.toString('base64url'), e: exponent.toString('base64url') });
}

/** OpenSSL has the last word: a point off the curve is refused here. */
function fromJwk(jwk: { kty: string; [member: string]: string }): Material {
  try {
    return { ok: true, key: createPublicKey({ key: jwk, format: 'jwk' }) };
  } catch {
    return { ok: false, reason: 'key_malformed', detail: 'not a valid key' };
  }
}
