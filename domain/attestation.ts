import { z } from 'zod';

/**
 * What is checked of a quote, in this order; each name is the code of the check and, when it fails, of the refusal. The
 * text says what is expected.
 */
export const ATTESTATION_CHECKS = {
  EVIDENCE_MALFORMED: 'quote, signature, key and PCR values are what they should be, to the last byte',
  AK_NOT_ENROLLED: 'the key is one that was enrolled',
  AK_ATTRIBUTES: 'the key was made in this TPM, never leaves it, and signs only what the TPM says itself',
  SCHEME: 'RSASSA, RSAPSS or ECDSA, exactly as the key demands, by a key that is long enough',
  WEAK_HASH: 'SHA-256, SHA-384 or SHA-512 everywhere',
  BAD_SIGNATURE: 'the key signed exactly these bytes',
  NONCE_MISMATCH: 'the quote answers the nonce that was given',
  AK_NOT_CHILD_OF_EK: 'the key says that it lies under the endorsement key',
  PCR_NOT_QUOTED: 'exactly the PCRs that are shown were quoted, and all that the policy names',
  PCR_DIGEST_MISMATCH: 'the values shown are those that were quoted',
  EVENTLOG_MISMATCH: 'the event log leads to the quoted values',
  PCR_NOT_GOLDEN: 'each PCR has a value that the policy allows',
  FIRMWARE_CHANGED: "the TPM's firmware is the one known",
  RESET_COUNT_BACK: 'the count of resets has not gone back',
  CLOCK_BACK: "the TPM's clock has not gone back",
  NO_REBOOT_SINCE_CONTAINMENT: 'the machine was reset since the earlier quote',
  CLOCK_UNSAFE: 'the TPM knows its clock, or was reset since the earlier quote',
} as const;
export type AttestationCheckCode = keyof typeof ATTESTATION_CHECKS;
export const ATTESTATION_CHECK_CODES = Object.keys(ATTESTATION_CHECKS) as [
  AttestationCheckCode,
  ...AttestationCheckCode[],
];

const hexSchema = z.string().regex(/^([0-9a-f]{2})*$/, 'expected lower-case hex');

/** What a quote says, once its signature has been checked. Numbers of 64 bits are decimal text or hex. */
export const quotedFactsSchema = z.strictObject({
  /** `sha256:0,1,7`, as tpm2-tools write it. */
  selection: z.string(),
  pcr_digest: hexSchema,
  nonce: hexSchema,
  /** TPM Name of the key; null for a PEM. */
  ak_name: hexSchema.nullable(),
  ak_spki_sha256: hexSchema,
  scheme: z.enum(['rsassa', 'rsapss', 'ecdsa']),
  hash: z.string(),
  clock_ms: z.string(),
  reset_count: z.number().int(),
  restart_count: z.number().int(),
  safe: z.boolean(),
  firmware_version: hexSchema,
});
export type QuotedFacts = z.output<typeof quotedFactsSchema>;

/** What the verifier says of one quote. `ok` means that every check that was made held, the signature's among them. */
export const attestationReportSchema = z.strictObject({
  ok: z.boolean(),
  checks: z.array(z.strictObject({ code: z.enum(ATTESTATION_CHECK_CODES), ok: z.boolean(), detail: z.string() })),
  /** What was not checked, and why: nothing was given to hold it against, or an earlier check failed. */
  not_checked: z.array(z.strictObject({ code: z.enum(ATTESTATION_CHECK_CODES), detail: z.string() })),
  /** Null until the signature has been checked. */
  quoted: quotedFactsSchema.nullable(),
  /** Name, version and hex SHA-256 of the PCR policy that judged; null without one. */
  policy: z.strictObject({ name: z.string(), version: z.number().int(), digest: hexSchema }).nullable(),
});
export type AttestationReport = z.output<typeof attestationReportSchema>;
