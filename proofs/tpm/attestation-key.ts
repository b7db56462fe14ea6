import { createPublicKey, hash, type KeyObject } from 'node:crypto';
import { parsePublicArea, type PublicArea } from './public-area.js';
import type { TpmParsed } from './tpm-wire.js';

/** A key that quotes are verified with. */
export interface AttestationKey {
  key: KeyObject;
  /** RSA modulus bits, or the curve. */
  kind: { type: 'rsa'; bits: number; exponent: bigint } | { type: 'ecc'; curve: 'P-256' | 'P-384' };
  /** What the TPM says of the key; null for a PEM, which says nothing of attributes, scheme and Name. */
  area: PublicArea | null;
  /** Hex SHA-256 of the DER SubjectPublicKeyInfo. */
  spkiSha256: string;
}

const MAX_PEM_BYTES = 8192;
/** TPM_ECC_CURVE, TCG Algorithm Registry §6.7. */
const CURVES: Readonly<Record<number, { name: 'P-256' | 'P-384'; bytes: number }>> = {
  3: { name: 'P-256', bytes: 32 },
  4: { name: 'P-384', bytes: 48 },
};
const NODE_CURVES: Readonly<Record<string, 'P-256' | 'P-384'>> = { prime256v1: 'P-256', secp384r1: 'P-384' };

/**
 * Reads a public key as PEM (SubjectPublicKeyInfo), TPM2B_PUBLIC or TPMT_PUBLIC. The bytes are somebody's file: bounded,
 * exact, and never throws. Keys are RSA, or ECC on P-256 or P-384.
 */
export function readAttestationKey(bytes: Uint8Array): TpmParsed<AttestationKey> {
  const start = Buffer.from(bytes.subarray(0, 64)).toString('latin1').trimStart();
  if (start.startsWith('-----')) return fromPem(bytes);
  const parsed = parsePublicArea(bytes);
  return parsed.ok ? fromArea(parsed.value) : parsed;
}

const unusable = (detail: string): TpmParsed<never> => ({ ok: false, fault: 'not_a_key', detail });

function fromPem(bytes: Uint8Array): TpmParsed<AttestationKey> {
  if (bytes.length > MAX_PEM_BYTES) return { ok: false, fault: 'too_large', detail: 'PEM: more than 8 KiB' };
  const text = Buffer.from(bytes).toString('latin1').trim();
  // One block, and a public one: a private key, of which node:crypto would take the public half, has no business here.
  if (!/^-----BEGIN PUBLIC KEY-----[A-Za-z0-9+/=\s]+-----END PUBLIC KEY-----$/.test(text))
    return unusable('PEM: expected exactly one block "PUBLIC KEY"');
  return fromKey(() => createPublicKey(text), null);
}

function fromArea(area: PublicArea): TpmParsed<AttestationKey> {
  const { key } = area;
  if (key.type === 'rsa') {
    if (key.modulus.length * 8 !== key.bits)
      return unusable(`TPMT_PUBLIC: the modulus has ${key.modulus.length} bytes, and the key ${key.bits} bits`);
    const [n, e] = [key.modulus.toString('base64url'), exponentBytes(key.exponent).toString('base64url')];
    return fromKey(() => createPublicKey({ format: 'jwk', key: { kty: 'RSA', n, e } }), area);
  }
  const curve = CURVES[key.curve];
  if (curve === undefined) return unusable(`TPMT_PUBLIC: expected a key on P-256 or P-384, got curve ${key.curve}`);
  if (key.x.length > curve.bytes || key.y.length > curve.bytes) return unusable('TPMT_PUBLIC: no point of its curve');
  const [x, y] = [padded(key.x, curve.bytes).toString('base64url'), padded(key.y, curve.bytes).toString('base64url')];
  return fromKey(() => createPublicKey({ format: 'jwk', key: { kty: 'EC', crv: curve.name, x, y } }), area);
}

function fromKey(make: () => KeyObject, area: PublicArea | null): TpmParsed<AttestationKey> {
  let key: KeyObject;
  let spki: Buffer;
  try {
    key = make();
    spki = key.export({ format: 'der', type: 'spki' });
  } catch {
    return unusable(`${area === null ? 'PEM' : 'TPMT_PUBLIC'}: not a key, or no point of its curve`);
  }
  const kind = kindOf(key);
  if (kind === undefined) return unusable('expected an RSA key, or one on P-256 or P-384');
  return { ok: true, value: { key, kind, area, spkiSha256: hash('sha256', spki) } };
}

function kindOf(key: KeyObject): AttestationKey['kind'] | undefined {
  const { modulusLength, publicExponent, namedCurve } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType === 'rsa' && modulusLength !== undefined && publicExponent !== undefined)
    return { type: 'rsa', bits: modulusLength, exponent: publicExponent };
  const curve = key.asymmetricKeyType === 'ec' ? NODE_CURVES[namedCurve ?? ''] : undefined;
  return curve === undefined ? undefined : { type: 'ecc', curve };
}

function exponentBytes(exponent: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(exponent);
  return bytes.subarray(bytes.findIndex((byte) => byte !== 0));
}

/** Big-endian, with leading zeros up to `length`. */
export const padded = (bytes: Buffer, length: number): Buffer =>
  bytes.length >= length ? bytes : Buffer.concat([Buffer.alloc(length - bytes.length), bytes]);
