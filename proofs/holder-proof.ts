import { createHash, createPublicKey, generateKeyPairSync, randomUUID, type KeyObject } from 'node:crypto';

import {
  HOLDER_PROOF_TYP,
  holderProofClaimsSchema,
  PROOF_SECONDS,
  toolPath,
  type HolderProofClaims,
} from '../domain/job.js';
import { CLOCK_SKEW_MS } from '../domain/statement.js';
import type { ToolRefusal } from '../domain/tool-call.js';
import { canonicalJson } from './canonical-json.js';
import { openCompact, signCompact } from './compact-jws.js';
import { isSmallOrderEd25519 } from './ed25519-small-order.js';

/** The key of one job, made for it and kept nowhere. */
export interface HolderKey {
  /** `x` of its JWK: 32 bytes in base64url. */
  holder: string;
  /** Secret. */
  privateKey: KeyObject;
}

export function generateHolderKey(): HolderKey {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  return { holder: publicKey.export({ format: 'jwk' }).x ?? '', privateKey };
}

const jwkOf = (x: string) => ({ crv: 'Ed25519', kty: 'OKP', x });

/** The JWK thumbprint (RFC 7638 §3, RFC 8037 §2 for the members of an OKP key) of a holder's key, in base64url. */
export const thumbprintOf = (x: string): string => b64uSha256(canonicalJson(jwkOf(x)));

/** One call, as its proof binds it. */
export interface ProvenCall {
  token: string;
  tool: string;
  /** The request's body, as JSON. */
  body: unknown;
}

/** Proves for one call that whoever makes it holds the job's key. `nowMs` is the holder's own time. */
export function proveHolding(call: ProvenCall, { holder, privateKey }: HolderKey, nowMs: number): Promise<string> {
  const claims: HolderProofClaims = {
    jti: randomUUID(),
    iat: Math.floor(nowMs / 1000),
    htm: 'POST',
    htu: toolPath(call.tool),
    ath: b64uSha256(call.token),
    request_hash_b64u: b64uSha256(canonicalJson(call.body)),
  };
  return signCompact(claims, { typ: HOLDER_PROOF_TYP, jwk: jwkOf(holder) }, privateKey);
}

/** Verdict on a proof. */
export type JudgedProof = { ok: true; claims: HolderProofClaims } | { ok: false; code: ToolRefusal; message: string };

/**
 * Whether the holder of the key with this thumbprint made this proof for exactly this call, and just now. Whether it was
 * used before is for who keeps that in mind.
 *
 * Proof and call are attacker-controlled: never throws.
 */
export function judgeHolding(
  proof: string,
  rules: ProvenCall & { jkt: string; /** Epoch milliseconds, of the judge's own clock. */ nowMs: number },
): JudgedProof {
  const { token, tool, body, jkt, nowMs } = rules;
  let holder: string | undefined;
  const keyOf = (jwk: unknown): KeyObject | undefined => {
    const found = keyOfJwk(jwk);
    holder = found?.x;
    return found?.key;
  };
  const opened = openCompact(proof, { typ: HOLDER_PROOF_TYP, member: 'jwk', keyOf, maxBytes: 2048 });
  if (!opened.ok)
    return refused(opened.reason === 'malformed' ? 'proof_malformed' : 'proof_not_signed', opened.message);
  const parsed = holderProofClaimsSchema.safeParse(opened.payload);
  if (!parsed.success) return refused('proof_malformed', 'not the claims of a proof');
  const claims = parsed.data;
  if (holder === undefined || thumbprintOf(holder) !== jkt)
    return refused('holder_mismatch', 'the token was given to the holder of another key');
  if (claims.ath !== b64uSha256(token)) return refused('proof_foreign', 'it was made for another token');
  if (claims.htu !== toolPath(tool)) return refused('proof_foreign', 'it was made for another tool');
  if (claims.request_hash_b64u !== hashOrNull(body)) return refused('proof_foreign', 'it was made for another request');
  const made = claims.iat * 1000;
  if (made > nowMs + CLOCK_SKEW_MS) return refused('proof_stale', 'it was made in the future: check the clock');
  if (nowMs >= made + PROOF_SECONDS * 1000) return refused('proof_stale', `it is older than ${PROOF_SECONDS} s`);
  return { ok: true, claims };
}

function keyOfJwk(jwk: unknown): { key: KeyObject; x: string } | undefined {
  if (typeof jwk !== 'object' || jwk === null) return undefined;
  const { kty, crv, x, ...others } = jwk as Record<string, unknown>;
  if (kty !== 'OKP' || crv !== 'Ed25519' || typeof x !== 'string' || Object.keys(others).length > 0) return undefined;
  const point = Buffer.from(x, 'base64url');
  if (point.length !== 32 || point.toString('base64url') !== x || isSmallOrderEd25519(point)) return undefined;
  try {
    return { key: createPublicKey({ key: { kty, crv, x }, format: 'jwk' }), x };
  } catch {
    return undefined;
  }
}

/** A body that came as JSON has a hash; anything else has none that a proof could name. */
function hashOrNull(body: unknown): string | null {
  try {
    return b64uSha256(canonicalJson(body));
  } catch {
    return null;
  }
}

const b64uSha256 = (text: string): string => createHash('sha256').update(text).digest('base64url');

const refused = (code: ToolRefusal, message: string): { ok: false; code: ToolRefusal; message: string } => ({
  ok: false,
  code,
  message,
});
