import { createHash, randomUUID, type KeyObject } from 'node:crypto';

import { roleOfKind } from '../domain/effects/effects.js';
import { epochMs } from '../domain/identifiers.js';
import type { Intent, SignedIntent } from '../domain/intent.js';
import {
  JOB_TOKEN_TYP,
  jobClaimsSchema,
  jobIdOf,
  type JobClaims,
  type JobScope,
  type JobTerms,
} from '../domain/job.js';
import { CLOCK_SKEW_MS } from '../domain/statement.js';
import type { ToolRefusal } from '../domain/tool-call.js';
import { MAX_WARRANT_SECONDS } from '../domain/warrant.js';
import { canonicalJson } from './canonical-json.js';
import { openCompact, signCompact } from './compact-jws.js';
import { thumbprintOf } from './holder-proof.js';
import { verifyIntent, type AuthorityKey } from './signed-intent.js';
import { parseCanonicalJson } from './strict-json.js';

/** What a job's tokens authorise: what its statement asks for, on the target of the intent that stands. */
export function jobScopeOf(
  { intent, envelope }: SignedIntent,
  job: { statement_digest: string; terms: JobTerms; tools: JobScope['scope'] },
): JobScope {
  const { event_id, kind, policy_digest, deadline } = intent;
  const { statement_digest, terms, tools } = job;
  return {
    token_version: '1',
    sub: jobIdOf(event_id, statement_digest),
    aud: ['verifier', roleOfKind(kind)],
    scope: tools,
    policy_hash_b64u: Buffer.from(policy_digest, 'hex').toString('base64url'),
    mission_id: event_id,
    cnf: { jkt: thumbprintOf(terms.holder) },
    reseal: { intent: envelope, statement_digest, deadline },
  };
}

/**
 * Mints a token for a job. It lives `seconds`, never past the intent's deadline nor past `notAfterMs`, when the job's own
 * statement is over; `nowMs` is the authority's time. All in epoch milliseconds but `seconds`.
 */
export async function mintJobToken(
  scope: JobScope,
  key: { keyid: string; privateKey: KeyObject },
  times: { nowMs: number; seconds: number; notAfterMs: number },
): Promise<{ token: string; claims: JobClaims }> {
  const iat = Math.floor(times.nowMs / 1000);
  const latest = Math.floor(Math.min(epochMs(scope.reseal.deadline), times.notAfterMs) / 1000);
  const exp = Math.min(iat + Math.min(times.seconds, MAX_WARRANT_SECONDS), latest);
  const claims = { ...scope, jti: randomUUID(), iat, exp, token_scope_hash_b64u: jobScopeHash(scope) };
  return { token: await signJobToken(claims, key), claims };
}

/** Signs claims as they are. Only {@link mintJobToken} decides what they say. */
export const signJobToken = (
  claims: JobClaims,
  { keyid, privateKey }: { keyid: string; privateKey: KeyObject },
): Promise<string> => signCompact(claims, { typ: JOB_TOKEN_TYP, kid: keyid }, privateKey);

/** SHA-256 of the RFC 8785 form of the scope, in base64url: the same for every token of one job and intent. */
export function jobScopeHash(scope: JobScope): string {
  const { token_version, sub, aud, scope: tools, policy_hash_b64u, mission_id, cnf, reseal } = scope;
  const authorises = { token_version, sub, aud, scope: tools, policy_hash_b64u, mission_id, cnf, reseal };
  return createHash('sha256').update(canonicalJson(authorises)).digest('base64url');
}

/** Verdict on a job's token. `job` is set as soon as the authority's signature on it verified. */
export type JudgedJobToken =
  | { ok: true; claims: JobClaims; signed: SignedIntent; intent: Intent }
  | { ok: false; code: ToolRefusal; message: string; job: JobClaims | null };

/**
 * Whether the authority gave this token to a job of this event, this role may take it, and it is in force. Who presents it
 * is another question. That its time is over is said last.
 *
 * The token is attacker-controlled: never throws.
 */
export function judgeJobToken(
  token: string,
  rules: {
    eventId: string;
    role: string;
    authorityKey: AuthorityKey;
    /** Epoch milliseconds, of the judge's own clock. */
    nowMs: number;
    /** Of one whose time has passed too: for a job's word about itself, which lets it do nothing. */
    evenIfOver?: boolean;
  },
): JudgedJobToken {
  const { eventId, role, authorityKey, nowMs, evenIfOver = false } = rules;
  const keyOf = (kid: unknown): KeyObject | undefined => (typeof kid === 'string' ? authorityKey(kid) : undefined);
  const opened = openCompact(token, { typ: JOB_TOKEN_TYP, member: 'kid', keyOf, maxBytes: 12 * 1024 });
  if (!opened.ok)
    return refused(opened.reason === 'malformed' ? 'token_malformed' : 'token_not_signed', opened.message, null);
  const parsed = jobClaimsSchema.safeParse(opened.payload);
  if (!parsed.success) return refused('token_malformed', 'not the claims of a job token', null);
  const claims = parsed.data;
  const life = claims.exp - claims.iat;
  if (life > MAX_WARRANT_SECONDS) return refused('token_malformed', `it lives ${life} seconds`, claims);
  if (claims.token_scope_hash_b64u !== jobScopeHash(claims))
    return refused('token_malformed', 'its scope hash is of another scope', claims);
  if (claims.mission_id !== eventId) return refused('token_foreign', 'it is of another event', claims);
  if (!claims.aud.includes(role)) return refused('token_foreign', `it is not for ${role}`, claims);
  const signed = signedIntentOf(claims);
  const verified = signed && verifyIntent(signed, authorityKey);
  if (signed === undefined || verified?.ok !== true)
    return refused('token_foreign', 'it holds no intent that the authority signed', claims);
  if (role !== 'verifier' && role !== roleOfKind(verified.intent.kind))
    return refused('token_foreign', `its intent is of ${verified.intent.kind}`, claims);
  const differs = intentDifference(claims, verified.intent);
  if (differs !== undefined) return refused('token_foreign', `its intent has another ${differs}`, claims);
  if (claims.iat * 1000 > nowMs + CLOCK_SKEW_MS)
    return refused('token_not_yet_valid', `issued at ${claims.iat}`, claims);
  if (nowMs >= claims.exp * 1000 && !evenIfOver)
    return refused('token_expired', `it was over at ${claims.exp}`, claims);
  return { ok: true, claims, signed, intent: verified.intent };
}

function signedIntentOf({ reseal }: JobClaims): SignedIntent | undefined {
  const json = parseCanonicalJson(Buffer.from(reseal.intent.payload, 'base64'));
  return json.ok ? { intent: json.value as Intent, envelope: reseal.intent } : undefined;
}

function intentDifference(claims: JobClaims, intent: Intent): string | undefined {
  if (intent.event_id !== claims.mission_id) return 'event';
  if (claims.sub !== jobIdOf(intent.event_id, claims.reseal.statement_digest)) return 'job';
  if (intent.deadline !== claims.reseal.deadline || claims.exp * 1000 > epochMs(intent.deadline)) return 'deadline';
  const policy = Buffer.from(intent.policy_digest, 'hex').toString('base64url');
  if (policy !== claims.policy_hash_b64u) return 'policy';
  return undefined;
}

const refused = (code: ToolRefusal, message: string, job: JobClaims | null): JudgedJobToken => ({
  ok: false,
  code,
  message,
  job,
});
