import { SEVERITIES } from '../../domain/incidents/classes.js';
import type { IncidentState } from '../../domain/incidents/incident.js';
import type { IncidentView } from '../../domain/incidents/view.js';
import type { ResealApi } from '../api/reseal-api.js';
import { ResealError } from '../api/reseal-error.js';

const LIMIT = 100;

/** How many incidents are open, and the worst of them. */
export interface OpenIncidents {
  open: number;
  worst: Pick<IncidentView, 'id' | 'class' | 'severity' | 'state' | 'host' | 'created_at'> | null;
}

/** What is not contained comes before what is. */
const STATES: readonly IncidentState[] = ['containment_failed', 'open', 'contained', 'resolved'];

/** Worst first: by severity, by whether it is contained, and then what has waited longest. */
export const byUrgency = (
  one: Pick<IncidentView, 'severity' | 'state' | 'created_at'>,
  other: Pick<IncidentView, 'severity' | 'state' | 'created_at'>,
): number =>
  SEVERITIES.indexOf(one.severity) - SEVERITIES.indexOf(other.severity) ||
  STATES.indexOf(one.state) - STATES.indexOf(other.state) ||
  Date.parse(one.created_at) - Date.parse(other.created_at);

/** `critical integrity_violation on edge-1, contained`. */
export const aboutIncident = ({
  class: kind,
  severity,
  state,
  host,
}: Pick<IncidentView, 'class' | 'severity' | 'state' | 'host'>): string => `${severity} ${kind} on ${host}, ${state}`;

/**
 * The open incidents in short. Undefined where there are none to serve: a gateway without a runbook, a connection without
 * a register. `null`: there may be some, and nobody could be asked.
 */
export async function openIncidents(api: ResealApi): Promise<OpenIncidents | null | undefined> {
  const client = async () => api.incidents();
  try {
    const incidents = await client();
    const { open_incidents: open, open_by_severity } = await incidents.stats();
    if (open === 0) return { open, worst: null };
    const severity = SEVERITIES.find((name) => (open_by_severity[name] ?? 0) > 0);
    const found = await incidents.list({ open: true, severity, limit: LIMIT });
    const [first] = found.map(({ view }) => view).sort(byUrgency);
    if (first === undefined) return { open, worst: null };
    const { id, class: kind, state, host, created_at } = first;
    return { open, worst: { id, class: kind, severity: first.severity, state, host, created_at } };
  } catch (error) {
    if (!(error instanceof ResealError)) throw error;
    return error.code === 'not_found' || error.code === 'needs_register' ? undefined : null;
  }
}
