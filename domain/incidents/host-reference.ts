import { z } from 'zod';
import { pcrPolicySchema } from '../attestation-policy.js';
import { digestSchema, epochMs } from '../identifiers.js';
import { isNamed } from '../parties.js';
import type { PersonFacts } from '../quorum.js';
import { isValidAt } from '../roster.js';
import { CLOCK_SKEW_MS, signedStatementSchema, spokenFields } from '../statement.js';
import { expiryOf } from '../verdict.js';
import { hostNameSchema } from './incident-id.js';

const keySchema = z.base64().min(1).max(4096);
const MAX_CHAIN = 8;
/** Of its RFC 8785 text. */
export const MAX_REFERENCE_BYTES = 512 * 1024;

/**
 * What one host is judged by: the keys of its TPM, and the values that it may show. A version counts up; what is allowed
 * anew is another version, which keeps the old alternatives for as long as they are good.
 */
export const hostReferenceSchema = z
  .strictObject({
    schema: z.literal('reseal.host_reference.v1'),
    host: hostNameSchema,
    version: z.number().int().min(1),
    /** TPM2B_PUBLIC of the endorsement key and of the attestation key under it, in base64. */
    ek: keySchema,
    ak: keySchema,
    /** The TPM's certificate for its endorsement key and what leads to a root of its vendor, DER in base64; empty where the TPM has none. */
    ek_chain: z.array(z.base64().max(16_384)).max(MAX_CHAIN),
    /** Whether the firmware's event log is asked for, and must lead to the quoted values. */
    event_log: z.boolean(),
    /** Its name is the host's, its version this one's. */
    policy: pcrPolicySchema,
  })
  .superRefine(({ host, version, policy, event_log }, context) => {
    const issue = (member: string, message: string): void =>
      context.addIssue({ code: 'custom', path: ['policy', member], message });
    if (policy.components !== undefined && !event_log)
      issue('components', 'they are judged by the event log: expected event_log: true');
    if (policy.name !== host) issue('name', `expected the host's, ${host}`);
    if (policy.version !== version) issue('version', `expected that of the reference, ${version}`);
    if (policy.aks?.length !== 1) issue('aks', 'expected exactly the Name of the attestation key');
  });
export type HostReference = z.output<typeof hostReferenceSchema>;

/**
 * I take responsibility for this reference of this host. Signed like every other statement; of no incident. What is newer
 * than a containment needs `accept_baseline` in that incident besides.
 */
export const enrolStatementSchema = z.strictObject({
  ...spokenFields,
  act: z.literal('enroll_host'),
  host: hostNameSchema,
  reference_digest: digestSchema,
});
export type EnrolStatement = z.output<typeof enrolStatementSchema>;

/** A reference as it travels: its RFC 8785 text, and who accepted it. Both are anybody's until verified. */
export const signedReferenceSchema = z.strictObject({
  schema: z.literal('reseal.signed_host_reference.v1'),
  reference: z.string().min(2).max(MAX_REFERENCE_BYTES),
  acceptances: z.array(signedStatementSchema).max(32),
});
export type SignedReference = z.output<typeof signedReferenceSchema>;

/** Who may accept references, and how many of them it takes. */
export interface Acceptors {
  /** `group:…` and `person:…`; everybody on the roster when left out. */
  parties?: readonly string[];
  /** How many enrol a host, at least 1. */
  enrol: number;
  /** How many it takes after a containment, for newer values and for a waiver. */
  quorum: number;
}

/** Why somebody's acceptance of a reference does not count. */
export type AcceptanceObjection = 'foreign_reference' | 'not_human' | 'not_acceptor' | 'not_valid_now' | 'stale';

/** What is against a verified acceptance when it is first seen; undefined: it counts, from then on. */
export function acceptanceObjection(
  statement: EnrolStatement,
  person: PersonFacts,
  of: { host: string; digest: string },
  acceptors: Acceptors,
  nowMs: number,
): AcceptanceObjection | undefined {
  if (statement.host !== of.host || statement.reference_digest !== of.digest) return 'foreign_reference';
  return (
    acceptorObjection(person, acceptors, nowMs) ??
    (epochMs(statement.issued_at) > nowMs + CLOCK_SKEW_MS || nowMs >= expiryOf(statement.issued_at, statement.not_after)
      ? 'stale'
      : undefined)
  );
}

/** Whether somebody may take such responsibility at all: a human, named, whom the roster lets speak now. */
export function acceptorObjection(
  person: PersonFacts,
  { parties }: Pick<Acceptors, 'parties'>,
  nowMs: number,
): 'not_human' | 'not_acceptor' | 'not_valid_now' | undefined {
  if (person.kind !== 'human') return 'not_human';
  if (parties !== undefined && !isNamed(parties, person)) return 'not_acceptor';
  return isValidAt(person, nowMs) ? undefined : 'not_valid_now';
}
