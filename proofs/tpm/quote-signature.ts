import { constants, verify } from 'node:crypto';
import type { AttestationKey } from './attestation-key.js';
import { padded } from './attestation-key.js';
import { TPM_ALG } from './tpm-algorithms.js';
import type { TpmSignature } from './signature.js';

const SCHEMES = { rsassa: TPM_ALG.rsassa, rsapss: TPM_ALG.rsapss, ecdsa: TPM_ALG.ecdsa } as const;
const CURVE_BYTES = { 'P-256': 32, 'P-384': 48 } as const;
const MIN_RSA_BITS = 2048;
const MAX_RSA_BITS = 4096;

/** Why the signature cannot be one of this key, by scheme, hash and size; undefined when it can. */
export function schemeObjection({ kind, area }: AttestationKey, signature: TpmSignature): string | undefined {
  const { scheme, hash } = signature;
  if ((scheme === 'ecdsa') !== (kind.type === 'ecc')) return `${scheme} is no scheme of an ${kind.type} key`;
  if (kind.type === 'rsa') {
    if (kind.bits < MIN_RSA_BITS || kind.bits > MAX_RSA_BITS)
      return `an RSA key has ${MIN_RSA_BITS} to ${MAX_RSA_BITS} bits here, this one ${kind.bits}`;
    if (kind.exponent < 65537n || kind.exponent % 2n === 0n)
      return `an RSA key's exponent is odd and at least 65537, not ${kind.exponent}`;
  }
  if (area === null) return undefined;
  if (area.scheme === null) return 'a restricted signing key has a scheme, this one none';
  if (area.scheme.algorithm !== SCHEMES[scheme] || area.scheme.hash?.id !== hash.id)
    return `the signature is ${scheme} with ${hash.name}, and the key signs in no such scheme`;
  return undefined;
}

/**
 * Whether the key signed these bytes. Salts of RSAPSS are as long as the TPM made them: as the digest, or as long as the key
 * allows (TPM 2.0 Part 1 §B.7). Never throws: what node:crypto refuses to look at is no signature.
 */
export function isSignedBy({ key, kind }: AttestationKey, signature: TpmSignature, message: Uint8Array): boolean {
  try {
    if (signature.scheme === 'ecdsa') {
      const length = CURVE_BYTES[kind.type === 'ecc' ? kind.curve : 'P-256'];
      if (signature.r.length > length || signature.s.length > length) return false;
      const bytes = Buffer.concat([padded(signature.r, length), padded(signature.s, length)]);
      return verify(signature.hash.node, message, { key, dsaEncoding: 'ieee-p1363' }, bytes);
    }
    const pss = signature.scheme === 'rsapss';
    const padding = pss ? constants.RSA_PKCS1_PSS_PADDING : constants.RSA_PKCS1_PADDING;
    const salt = pss ? { saltLength: constants.RSA_PSS_SALTLEN_AUTO } : {};
    return verify(signature.hash.node, message, { key, padding, ...salt }, signature.bytes);
  } catch {
    return false;
  }
}
