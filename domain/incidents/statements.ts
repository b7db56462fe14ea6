import { z } from 'zod';
import { digestSchema } from '../identifiers.js';
import { signedStatementSchema, spokenFields, type SignedStatement } from '../statement.js';
import { artifactKindSchema } from './classes.js';
import { hostNameSchema, incidentIdSchema } from './incident-id.js';

/**
 * What people sign about an incident: RFC 8785 text under SSHSIG, in the namespace of every other statement. Each names one
 * settled containment by its binding, so that none outlives a change of it.
 */
const common = {
  ...spokenFields,
  incident_id: incidentIdSchema,
  containment_binding: digestSchema,
  note: z.string().min(1).max(500).optional(),
};

/** I have looked at this incident, know its cause, and answer for the recovery. */
export const acknowledgeStatementSchema = z.strictObject({ ...common, act: z.literal('acknowledge') });
/** End it: what is missing is refused, not waived. */
export const resolveStatementSchema = z.strictObject({ ...common, act: z.literal('resolve') });
/** There is no healthy quote of this host to compare with, and it may be judged without. */
export const waiveBaselineStatementSchema = z.strictObject({
  ...common,
  act: z.literal('waive_baseline'),
  host: hostNameSchema,
});
/** Golden values or keys newer than the containment count for this host, by the digest of their document. */
export const acceptBaselineStatementSchema = z.strictObject({
  ...common,
  act: z.literal('accept_baseline'),
  host: hostNameSchema,
  reference_digest: digestSchema,
});
/** Evidence of the root cause that the playbook demands: a file, by its digest. */
export const artifactStatementSchema = z.strictObject({
  ...common,
  act: z.literal('artifact'),
  kind: artifactKindSchema,
  digest: digestSchema,
});

export const incidentStatementSchema = z.discriminatedUnion('act', [
  acknowledgeStatementSchema,
  resolveStatementSchema,
  waiveBaselineStatementSchema,
  acceptBaselineStatementSchema,
  artifactStatementSchema,
]);
export type IncidentStatement = z.output<typeof incidentStatementSchema>;
export type IncidentAct = IncidentStatement['act'];

/** Why a statement about an incident does not count. */
export const INCIDENT_STATEMENT_REFUSALS = {
  malformed: 'it is not a signed statement about an incident in RFC 8785 form',
  too_large: 'payload or signature is longer than a statement can be',
  unknown_person: 'the roster knows nobody of this name',
  bad_signature: 'no key that the roster has of this person made the signature',
  not_human: 'only people answer for a recovery',
  not_operator: 'the playbook names who may say this, and this person is none of them',
  not_valid_now: 'the roster does not let this person speak now',
  foreign_incident: 'it is about another incident',
  foreign_binding: 'it answers another containment than the one that stands',
  not_yet_issued: 'it was issued in the future',
  expired: 'its time is over',
  not_settled: 'the containment has not settled: there is nothing yet that it could answer',
  needs_signature: 'an incident like this one is acknowledged by a signed statement',
  duplicate: 'this person has said so already',
  superseded: 'a later failure or a changed containment voided it',
} as const;
export type IncidentStatementRefusal = keyof typeof INCIDENT_STATEMENT_REFUSALS;
export const incidentStatementRefusalSchema = z.enum(
  Object.keys(INCIDENT_STATEMENT_REFUSALS) as [IncidentStatementRefusal, ...IncidentStatementRefusal[]],
);

/** Verdict on the bytes and the signature alone. `digest` is by what its sender asks; `statement_digest` is of the payload. */
export const checkedIncidentStatementSchema = z.discriminatedUnion('ok', [
  z.strictObject({
    ok: z.literal(true),
    digest: digestSchema,
    statement_digest: digestSchema,
    statement: incidentStatementSchema,
    person: z.string(),
    method: z.string().max(64),
  }),
  z.strictObject({ ok: z.literal(false), digest: digestSchema, reason: incidentStatementRefusalSchema }),
]);
export type CheckedIncidentStatement = z.output<typeof checkedIncidentStatementSchema>;

/**
 * An acknowledgement that nobody signed: the gateway's word that the holder of a token named this person. Worth what a
 * namespace writer's word is, so it counts only where the authority's own settings and the playbook ask for no more.
 */
export const bearerAcknowledgementSchema = z.strictObject({
  operator: z.string().min(1).max(256),
  token_name: z.string().min(1).max(64),
});
export type BearerAcknowledgement = z.output<typeof bearerAcknowledgementSchema>;

/** Payload of the signals `acknowledge`, `resolve` and `statement`: one signed statement, or the gateway's word. */
export const incidentSaidSchema = z.union([
  z.strictObject({ envelope: signedStatementSchema }),
  z.strictObject({ bearer: bearerAcknowledgementSchema }),
]);
export type IncidentSaid = { envelope: SignedStatement } | { bearer: BearerAcknowledgement };
