import { z } from 'zod';
import { digestSchema, instantSchema } from '../identifiers.js';
import { containmentActionSchema, incidentClassSchema, severitySchema } from './classes.js';
import { hostNameSchema, incidentIdSchema, reportIdSchema } from './incident-id.js';
import { requirementsSchema } from './requirements.js';

const textSchema = z.string().max(2000);
const evidenceSchema = z
  .record(z.string().min(1).max(100), z.string().max(2000))
  .refine((of) => Object.keys(of).length <= 64, 'expected at most 64 members of evidence');

/** Who reported: the name of a token in the gateway's table, or one of our own roles. Recorded, and counted against its rate. */
export const reporterSchema = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'expected the name of a reporter');

/** One event as a sensor tells it. `host` is what it happened on, and what will be contained. */
export const incidentReportSchema = z.strictObject({
  report_id: reportIdSchema,
  class: incidentClassSchema,
  source: z.string().min(1).max(100),
  description: textSchema.default(''),
  evidence: evidenceSchema.default({}),
  host: hostNameSchema,
  /** Worse than the playbook's makes it worse; a milder one changes nothing. */
  severity: severitySchema.optional(),
  reporter: reporterSchema,
});
export type IncidentReport = z.output<typeof incidentReportSchema>;

export const INCIDENT_STATES = ['open', 'contained', 'containment_failed', 'resolved'] as const;
export const incidentStateSchema = z.enum(INCIDENT_STATES);
export type IncidentState = z.output<typeof incidentStateSchema>;

/** What came of one action. Times are RFC 3339 UTC. */
export const containmentResultSchema = z.strictObject({
  action: containmentActionSchema,
  success: z.boolean(),
  error: z.string().max(500).optional(),
  completed_at: instantSchema,
});
export type ContainmentResult = z.output<typeof containmentResultSchema>;

/**
 * What the register holds an incident to be at this moment. `generation` counts up from 1 with every change of severity or
 * actions: an acknowledgement, an attestation and a release answer one generation's containment.
 */
export const incidentSchema = z.strictObject({
  incident_id: incidentIdSchema,
  generation: z.number().int().min(1).max(64),
  class: incidentClassSchema,
  severity: severitySchema,
  host: hostNameSchema,
  source: z.string(),
  containment_actions: z.array(containmentActionSchema),
  latched: z.boolean(),
  /** By the register's playbook; the authority goes by its own. */
  requirements: requirementsSchema,
  /** Of the playbook under which it was opened; left out where the register has none of its own. */
  playbook_digest: digestSchema.optional(),
  created_at: instantSchema,
});
export type Incident = z.output<typeof incidentSchema>;

/** One settled containment, as the authority bound it. */
export const settledSchema = z.strictObject({
  generation: z.number().int().min(1),
  containment_binding: digestSchema,
  containment_results: z.array(containmentResultSchema),
  /** When its last action held. */
  contained_at: instantSchema,
});
export type Settled = z.output<typeof settledSchema>;
