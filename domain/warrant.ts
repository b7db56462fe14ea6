import { z } from 'zod';
import { MAX_TOKEN_TTL_SECONDS } from './contract.js';
import { EFFECT_KINDS, toolsOfKind, tupleSchema } from './effects/effects.js';
import { digestSchema, eventIdSchema, instantSchema } from './identifiers.js';

/**
 * The warrant: the scoped token that the authority gives for one privileged call. It is no secret, because it is useless
 * without the credential of the role that it names, and it outlives nothing: what must be honoured for ever is the intent.
 *
 * A compact JWS (RFC 7515) over RFC 8785 JSON. Claims have the names of clawbureau's `claw.auth.scoped_token_claims.v1`
 * where that has one; what is ours stands under `reseal`.
 */

/** The header's `typ` (RFC 8725 §3.11), so that no other token of the authority's can pass for a warrant. */
export const WARRANT_TYP = 'reseal-warrant+jwt';
/** The only algorithm: Ed25519 under its fully specified name (RFC 9864). */
export const WARRANT_ALG = 'Ed25519';

/** How long a warrant lives where no contract says otherwise, in seconds. It never outlives its grant's deadline. */
export const WARRANT_SECONDS = 120;
/** No contract may ask for more, and none that lives longer is honoured. */
export const MAX_WARRANT_SECONDS = MAX_TOKEN_TTL_SECONDS;

/** The tools that a warrant is given for, as a contract's allow list names them. */
export const WARRANT_SCOPES = EFFECT_KINDS.map((kind) => toolsOfKind(kind).write) as [string, ...string[]];

/** 32 bytes in base64url without padding (RFC 4648 §5). */
export const b64uDigestSchema = z.string().regex(/^[A-Za-z0-9_-]{43}$/, 'expected 43 characters of base64url');
const secondsSchema = z.number().int().min(0);

/**
 * What a warrant authorises: everything but when. It follows from the intent alone, so that whoever holds the intent can
 * tell what its warrants must say.
 */
export const warrantScopeSchema = z.strictObject({
  token_version: z.literal('1'),
  /** Whose job it is: the ceremony's workflow id. */
  sub: z.string().min(1).max(200),
  /** The one role that may use it. */
  aud: z.string().min(1).max(100),
  scope: z.array(z.enum(WARRANT_SCOPES)).length(1),
  /** Of the policy, or the contract, that people signed. */
  policy_hash_b64u: b64uDigestSchema,
  /** The event. */
  mission_id: eventIdSchema,
  reseal: z.strictObject({
    effect: z.enum(EFFECT_KINDS),
    /** `restore` gives somebody reach and expires; `reduce` takes it away, and needs the intent alone. */
    direction: z.enum(['restore', 'reduce']),
    tuple: tupleSchema,
    round: z.number().int().min(1),
    intent_digest: digestSchema,
    evidence_digest: digestSchema,
    deadline: instantSchema,
  }),
});
export type WarrantScope = z.output<typeof warrantScopeSchema>;

/** All claims. `iat` and `exp` are seconds since 1970 (RFC 7519 §2). */
export const warrantClaimsSchema = warrantScopeSchema.extend({
  jti: z.uuid(),
  iat: secondsSchema,
  exp: secondsSchema,
  /** SHA-256 of the RFC 8785 form of the scope, with `aud` as a list: the same for every warrant of one intent. */
  token_scope_hash_b64u: b64uDigestSchema,
});
export type WarrantClaims = z.output<typeof warrantClaimsSchema>;

/** A warrant as it travels; the bound is several times what one takes. */
export const MAX_WARRANT_BYTES = 8192;
export const warrantTokenSchema = z.string().max(MAX_WARRANT_BYTES);

/** Why a warrant does not carry a call. */
export type WarrantRefusal =
  | 'warrant_absent'
  | 'warrant_malformed'
  | 'warrant_not_signed'
  | 'warrant_foreign'
  | 'warrant_not_yet_valid'
  | 'warrant_expired';

/** Those of a warrant that was good once, or is missing: the authority may give another. */
export const RENEWABLE: ReadonlySet<string> = new Set<WarrantRefusal>(['warrant_absent', 'warrant_expired']);
