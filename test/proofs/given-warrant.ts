import { randomUUID, sign } from 'node:crypto';

import type { Intent } from '../../domain/intent.js';
import type { WarrantClaims } from '../../domain/warrant.js';
import { canonicalJson } from '../../proofs/canonical-json.js';
import { scopeHashOf, warrantScopeOf } from '../../proofs/warrant.js';
import type { RoleKey } from '../../proofs/role-key.js';

/** A warrant for this intent, minted by whoever holds `key`; `over` says what it should not. `atMs` is epoch milliseconds. */
export function givenWarrant(
  intent: Intent,
  key: Pick<RoleKey, 'keyid' | 'privateKey'>,
  atMs: number,
  over: Partial<WarrantClaims> = {},
): { id: string; token: string } {
  const iat = Math.floor(atMs / 1000);
  const said = { ...warrantScopeOf(intent), jti: randomUUID(), iat, exp: iat + 120, ...over };
  const claims = { ...said, token_scope_hash_b64u: scopeHashOf(said) };
  const part = (value: unknown): string => Buffer.from(canonicalJson(value), 'utf8').toString('base64url');
  const signed = `${part({ alg: 'Ed25519', kid: key.keyid, typ: 'reseal-warrant+jwt' })}.${part(claims)}`;
  const signature = sign(null, Buffer.from(signed, 'ascii'), key.privateKey).toString('base64url');
  return { id: claims.jti, token: `${signed}.${signature}` };
}
