import { createHash, verify, type KeyObject } from 'node:crypto';

import { curveOf, isHardwareKeyType, type SshCurve } from './ssh-key-type.js';
import type { SshPublicKey } from './ssh-public-key.js';
import { SshReader, SshWireError } from './ssh-wire.js';

/** What stands behind a signature: a key in a file or agent, a touched authenticator, or one that also verified its user. */
export type SignatureMethod = 'software' | 'hardware_touch' | 'hardware_verified';

/** Why a wire signature was refused. */
export type SshSignatureReason =
  'signature_malformed' | 'algorithm_mismatch' | 'user_presence_missing' | 'signature_invalid';

/** Outcome of {@link verifySshSignature}; `counter` is the authenticator's, for `sk-` keys. */
export type SshSignatureVerdict =
  { ok: true; method: SignatureMethod; counter?: number } | { ok: false; reason: SshSignatureReason; detail?: string };

/** WebAuthn §6.1 authenticator data flags. */
const USER_PRESENT = 0x01;
const USER_VERIFIED = 0x04;

/** RFC 8332 §3. A Map, since the name that is looked up is the attacker's and may be `constructor`. */
const RSA_HASHES: ReadonlyMap<string, 'sha256' | 'sha512'> = new Map([
  ['rsa-sha2-256', 'sha256'],
  ['rsa-sha2-512', 'sha512'],
]);

/**
 * Verifies an SSH wire signature (RFC 4253 §6.6, RFC 5656 §3.1.2, RFC 8332 §3, RFC 8709 §6, PROTOCOL.u2f) over `data`.
 *
 * The signature is attacker-controlled: never throw here. Its algorithm must be the key type's own (RSA with SHA-1
 * and the webauthn variant of `sk-ecdsa` are refused), its lengths must be canonical, nothing may follow. ECDSA
 * remains malleable (r, n-s), as everywhere: never use the signature's bytes as an identity.
 */
export function verifySshSignature(signature: Buffer, key: SshPublicKey, data: Uint8Array): SshSignatureVerdict {
  try {
    const reader = new SshReader(signature);
    const algorithm = reader.ascii(64);
    const rsaHash = key.type === 'ssh-rsa' ? RSA_HASHES.get(algorithm) : undefined;
    if (rsaHash === undefined && (key.type === 'ssh-rsa' || algorithm !== key.type)) {
      return { ok: false, reason: 'algorithm_mismatch', detail: `${algorithm} for a key of type ${key.type}` };
    }
    const raw = reader.string();
    if (isHardwareKeyType(key.type)) return verifyHardware(raw, reader, key, data);
    reader.end();
    const curve = curveOf(key.type);
    const valid =
      rsaHash !== undefined
        ? verifyRsa(rsaHash, raw, key.key, data)
        : curve !== undefined
          ? verifyEcdsa(curve, raw, key.key, data)
          : verifyEd25519(raw, key.key, data);
    return valid ? { ok: true, method: 'software' } : { ok: false, reason: 'signature_invalid' };
  } catch (error) {
    if (error instanceof SshWireError) return { ok: false, reason: 'signature_malformed', detail: error.message };
    throw error;
  }
}

/** PROTOCOL.u2f: the authenticator signs SHA-256(application), flags, counter, SHA-256(data). */
function verifyHardware(raw: Buffer, reader: SshReader, key: SshPublicKey, data: Uint8Array): SshSignatureVerdict {
  const flagsAndCounter = reader.take(5);
  reader.end();
  const flags = flagsAndCounter.readUInt8(0);
  const signed = Buffer.concat([sha256(key.application ?? ''), flagsAndCounter, sha256(data)]);
  const curve = curveOf(key.type);
  const valid = curve === undefined ? verifyEd25519(raw, key.key, signed) : verifyEcdsa(curve, raw, key.key, signed);
  if (!valid) return { ok: false, reason: 'signature_invalid' };
  // A key made with `no-touch-required` signs for any process of its user, like a software key: refused.
  if ((flags & USER_PRESENT) === 0) return { ok: false, reason: 'user_presence_missing' };
  const method = (flags & USER_VERIFIED) === 0 ? 'hardware_touch' : 'hardware_verified';
  return { ok: true, method, counter: flagsAndCounter.readUInt32BE(1) };
}

function verifyEd25519(raw: Buffer, key: KeyObject, data: Uint8Array): boolean {
  if (raw.length !== 64) throw new SshWireError('ed25519 signature is not 64 bytes');
  return cryptoVerify(null, data, key, raw);
}

function verifyEcdsa(curve: SshCurve, raw: Buffer, key: KeyObject, data: Uint8Array): boolean {
  const reader = new SshReader(raw);
  const numbers = [reader.positiveMpint(curve.bytes), reader.positiveMpint(curve.bytes)];
  reader.end();
  const fixed = Buffer.concat(numbers.map((n) => Buffer.concat([Buffer.alloc(curve.bytes - n.length), n])));
  return cryptoVerify(curve.hash, data, { key, dsaEncoding: 'ieee-p1363' }, fixed);
}

function verifyRsa(hash: 'sha256' | 'sha512', raw: Buffer, key: KeyObject, data: Uint8Array): boolean {
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  if (raw.length !== Math.ceil(bits / 8)) throw new SshWireError('RSA signature is not as long as the modulus');
  return cryptoVerify(hash, data, key, raw);
}

/** OpenSSL reports some invalid signatures as errors; for a verifier they are just invalid. */
function cryptoVerify(
  algorithm: string | null,
  data: Uint8Array,
  key: KeyObject | { key: KeyObject; dsaEncoding: 'ieee-p1363' },
  signature: Buffer,
): boolean {
  try {
    return verify(algorithm, data, key, signature);
  } catch {
    return false;
  }
}

function sha256(data: Uint8Array | string): Buffer {
  return createHash('sha256').update(data).digest();
}
