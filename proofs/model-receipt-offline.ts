import { constants, createPublicKey, verify, type SignKeyObjectInput, type VerifyKeyObjectInput } from 'node:crypto';

import type { DsseEnvelope } from '../domain/intent.js';
import { digestOf, sha256Hex } from './canonical-json.js';
import { verifyDsse } from './dsse.js';
import type { ModelReceiptKey } from './model-receipt.js';
import { parseStrictJson } from './strict-json.js';

type Alg = ModelReceiptKey['alg'];

/** RFC 7518 §3.3 to §3.5 and RFC 8037: the hash and how the signature is written. */
const WAYS: Readonly<Record<Alg, { hash: string | null } & Partial<SignKeyObjectInput>>> = {
  Ed25519: { hash: null },
  EdDSA: { hash: null },
  ES256: { hash: 'sha256', dsaEncoding: 'ieee-p1363' },
  RS256: { hash: 'sha256', padding: constants.RSA_PKCS1_PADDING },
  PS256: { hash: 'sha256', padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 },
};

/**
 * Which of these keys signed a receipt that a ledger holds, by name, and the digest that calls refer to it by; undefined
 * where none did. The same verdict as the verifier's when the receipt was handed in, without waiting for anything.
 *
 * The receipt is attacker-controlled: never throws.
 */
export function signerOfReceipt(
  receipt: string | DsseEnvelope,
  keys: readonly ModelReceiptKey[],
): { name: string; digest: string } | undefined {
  const signer = keys.find((key) => (typeof receipt === 'string' ? signedJws(receipt, key) : signedDsse(receipt, key)));
  if (signer === undefined) return undefined;
  return { name: signer.name, digest: typeof receipt === 'string' ? sha256Hex(receipt) : digestOf(receipt) };
}

function signedDsse(envelope: DsseEnvelope, { alg, jwk }: ModelReceiptKey): boolean {
  if (alg !== 'Ed25519' && alg !== 'EdDSA') return false;
  const key = createPublicKey({ key: jwk, format: 'jwk' });
  return verifyDsse(envelope, { payloadType: envelope.payloadType, keys: () => key }).ok;
}

function signedJws(token: string, { alg, jwk }: ModelReceiptKey): boolean {
  const [header = '', payload = '', signature = '', ...more] = token.split('.');
  if (more.length > 0 || ![header, payload, signature].every(isBase64url)) return false;
  const said = parseStrictJson(Buffer.from(header, 'base64url'));
  const protectedHeader = said.ok ? (said.value as Record<string, unknown> | null) : null;
  // What must be understood is not understood here (RFC 7515 §4.1.11), as an unencoded payload is.
  if (protectedHeader?.['alg'] !== alg || 'crit' in protectedHeader || 'b64' in protectedHeader) return false;
  const { hash, ...way } = WAYS[alg];
  try {
    const key: VerifyKeyObjectInput = { key: createPublicKey({ key: jwk, format: 'jwk' }), ...way };
    return verify(hash, Buffer.from(`${header}.${payload}`), key, Buffer.from(signature, 'base64url'));
  } catch {
    return false;
  }
}

/** RFC 7515 §2: no padding, and nothing that decodes to the same bytes as another text. */
const isBase64url = (text: string): boolean =>
  /^[A-Za-z0-9_-]*$/.test(text) && Buffer.from(text, 'base64url').toString('base64url') === text;
