import { z } from 'zod';
import { digestSchema, instantSchema } from '../identifiers.js';
import { dsseEnvelopeSchema, type DsseEnvelope } from '../intent.js';
import { signedStatementSchema, type SignedStatement } from '../statement.js';
import type { AttestationTasks } from './attestation-result.js';
import { containmentActionSchema, severitySchema, type ContainmentAction } from './classes.js';
import { targetOutcomeSchema } from './containment.js';
import { gateMissingSchema } from './gate.js';
import type { Operators } from './operators.js';
import { incidentIdSchema } from './incident-id.js';
import { incidentSchema, settledSchema, type IncidentReport } from './incident.js';
import { incidentReceiptSchema, type IncidentItem, type IncidentReceipt } from './incident-entry.js';
import { bearerAcknowledgementSchema, type CheckedIncidentStatement } from './statements.js';
import { healthSchema, type IncidentView } from './view.js';

/**
 * What each role is asked in a recovery, by activity name, and what it answers. Answers can be completed by anybody who can
 * write to the namespace: each is parsed with the schema here, and nothing that opens a latch rests on one. Each carries
 * the role's own signed entry, which does.
 */

/** Register, `recordIncidentEvent`: idempotent by `report_id`. */
export const recordedEventSchema = z.discriminatedUnion('outcome', [
  z.strictObject({
    outcome: z.literal('recorded'),
    incident_id: incidentIdSchema,
    /** A new incident; otherwise the event joined its open one. */
    opened: z.boolean(),
    joined: z.boolean(),
    /** Severity or actions of an incident that was open already are others now: its workflow has to hear of it. */
    escalated: z.boolean(),
    severity: severitySchema,
    containment_actions: z.array(containmentActionSchema),
    generation: z.number().int().min(1),
  }),
  z.strictObject({
    outcome: z.literal('refused'),
    code: z.enum(['reporter_rate', 'host_unknown', 'reporter_scope']),
    message: z.string().max(500),
  }),
]);
export type RecordedEvent = z.output<typeof recordedEventSchema>;

/** Register, `incidentStanding`: the incident now, with a fresh entry that says so. */
export const standingOutcomeSchema = z.strictObject({ incident: incidentSchema, receipt: incidentReceiptSchema });
export type StandingOutcome = z.output<typeof standingOutcomeSchema>;

export interface IncidentRegisterTasks {
  recordIncidentEvent(report: IncidentReport): Promise<RecordedEvent>;
  /** Throws the non-retryable failure `incident_unknown`. */
  incidentStanding(input: { incident_id: string }): Promise<StandingOutcome>;
  /** Idempotent by transition; a `resolved` entry closes the row and seals the bundle. Throws `incident_unknown`. */
  appendIncident(input: { incident_id: string; items: IncidentItem[]; view: IncidentView }): Promise<{ count: number }>;
}

/** In the worker that runs the workflow; never throws for what it is given. */
export interface IncidentCeremoniesTasks {
  checkIncidentStatements(input: {
    envelopes: SignedStatement[];
    /** By the register's playbook; whoever judges the release goes by its own. */
    operators?: Operators;
  }): Promise<CheckedIncidentStatement[]>;
  /** What a result says that the verifier signed; null for anything else. */
  readAttestation(input: { result: DsseEnvelope }): Promise<ReadAttestation | null>;
}

/** What the workflow needs to know of a signed result. */
export const readAttestationSchema = z.strictObject({
  attempt: z.number().int().min(1),
  containment_binding: digestSchema.nullable(),
  verdict: z.enum(['passed', 'refused']),
  failed_check: z.string().max(64).optional(),
  expected: z.string().max(1000).optional(),
  issued_at: instantSchema,
  expires_at: instantSchema,
});
export type ReadAttestation = z.output<typeof readAttestationSchema>;

/**
 * Containment role. `receipt` is its signed entry: of `contained` or `released`, whose data are `containedDataSchema`, under
 * the transition `contained/<generation>/<action>` or `released/<generation>/<action>`; a failure's has `/failed/<ms>` behind.
 */
export const containmentOutcomeSchema = z.strictObject({
  action: containmentActionSchema,
  success: z.boolean(),
  error: z.string().max(500).optional(),
  completed_at: instantSchema,
  /** A release succeeded and left some target contained, as it should: another incident holds it, or it is not ours to undo. */
  left: z.boolean().optional(),
  receipt: incidentReceiptSchema,
});
export type ContainmentOutcome = z.output<typeof containmentOutcomeSchema>;

/** The data of the entries `contained` and `released`. */
export const containedDataSchema = z.strictObject({
  generation: z.number().int().min(1),
  host: z.string(),
  action: containmentActionSchema,
  success: z.boolean(),
  error: z.string().max(500).optional(),
  completed_at: instantSchema,
  left: z.boolean().optional(),
  /** What was done to each target. */
  targets: z.array(targetOutcomeSchema).max(16).optional(),
});
export type ContainedData = z.output<typeof containedDataSchema>;

/** `release`: done, not done yet, or the warrant does not carry it and nothing was called. */
export const releaseOutcomeSchema = z.union([
  containmentOutcomeSchema.extend({ outcome: z.literal('released') }),
  z.strictObject({ outcome: z.literal('refused'), code: z.string().max(64), message: z.string().max(500) }),
]);
export type ReleaseOutcome = z.output<typeof releaseOutcomeSchema>;

export interface ContainedTarget {
  incident_id: string;
  generation: number;
  host: string;
  action: ContainmentAction;
}

export interface ContainmentTasks {
  /**
   * `reduce`: no warrant. With `persist` a failure throws (retryable), so that the server retries without limit and without
   * history; without, one try is made and its failure answered. A host or action that is not configured is a failure too.
   */
  contain(input: ContainedTarget & { persist: boolean }): Promise<ContainmentOutcome>;
  /** `restore`: the role judges warrant and evidence with its own roots (`judgeRelease`) before it calls anything. */
  release(
    input: ContainedTarget & { warrant: string; evidence: ReleaseEvidence; persist: boolean },
  ): Promise<ReleaseOutcome>;
}

/** What a second identity saw. `receipt` is of `containment_seen` or `release_seen`, as the outcome's transition. */
export const observationSchema = z.strictObject({
  observed: z.enum(['contained', 'released', 'unknown']),
  detail: z.string().max(500),
  at: instantSchema,
  receipt: incidentReceiptSchema,
});
export type IncidentObservation = z.output<typeof observationSchema>;

export const healthOutcomeSchema = healthSchema.extend({ receipt: incidentReceiptSchema });
export type HealthOutcome = z.output<typeof healthOutcomeSchema>;

export interface IncidentVerifierTasks extends Pick<AttestationTasks, 'attestHost'> {
  verifyContained(input: ContainedTarget): Promise<IncidentObservation>;
  verifyReleased(input: ContainedTarget): Promise<IncidentObservation>;
  readHealth(input: { incident_id: string; generation: number; host: string }): Promise<HealthOutcome>;
}

/** Everything that the authority, and the containment role after it, judge a release by. */
export const releaseEvidenceSchema = z.strictObject({
  incident_id: incidentIdSchema,
  /** The register's word, minutes old at most, of what the incident is. */
  standing: incidentReceiptSchema,
  /** The authority's entry `containment_settled` of the same generation. */
  settled: incidentReceiptSchema,
  statements: z.array(signedStatementSchema).max(64),
  bearer: z.array(bearerAcknowledgementSchema).max(8),
  /** The verifier's signed result; null where no re-attestation is required. */
  attestation: dsseEnvelopeSchema.nullable(),
});
export type ReleaseEvidence = z.output<typeof releaseEvidenceSchema>;

/** Authority, `bindContainment`: one binding a generation, the first settled result of it for ever. */
export const boundOutcomeSchema = z.discriminatedUnion('outcome', [
  z.strictObject({ outcome: z.literal('bound'), settled: settledSchema, receipt: incidentReceiptSchema }),
  z.strictObject({ outcome: z.literal('refused'), code: z.string().max(64), message: z.string().max(500) }),
]);
export type BoundOutcome = z.output<typeof boundOutcomeSchema>;

/** Authority, `issueRelease`: a warrant for every action of the containment, or what is missing. */
export const releaseIssuedSchema = z.discriminatedUnion('outcome', [
  z.strictObject({
    outcome: z.literal('issued'),
    warrant: z.string().max(8192),
    expires_at: instantSchema,
    receipt: incidentReceiptSchema,
  }),
  z.strictObject({
    outcome: z.literal('refused'),
    code: z.string().max(64),
    message: z.string().max(500),
    missing: z.array(gateMissingSchema),
  }),
]);
export type ReleaseIssued = z.output<typeof releaseIssuedSchema>;

export interface IncidentAuthorityTasks {
  /** `contained`: a receipt of success for every action of the generation that `standing` names. */
  bindContainment(input: {
    incident_id: string;
    standing: IncidentReceipt;
    contained: IncidentReceipt[];
  }): Promise<BoundOutcome>;
  issueRelease(evidence: ReleaseEvidence): Promise<ReleaseIssued>;
}
