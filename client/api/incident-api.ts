import { z } from 'zod';
import { incidentClassSchema, severitySchema } from '../../domain/incidents/classes.js';
import { INCIDENT_STATES, type IncidentReport } from '../../domain/incidents/incident.js';
import type { NamedPlaybook } from '../../domain/incidents/playbook.js';
import type { SignedStatement } from '../../domain/statement.js';
import type { IncidentSaid } from '../../domain/incidents/statements.js';
import { incidentViewSchema } from '../../domain/incidents/view.js';

export const MAX_INCIDENTS = 10_000;

/** Which incidents to list, newest first; all of it is optional. `open`: those that are not resolved. */
export const incidentFilterSchema = z.strictObject({
  class: incidentClassSchema.optional(),
  state: z.enum(INCIDENT_STATES).optional(),
  severity: severitySchema.optional(),
  open: z.stringbool({ truthy: ['true', '1'], falsy: ['false', '0'] }).optional(),
  limit: z.coerce.number().int().min(1).max(MAX_INCIDENTS).optional(),
});
export type IncidentFilter = z.output<typeof incidentFilterSchema>;

/** An incident, and what the event that opened it said of it. */
export const incidentRecordSchema = z.strictObject({
  view: incidentViewSchema,
  description: z.string(),
  evidence: z.record(z.string(), z.string()),
});
export type IncidentRecord = z.output<typeof incidentRecordSchema>;

/** The runbook's own members and names. */
export const incidentStatsSchema = z.strictObject({
  total_incidents: z.number().int(),
  /** Open, contained, or still being contained. */
  open_incidents: z.number().int(),
  /** Those whose containment settled, whatever became of them. */
  contained_count: z.number().int(),
  resolved_count: z.number().int(),
  by_class: z.record(z.string(), z.number().int()),
  open_by_severity: z.record(z.string(), z.number().int()),
});
export type IncidentStats = z.output<typeof incidentStatsSchema>;

/** What became of a report: an incident of its own, or one more event of the one that is open. */
export const reportedIncidentSchema = z.strictObject({ incident_id: z.string(), opened: z.boolean() });
export type ReportedIncident = z.output<typeof reportedIncidentSchema>;

/** The signals by which something is said about an incident. */
export const INCIDENT_SIGNALS = ['acknowledge', 'resolve', 'statement'] as const;
export type IncidentSignal = (typeof INCIDENT_SIGNALS)[number];

/**
 * Everything that a client can ask about incidents. It carries and decides nothing: whether a statement counts, and whether a
 * latch opens, is for the roles. Every method rejects with `ResealError`, as a rule `not_found`, `temporal_unreachable` or
 * `needs_register`.
 */
export interface IncidentApi {
  /** The same report id again has the same answer. Refusals of the register: `token_scope`, `busy`. */
  report(report: IncidentReport): Promise<ReportedIncident>;
  /** As its workflow knows it now; as the register last heard of it where no worker answers. */
  get(incidentId: string): Promise<IncidentRecord>;
  /** As the register last heard of it, which is what lists and counts go by. */
  recorded(incidentId: string): Promise<IncidentRecord>;
  /** As the register last heard of them. */
  list(filter: IncidentFilter): Promise<IncidentRecord[]>;
  stats(): Promise<IncidentStats>;
  /** The playbook that new incidents are opened under, as far as whoever answers is told. */
  playbook(): Promise<NamedPlaybook>;
  /** Sends it. What became of it is in the view. Resolved incidents: `ceremony_ended`. */
  say(incidentId: string, signal: IncidentSignal, said: IncidentSaid): Promise<void>;
  /** The sealed bundle, as the file's text; `bundle_not_ready` before the incident is resolved. */
  bundle(incidentId: string): Promise<string>;
  /** Asks for one more attempt at re-attestation. Resolved incidents: `ceremony_ended`. */
  reattest(incidentId: string): Promise<void>;
}

/** A report as a client sends it: the gateway says whose it is, and of which host where that follows from the token. */
export type AskedReport = Omit<IncidentReport, 'reporter' | 'host'> & { host?: string | undefined };

/** What a caller shows where a token is needed: to report, to ask for re-attestation, to export. Secret. */
export interface IncidentAccess {
  token?: string;
}

/** Incidents from outside of the gateway. Only signed statements are said: a token's word is for the runbook's own paths. */
export interface IncidentClient extends Omit<IncidentApi, 'report' | 'say' | 'recorded'> {
  report(report: AskedReport): Promise<ReportedIncident>;
  say(incidentId: string, signal: IncidentSignal, envelope: SignedStatement): Promise<void>;
  /** The forensic bundle, byte for byte. */
  exported(): Promise<string>;
}
