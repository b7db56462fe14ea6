import { z } from 'zod';
import { ATTESTATION_CHECK_CODES } from '../attestation.js';
import { digestSchema, epochMs, instantSchema } from '../identifiers.js';
import { dsseEnvelopeSchema } from '../intent.js';
import { signedStatementSchema } from '../statement.js';
import { hostNameSchema, incidentIdSchema } from './incident-id.js';

/** The DSSE payload type of a result, so that no other word of the verifier can be taken for one. */
export const ATTESTATION_RESULT_TYPE = 'application/vnd.reseal.attestation-result+json';

/** Why a host is asked: at its containment, to be trusted again, or by the schedule while nothing is wrong. */
export const ATTESTATION_PURPOSES = ['baseline', 'recovery', 'scheduled'] as const;
export type AttestationPurpose = (typeof ATTESTATION_PURPOSES)[number];

const hexSchema = z.string().regex(/^([0-9a-f]{2})+$/, 'expected lower-case hex');
const MAX_ATTEMPT = 1_000_000;

const about = {
  /** Null for a scheduled attestation, which is of no incident. */
  incident_id: incidentIdSchema.nullable(),
  host: hostNameSchema,
  /** Counts up from 1 within incident and binding; each has an answer of its own. */
  attempt: z.number().int().min(1).max(MAX_ATTEMPT),
  /** Hex; null for a scheduled attestation, and for nothing else. */
  containment_binding: digestSchema.nullable(),
  purpose: z.enum(ATTESTATION_PURPOSES),
  /** When containment had settled; null for a scheduled attestation. The result repeats it: whoever relies on it compares. */
  contained_at: instantSchema.nullable(),
};

/** Input of `attestHost`. It is anybody's: nothing in it makes a host pass. */
export const attestHostInputSchema = z
  .strictObject({
    ...about,
    /** Signed `waive_baseline` and `accept_baseline` statements of this incident and binding; others are passed over. */
    statements: z.array(signedStatementSchema).max(64).default([]),
  })
  .refine(
    ({ purpose, ...of }) =>
      [of.incident_id, of.containment_binding, of.contained_at].every(
        (member) => (member === null) === (purpose === 'scheduled'),
      ),
    'incident_id, containment_binding and contained_at are null for purpose scheduled, and for no other',
  );
export type AttestHostInput = z.input<typeof attestHostInputSchema>;

/**
 * Codes of a refusal: those of the quote's checks, and `NO_EVIDENCE`: the host answered, and its answer was no evidence (its
 * agent or its TPM refused).
 */
export const FAILED_CHECKS = [...ATTESTATION_CHECK_CODES, 'NO_EVIDENCE'] as const;
export type FailedCheck = (typeof FAILED_CHECKS)[number];

/** The quote that resets are counted from. `containment`: taken at containment; `last_healthy`: the last good one before it; `waived`: a quorum said to go without; `none`: there is none, or none is needed. */
const baselineSchema = z.strictObject({
  kind: z.enum(['containment', 'last_healthy', 'waived', 'none']),
  /** When it was taken; null for `waived` and `none`. */
  at: instantSchema.nullable(),
  /** Persons whose waivers count, sorted; empty unless `waived`. */
  waived_by: z.array(z.string()),
});

/**
 * What the verifier says of one attempt, signed as DSSE by its key alone. It names everything that it answers, so that it is
 * of use for this incident, this containment, this host and this attempt, until `expires_at`, and for nothing else.
 */
export const attestationResultSchema = z.strictObject({
  type: z.literal('reseal.attestation_result.v1'),
  ...about,
  /** Hex of the nonce, minted for this attempt and spent with it. */
  nonce: digestSchema,
  /** TPM Name of the key that was to sign, and the digest and version of the reference that named it; null where the host has none. */
  ak_name: hexSchema.nullable(),
  reference_digest: digestSchema.nullable(),
  reference_version: z.number().int().min(1).nullable(),
  /**
   * When the verifier first knew of the reference, and whether that was after containment. Who accepted it (person ids,
   * sorted): at enrolment, or for a newer one in this very incident, by `accept_baseline`.
   */
  reference_recorded_at: instantSchema.nullable(),
  reference_accepted_by: z.array(z.string()),
  reference_is_newer: z.boolean(),
  baseline: baselineSchema,
  verdict: z.enum(['passed', 'refused']),
  /** Of a refusal: the first check that failed, and what was expected. */
  failed_check: z.enum(FAILED_CHECKS).optional(),
  expected: z.string().max(4000).optional(),
  checks: z.array(z.strictObject({ code: z.enum(ATTESTATION_CHECK_CODES), ok: z.boolean(), detail: z.string() })),
  /** Of a quote whose signature and nonce were good; null otherwise. */
  counters: z
    .strictObject({
      reset_count: z.number().int(),
      restart_count: z.number().int(),
      clock_ms: z.string(),
      safe: z.boolean(),
    })
    .nullable(),
  issued_at: instantSchema,
  expires_at: instantSchema,
});
export type AttestationResult = z.output<typeof attestationResultSchema>;

/** Why there is no verdict yet. Each passes by itself, and says nothing about the host. */
export const WAITING_REASONS = ['unreachable', 'tpm_busy', 'torn_read'] as const;
export type WaitingReason = (typeof WAITING_REASONS)[number];

/** Answer of `attestHost`. After `waiting` the same attempt may be asked for again: it then has another nonce. */
export const attestHostOutcomeSchema = z.discriminatedUnion('outcome', [
  z.strictObject({ outcome: z.literal('result'), result: dsseEnvelopeSchema }),
  z.strictObject({ outcome: z.literal('waiting'), reason: z.enum(WAITING_REASONS), detail: z.string().max(500) }),
]);
export type AttestHostOutcome = z.output<typeof attestHostOutcomeSchema>;

/** The verifier's part in recovery. */
export interface AttestationTasks {
  attestHost(input: AttestHostInput): Promise<AttestHostOutcome>;
  /** The hosts that have an agent and an accepted reference: those that the schedule attests. */
  listAttested(): Promise<AttestedHosts>;
}

export const attestedHostsSchema = z.strictObject({ hosts: z.array(hostNameSchema).max(1000) });
export type AttestedHosts = z.output<typeof attestedHostsSchema>;

/** What a result is held against before it opens anything. */
export interface AttestationWanted {
  incident_id: string;
  host: string;
  containment_binding: string;
  contained_at: string;
  /** Person ids of who acknowledged: what they accepted or waived themselves does not count. */
  acknowledged_by: readonly string[];
  /** How many others must have accepted a reference that is newer than the containment, or have waived the baseline. */
  quorum: number;
  nowMs: number;
}

/** Why a result that the verifier signed opens nothing here. */
export const ATTESTATION_OBJECTIONS = {
  foreign_attestation: 'it answers another incident, host or containment',
  attestation_not_for_recovery: 'it was asked for another purpose',
  attestation_refused: 'the host was refused',
  attestation_expired: 'it is no longer good: attest again',
  reference_without_quorum:
    'the values it was judged by were accepted after the containment, by too few besides who acknowledged',
  waiver_without_quorum: 'the quote at containment was waived by too few besides who acknowledged',
  attestation_without_baseline: 'nothing shows that the host was restarted since its containment',
} as const;
export type AttestationObjection = keyof typeof ATTESTATION_OBJECTIONS;

/** What stands between a verified result and the gate, or undefined. The signature is checked by `readAttestationResult`. */
export function attestationObjection(
  result: AttestationResult,
  wanted: AttestationWanted,
): AttestationObjection | undefined {
  const others = (people: readonly string[]): number =>
    new Set(people.filter((person) => !wanted.acknowledged_by.includes(person))).size;
  if (
    result.incident_id !== wanted.incident_id ||
    result.host !== wanted.host ||
    result.containment_binding !== wanted.containment_binding ||
    result.contained_at !== wanted.contained_at
  )
    return 'foreign_attestation';
  if (result.purpose !== 'recovery') return 'attestation_not_for_recovery';
  if (result.verdict !== 'passed') return 'attestation_refused';
  if (wanted.nowMs >= epochMs(result.expires_at)) return 'attestation_expired';
  if (result.reference_is_newer && others(result.reference_accepted_by) < wanted.quorum)
    return 'reference_without_quorum';
  if (result.baseline.kind === 'none') return 'attestation_without_baseline';
  if (result.baseline.kind === 'waived' && others(result.baseline.waived_by) < wanted.quorum)
    return 'waiver_without_quorum';
  return undefined;
}
