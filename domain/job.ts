import { z } from 'zod';
import { JOB_TOOLS } from './job-tools.js';
import { digestSchema, eventIdSchema, instantSchema } from './identifiers.js';
import { dsseEnvelopeSchema } from './intent.js';
import { b64uDigestSchema } from './warrant.js';

/**
 * A job: a script or an agent that works inside a ceremony's window. Invoker or principal sign a `job` statement that names
 * a key of the job's own; the authority gives that key's holder a token for tools, minutes long, and another for as long as
 * the ceremony stands. A token without the key is worth nothing.
 */

export const jobToolSchema = z.enum(JOB_TOOLS);

/** The header's `typ` (RFC 8725 §3.11), so that neither token passes for another. */
export const JOB_TOKEN_TYP = 'reseal-job+jwt';
export const HOLDER_PROOF_TYP = 'reseal-proof+jwt';

/** A proof of possession counts for that long after it was made, in seconds. */
export const PROOF_SECONDS = 60;

/** What a `job` statement asks for. */
export const jobTermsSchema = z.strictObject({
  /** The job's public key: `x` of its Ed25519 JWK (RFC 8037 §2), 32 bytes in base64url. */
  holder: b64uDigestSchema,
  tools: z
    .array(jobToolSchema)
    .min(1)
    .refine((tools) => new Set(tools).size === tools.length, 'the same tool twice'),
  /** What confines the job on its machine, in its author's words: nobody checks it. null: nothing does. */
  confined_by: z.string().min(1).max(200).nullable(),
});
export type JobTerms = z.output<typeof jobTermsSchema>;

/**
 * As many jobs are let into one ceremony: each stands in its ledger and its bundle with the statement that let it in, about
 * a kilobyte. The same statement is the same job, however many tokens it is given.
 */
export const MAX_JOBS = 256;

/** `digest` is the hex SHA-256 of the statement's payload: two statements are never the same job. */
export const jobIdOf = (eventId: string, digest: string): string => `job/${eventId}/${digest.slice(0, 16)}`;
export const jobIdSchema = z.string().regex(/^job\/[0-9a-f]{16}\/[0-9a-f]{16}$/);

/** What a job's token authorises: everything but when. */
export const jobScopeSchema = z.strictObject({
  token_version: z.literal('1'),
  sub: jobIdSchema,
  /** The roles that take it. */
  aud: z.array(z.string().min(1).max(100)).min(1).max(8),
  scope: z.array(jobToolSchema).min(1),
  policy_hash_b64u: b64uDigestSchema,
  /** The event. */
  mission_id: eventIdSchema,
  /** The holder's key, by its JWK thumbprint (RFC 7800 §3.1, RFC 7638). */
  cnf: z.strictObject({ jkt: b64uDigestSchema }),
  reseal: z.strictObject({
    /** The authority's signed intent: whose target the tools act on, and until when. */
    intent: dsseEnvelopeSchema,
    /** Of the payload that invoker or principal signed. */
    statement_digest: digestSchema,
    deadline: instantSchema,
  }),
});
export type JobScope = z.output<typeof jobScopeSchema>;

const secondsSchema = z.number().int().min(0);

/** All claims. `iat` and `exp` are seconds since 1970. */
export const jobClaimsSchema = jobScopeSchema.extend({
  jti: z.uuid(),
  iat: secondsSchema,
  exp: secondsSchema,
  /** SHA-256 of the RFC 8785 form of the scope. */
  token_scope_hash_b64u: b64uDigestSchema,
});
export type JobClaims = z.output<typeof jobClaimsSchema>;

/** A token and a proof as they travel; both fit into the headers of a request. */
export const jobTokenSchema = z.string().max(12 * 1024);
export const holderProofSchema = z.string().max(2048);

/**
 * What a proof of possession says: after DPoP (RFC 9449 §4.2), with the request itself besides. `htu` is the path alone,
 * because a gateway is reached under several names.
 */
export const holderProofClaimsSchema = z.strictObject({
  jti: z.uuid(),
  iat: secondsSchema,
  htm: z.literal('POST'),
  htu: z.string().min(1).max(300),
  /** SHA-256 of the token's ASCII bytes. */
  ath: b64uDigestSchema,
  /** SHA-256 of the RFC 8785 form of the body. */
  request_hash_b64u: b64uDigestSchema,
});
export type HolderProofClaims = z.output<typeof holderProofClaimsSchema>;

/** The path of a tool at the gateway: what a proof for a call of it names. */
export const toolPath = (tool: string): string => (tool === MODEL_RECEIPT ? '/v1/receipts' : `/v1/tools/${tool}`);

/** Not a tool: a signed receipt of a model call, handed in by the job that made it. */
export const MODEL_RECEIPT = 'reseal.model_receipt';
