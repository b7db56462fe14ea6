import { z } from 'zod';
import { digestSchema, instantSchema } from '../identifiers.js';
import { artifactKindSchema, containmentActionSchema, incidentClassSchema, severitySchema } from './classes.js';
import { gateMissingSchema } from './gate.js';
import { hostNameSchema, incidentIdSchema } from './incident-id.js';
import { containmentResultSchema, incidentStateSchema } from './incident.js';
import { requirementsSchema } from './requirements.js';
import { incidentStatementRefusalSchema } from './statements.js';

/** What must not be overlooked. */
export const INCIDENT_FLAGS = [
  'latched',
  'escalated',
  'containment_failing',
  'waiting_for_host',
  'attestation_refused',
  'releasing',
  'release_failing',
  'not_healthy',
  'authority_refuses',
] as const;
export type IncidentFlag = (typeof INCIDENT_FLAGS)[number];

export const healthSchema = z.strictObject({
  /** `trusted`, or what each says instead; null until it was asked. */
  integrity: z.string().max(64).nullable(),
  attestor: z.string().max(64).nullable(),
  incident_recorder: z.string().max(64).nullable(),
  trusted: z.boolean(),
  at: instantSchema,
});
export type IncidentHealth = z.output<typeof healthSchema>;

/** An incident as every reader sees it: the answer of the query `view`, and what the register shows. */
export const incidentViewSchema = z.strictObject({
  schema: z.literal('reseal.incident_view.v1'),
  id: incidentIdSchema,
  class: incidentClassSchema,
  severity: severitySchema,
  state: incidentStateSchema,
  host: hostNameSchema,
  source: z.string(),
  generation: z.number().int().min(1),
  created_at: instantSchema,
  containment_actions: z.array(containmentActionSchema),
  containment_results: z.array(containmentResultSchema),
  /** Hex; null until every action holds. What people sign and the host's quote answers. */
  containment_binding: digestSchema.nullable(),
  contained_at: instantSchema.nullable(),
  acknowledgements: z.array(
    z.strictObject({
      person: z.string(),
      at: instantSchema,
      /** `bearer`, or how the statement was signed. */
      method: z.string(),
      statement_digest: digestSchema.nullable(),
    }),
  ),
  /** What was said besides, oldest first, of the containment that stands; `of` is a digest, where the statement names one. */
  statements: z
    .array(
      z.strictObject({
        act: z.enum(['resolve', 'waive_baseline', 'accept_baseline', 'artifact']),
        person: z.string(),
        kind: artifactKindSchema.optional(),
        of: digestSchema.optional(),
      }),
    )
    .max(32)
    .optional(),
  attestation: z.strictObject({
    /** The latest attempt, 0 before the first. */
    attempt: z.number().int().min(0),
    state: z.enum(['idle', 'running', 'waiting_for_host', 'refused', 'passed']),
    failed_check: z.string().nullable(),
    expected: z.string().nullable(),
    /** Why it waits, and when it asks again. */
    waiting: z.string().nullable(),
    next_at: instantSchema.nullable(),
    at: instantSchema.nullable(),
    expires_at: instantSchema.nullable(),
  }),
  requirements: requirementsSchema,
  /** Of the playbook under which it was opened, where that is not the built-in one. */
  playbook_digest: digestSchema.optional(),
  missing: z.array(gateMissingSchema),
  /** The answers to the latest statements, by the digest of what was sent, newest last. */
  verdicts: z
    .array(z.strictObject({ digest: digestSchema, ok: z.boolean(), reason: incidentStatementRefusalSchema.nullable() }))
    .max(32),
  /** The latest attempt to resolve: what was missing, or an empty list where it was let through. */
  resolve: z.strictObject({ at: instantSchema, by: z.string(), missing: z.array(gateMissingSchema) }).nullable(),
  /** In the order in which they were undone: the reverse of the containment. */
  released: z.array(containmentResultSchema),
  health: healthSchema.nullable(),
  flags: z.array(z.enum(INCIDENT_FLAGS)),
  resolved_at: instantSchema.nullable(),
  ended_at: instantSchema.nullable(),
});
export type IncidentView = z.output<typeof incidentViewSchema>;
