import { createHash, randomUUID, type KeyObject } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';

import { roleOfKind, toolsOfKind } from '../domain/effects/effects.js';
import { ceremonyWorkflowId, epochMs } from '../domain/identifiers.js';
import type { Intent } from '../domain/intent.js';
import { CLOCK_SKEW_MS } from '../domain/statement.js';
import {
  MAX_WARRANT_SECONDS,
  WARRANT_SECONDS,
  WARRANT_TYP,
  warrantClaimsSchema,
  MAX_WARRANT_BYTES,
  type WarrantClaims,
  type WarrantRefusal,
  type WarrantScope,
} from '../domain/warrant.js';
import { canonicalJson, digestOf } from './canonical-json.js';
import { openCompact, signCompact } from './compact-jws.js';
import type { AuthorityKey } from './signed-intent.js';

/** Verdict on a warrant. */
export type JudgedWarrant = { ok: true; claims: WarrantClaims } | { ok: false; code: WarrantRefusal; message: string };

/** What the warrants of this intent authorise, for the role that grants what it is about. */
export function warrantScopeOf(intent: Intent): WarrantScope {
  const { event_id, kind, tuple, round, evidence_digest, deadline } = intent;
  return {
    token_version: '1',
    sub: ceremonyWorkflowId(event_id),
    aud: roleOfKind(kind),
    scope: [toolsOfKind(kind).write],
    policy_hash_b64u: Buffer.from(intent.policy_digest, 'hex').toString('base64url'),
    mission_id: event_id,
    reseal: {
      effect: kind,
      direction: 'restore',
      tuple,
      round,
      intent_digest: digestOf(intent),
      evidence_digest,
      deadline,
    },
  };
}

/** `token_scope_hash_b64u`: SHA-256 of the RFC 8785 form of the authorisation claims, `aud` as a list, without times and ids. */
export function scopeHashOf({ token_version, sub, aud, scope, policy_hash_b64u, mission_id, reseal }: WarrantScope) {
  const authorises = { token_version, sub, aud: [aud], scope, policy_hash_b64u, mission_id, reseal };
  return createHash('sha256').update(canonicalJson(authorises)).digest('base64url');
}

/**
 * Mints a warrant for the grant of this intent. It lives `seconds`, and never past the intent's deadline; `nowMs` is the
 * authority's own time in epoch milliseconds.
 */
export async function mintWarrant(
  intent: Intent,
  key: { keyid: string; privateKey: KeyObject },
  nowMs: number,
  seconds = WARRANT_SECONDS,
): Promise<string> {
  const scope = warrantScopeOf(intent);
  const iat = Math.floor(nowMs / 1000);
  const exp = Math.min(iat + Math.min(seconds, MAX_WARRANT_SECONDS), Math.floor(epochMs(intent.deadline) / 1000));
  return signWarrant({ ...scope, jti: randomUUID(), iat, exp, token_scope_hash_b64u: scopeHashOf(scope) }, key);
}

/** Signs claims as they are. Only {@link mintWarrant} decides what they say. */
export function signWarrant(
  claims: WarrantClaims,
  { keyid, privateKey }: { keyid: string; privateKey: KeyObject },
): Promise<string> {
  return signCompact(claims, { typ: WARRANT_TYP, kid: keyid }, privateKey);
}

/**
 * Whether the authority gave this warrant for the grant of exactly this intent to this role, and it is in force.
 * That the intent itself holds is for `judgeIntent` to say. That its time is over is said last: only of a warrant that
 * would otherwise do is another worth asking for.
 *
 * The token is attacker-controlled: never throws.
 */
export function judgeWarrant(
  token: string | null,
  rules: {
    intent: Intent;
    role: string;
    authorityKey: AuthorityKey;
    /** Epoch milliseconds, of the judge's own clock. */
    nowMs: number;
    /** An older warrant is over for this judge, whatever it says itself. */
    maxAgeSeconds?: number;
  },
): JudgedWarrant {
  const { intent, role, authorityKey, nowMs, maxAgeSeconds = MAX_WARRANT_SECONDS } = rules;
  if (token === null) return refused('warrant_absent', 'the authority gave none');
  const read = readWarrant(token, authorityKey);
  if (!read.ok) return read;
  const { claims } = read;
  if (claims.aud !== role) return refused('warrant_foreign', `it is for ${claims.aud}, this is ${role}`);
  const differs = scopeDifference(claims, warrantScopeOf(intent));
  if (differs !== undefined) return refused('warrant_foreign', `the intent calls for another ${differs}`);
  if (claims.exp * 1000 > epochMs(intent.deadline)) return refused('warrant_foreign', 'it outlives the deadline');
  if (claims.iat * 1000 > nowMs + CLOCK_SKEW_MS) return refused('warrant_not_yet_valid', `issued at ${claims.iat}`);
  const over = Math.min(claims.exp, claims.iat + maxAgeSeconds);
  if (nowMs >= over * 1000) return refused('warrant_expired', `it was over at ${over}`);
  return read;
}

/** The claims of a warrant that the authority signed. */
function readWarrant(token: string, authorityKey: AuthorityKey): JudgedWarrant {
  const malformed = (message: string): JudgedWarrant => refused('warrant_malformed', message);
  const keyOf = (kid: unknown): KeyObject | undefined => (typeof kid === 'string' ? authorityKey(kid) : undefined);
  const opened = openCompact(token, { typ: WARRANT_TYP, member: 'kid', keyOf, maxBytes: MAX_WARRANT_BYTES });
  if (!opened.ok)
    return refused(opened.reason === 'malformed' ? 'warrant_malformed' : 'warrant_not_signed', opened.message);
  const parsed = warrantClaimsSchema.safeParse(opened.payload);
  if (!parsed.success) return malformed('not the claims of a warrant');
  const claims = parsed.data;
  const life = claims.exp - claims.iat;
  if (life <= 0 || life > MAX_WARRANT_SECONDS) return malformed(`it lives ${life} seconds`);
  if (claims.token_scope_hash_b64u !== scopeHashOf(claims)) return malformed('its scope hash is of another scope');
  return { ok: true, claims };
}

/** The first member in which a warrant authorises something else than it should, or undefined. */
function scopeDifference(claims: WarrantClaims, scope: WarrantScope): string | undefined {
  const { reseal, ...common } = scope;
  for (const [name, value] of Object.entries(reseal)) {
    if (!isDeepStrictEqual(claims.reseal[name as keyof typeof reseal], value)) return name;
  }
  return Object.entries(common).find(
    ([name, value]) => !isDeepStrictEqual(claims[name as keyof typeof common], value),
  )?.[0];
}

const refused = (code: WarrantRefusal, message: string): { ok: false; code: WarrantRefusal; message: string } => ({
  ok: false,
  code,
  message,
});
