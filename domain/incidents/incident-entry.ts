import { z } from 'zod';
import { instantSchema } from '../identifiers.js';
import { dsseEnvelopeSchema } from '../intent.js';
import type { SigningRole } from '../roles.js';
import { incidentIdSchema } from './incident-id.js';

export const INCIDENT_ENTRY_PAYLOAD_TYPE = 'application/vnd.reseal.incident-entry+json';

/** Who may make which entry of an incident's ledger. A verifier refuses an entry that another role signed. */
export const INCIDENT_ENTRY_ROLES = {
  /** The event that opened it. */
  incident: 'register',
  /** What the register holds it to be: one a generation in the ledger, and a fresh one whenever somebody asks. */
  standing: 'register',
  contained: 'effect:containment',
  containment_seen: 'verifier',
  containment_settled: 'authority',
  statement: 'register',
  statement_refused: 'register',
  attested: 'register',
  attestation_waiting: 'register',
  resolve_refused: 'register',
  release_issued: 'authority',
  released: 'effect:containment',
  release_seen: 'verifier',
  health: 'verifier',
  resolved: 'register',
} as const satisfies Readonly<Record<string, SigningRole>>;
export type IncidentEntryType = keyof typeof INCIDENT_ENTRY_ROLES;
const types = Object.keys(INCIDENT_ENTRY_ROLES) as [IncidentEntryType, ...IncidentEntryType[]];

/**
 * What the workflow tells of itself, and the register signs that it was told so. Nothing that opens a latch is among them:
 * a statement carries its author's signature, an attestation the verifier's.
 */
export const INCIDENT_TOLD: ReadonlySet<IncidentEntryType> = new Set([
  'statement',
  'statement_refused',
  'attested',
  'attestation_waiting',
  'resolve_refused',
  'resolved',
]);

/** The signed part of one entry. `transition` is unique within the incident; `at` is the maker's own clock. */
export const incidentEntryPayloadSchema = z.strictObject({
  schema: z.literal('reseal.incident_entry.v1'),
  incident_id: incidentIdSchema,
  transition: z.string().min(1).max(120),
  type: z.enum(types),
  at: instantSchema,
  data: z.record(z.string(), z.unknown()),
});
export type IncidentEntryPayload = z.output<typeof incidentEntryPayloadSchema>;

/** One entry on its way to the register: signed by its maker, not yet ordered. */
export const incidentReceiptSchema = z.strictObject({
  transition: z.string().min(1).max(120),
  envelope: dsseEnvelopeSchema,
});
export type IncidentReceipt = z.output<typeof incidentReceiptSchema>;

/** A receipt that a role signed, or a draft that the register will sign. */
export const incidentItemSchema = z.union([
  incidentReceiptSchema,
  z.strictObject({ transition: z.string().min(1).max(120), draft: incidentEntryPayloadSchema }),
]);
export type IncidentItem = z.output<typeof incidentItemSchema>;
