import { createPublicKey, type KeyObject } from 'node:crypto';

import { compactVerify, decodeProtectedHeader } from 'jose';
import { z } from 'zod';

import { dsseEnvelopeSchema } from '../domain/intent.js';
import { digestOf, sha256Hex } from './canonical-json.js';
import { verifyDsse } from './dsse.js';

/** Signatures that receipts of model calls may have. DSSE envelopes are Ed25519. */
export const RECEIPT_ALGS = ['Ed25519', 'EdDSA', 'ES256', 'RS256', 'PS256'] as const;

/** One key of a gateway that signs receipts of model calls: a public JWK (RFC 7517), and the one algorithm it is used with. */
export const modelReceiptKeySchema = z
  .strictObject({
    name: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'expected 1 to 64 of a-z 0-9 . _ -'),
    alg: z.enum(RECEIPT_ALGS),
    jwk: z.record(z.string(), z.unknown()),
  })
  .superRefine(({ alg, jwk }, context) => {
    const problem =
      'd' in jwk ? 'a private key: give its public half' : keyOf(jwk, alg) === undefined ? `no key for ${alg}` : '';
    if (problem !== '') context.addIssue({ code: 'custom', path: ['jwk'], message: problem });
  });
export type ModelReceiptKey = z.output<typeof modelReceiptKeySchema>;

/** Larger ones are refused unread, in characters. */
export const MAX_RECEIPT_CHARS = 32 * 1024;

/** A receipt as it is handed in: a compact JWS, or a DSSE envelope. */
export const handedInSchema = z.strictObject({
  receipt: z.union([z.string().min(1).max(MAX_RECEIPT_CHARS), dsseEnvelopeSchema]),
});
export type HandedIn = z.output<typeof handedInSchema>;

/** Verdict on a receipt. `digest` is the hex SHA-256 of the JWS, or of the envelope's RFC 8785 form: what calls refer to. */
export type JudgedModelReceipt =
  | { ok: true; digest: string; format: 'jws' | 'dsse'; signed_by: string }
  | { ok: false; code: 'receipt_malformed' | 'receipt_not_signed'; message: string };

/**
 * Whether a configured gateway signed this receipt. What it says of a model is not looked at.
 *
 * The receipt is attacker-controlled: never throws.
 */
export async function judgeModelReceipt(
  { receipt }: HandedIn,
  keys: readonly ModelReceiptKey[],
): Promise<JudgedModelReceipt> {
  return typeof receipt === 'string' ? judgeJws(receipt, keys) : judgeEnvelope(receipt, keys);
}

async function judgeJws(token: string, keys: readonly ModelReceiptKey[]): Promise<JudgedModelReceipt> {
  let alg: unknown;
  try {
    ({ alg } = decodeProtectedHeader(token));
  } catch {
    return { ok: false, code: 'receipt_malformed', message: 'not a compact JWS' };
  }
  for (const { name, alg: used, jwk } of keys) {
    const key = used === alg ? keyOf(jwk, used) : undefined;
    if (key === undefined) continue;
    const signed = await compactVerify(token, key, { algorithms: [used] }).catch(() => undefined);
    if (signed !== undefined) return { ok: true, digest: sha256Hex(token), format: 'jws', signed_by: name };
  }
  return notSigned();
}

function judgeEnvelope(
  envelope: Exclude<HandedIn['receipt'], string>,
  keys: readonly ModelReceiptKey[],
): JudgedModelReceipt {
  for (const { name, alg, jwk } of keys) {
    const key = alg === 'Ed25519' || alg === 'EdDSA' ? keyOf(jwk, alg) : undefined;
    if (key === undefined) continue;
    // A keyid is a hint and decides nothing: each key is tried.
    const verdict = verifyDsse(envelope, { payloadType: envelope.payloadType, keys: () => key });
    if (verdict.ok) return { ok: true, digest: digestOf(envelope), format: 'dsse', signed_by: name };
  }
  return notSigned();
}

const notSigned = (): JudgedModelReceipt => ({
  ok: false,
  code: 'receipt_not_signed',
  message: 'no configured gateway signed it',
});

const KINDS: Readonly<Record<(typeof RECEIPT_ALGS)[number], string>> = {
  Ed25519: 'ed25519',
  EdDSA: 'ed25519',
  ES256: 'ec',
  RS256: 'rsa',
  PS256: 'rsa',
};

/** The key of a JWK, where it is one that this algorithm takes. */
function keyOf(jwk: Record<string, unknown>, alg: (typeof RECEIPT_ALGS)[number]): KeyObject | undefined {
  try {
    const key = createPublicKey({ key: jwk, format: 'jwk' });
    const { modulusLength = 4096, namedCurve = 'prime256v1' } = key.asymmetricKeyDetails ?? {};
    const fits = key.asymmetricKeyType === KINDS[alg] && modulusLength >= 2048 && namedCurve === 'prime256v1';
    return fits ? key : undefined;
  } catch {
    return undefined;
  }
}
