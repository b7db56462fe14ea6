import { z } from 'zod';
import { PCR_BANKS, type PcrBank } from './attestation-policy.js';

/** What the agent on a host is asked, and what it answers: JSON over HTTP, bytes in standard base64. */

const base64Schema = z.base64().max(16_384);
const banks = Object.keys(PCR_BANKS) as [PcrBank, ...PcrBank[]];

/** `POST /v1/quote`. */
export const quoteQuestionSchema = z.strictObject({
  /** Hex, 16 to 32 bytes: a TPM takes no more than its longest hash. */
  nonce: z.string().regex(/^([0-9a-f]{2}){16,32}$/, 'expected 16 to 32 bytes as lower-case hex'),
  pcrs: z
    .partialRecord(z.enum(banks), z.array(z.number().int().min(0).max(23)).min(1).max(24))
    .refine((of) => Object.keys(of).length > 0, 'expected at least one bank'),
  /** Whether the event log is wanted too, where the host has one (false). */
  event_log: z.boolean().optional(),
});
export type QuoteQuestion = z.output<typeof quoteQuestionSchema>;

export const quoteAnswerSchema = z.strictObject({
  /** TPMS_ATTEST. */
  quote: base64Schema,
  /** TPMT_SIGNATURE. */
  signature: base64Schema,
  /** TPM2B_PUBLIC of the key: the host's own word, for whoever has to tell several keys apart. */
  ak: base64Schema,
  /** Bank, index, hex. */
  pcrs: z.record(z.string(), z.record(z.string(), z.string())),
  /** Null when none was wanted, or the host has none. */
  event_log: z.base64().nullable(),
});
export type QuoteAnswer = z.output<typeof quoteAnswerSchema>;

/** `POST /v1/activate`: a challenge of TPM2_MakeCredential, without the lengths of the TPM2Bs around its parts. */
export const activateQuestionSchema = z.strictObject({ credential_blob: base64Schema, encrypted_secret: base64Schema });
export const activateAnswerSchema = z.strictObject({ secret: base64Schema });

/** `POST /v1/keys`, asked with an empty object: what a host has to be enrolled with. All of it is the host's word. */
export const keysQuestionSchema = z.strictObject({});
export const keysAnswerSchema = z.strictObject({
  /** TPM2B_PUBLIC of both keys. */
  ek: base64Schema,
  ak: base64Schema,
  /** DER, as the TPM keeps it; null when it keeps none for this endorsement key. */
  ek_certificate: base64Schema.nullable(),
});
export type KeysAnswer = z.output<typeof keysAnswerSchema>;

/** Why the agent did not answer; the first four pass by themselves, and the same question may be asked again. */
export const AGENT_REFUSALS = {
  tpm_unreachable: { http: 503, passes: true },
  tpm_busy: { http: 503, passes: true },
  torn_read: { http: 503, passes: true },
  agent_busy: { http: 429, passes: true },
  tpm_lockout: { http: 503, passes: false },
  tpm_refused: { http: 422, passes: false },
  tpm_malformed: { http: 502, passes: false },
  malformed: { http: 400, passes: false },
  unauthorized: { http: 401, passes: false },
  not_found: { http: 404, passes: false },
  too_large: { http: 413, passes: false },
  internal: { http: 500, passes: false },
} as const satisfies Readonly<Record<string, { http: number; passes: boolean }>>;
export type AgentRefusal = keyof typeof AGENT_REFUSALS;

export const agentErrorSchema = z.strictObject({
  error: z.strictObject({
    code: z.enum(Object.keys(AGENT_REFUSALS) as [AgentRefusal, ...AgentRefusal[]]),
    message: z.string(),
  }),
});
