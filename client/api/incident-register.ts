import type { IncidentClass, Severity } from '../../domain/incidents/classes.js';
import type { IncidentState } from '../../domain/incidents/incident.js';
import { DEFAULT_PLAYBOOK, playOf } from '../../domain/incidents/playbook.js';
import { requirementsOf } from '../../domain/incidents/requirements.js';
import type { IncidentView } from '../../domain/incidents/view.js';
import type { IncidentFilter, IncidentRecord, IncidentStats } from './incident-api.js';

/** An incident as the register last heard of it; `view` is null until its workflow has told of it. */
export interface RegisteredIncident {
  incident_id: string;
  class: IncidentClass;
  severity: Severity;
  state: IncidentState;
  host: string;
  source: string;
  description: string;
  evidence: Record<string, string>;
  /** RFC 3339 UTC. */
  created_at: string;
  view: IncidentView | null;
}

/** Reads incidents from the register; rejects where that cannot be reached. */
export interface IncidentRegister {
  get(incidentId: string): Promise<RegisteredIncident | null>;
  /** Newest first. */
  list(filter: IncidentFilter): Promise<RegisteredIncident[]>;
  stats(): Promise<IncidentStats>;
}

/** What the register has, as readers see it: one that no workflow has told of yet is open, and nothing has been done. */
export function recordOf(row: RegisteredIncident): IncidentRecord {
  const { description, evidence } = row;
  return { view: row.view ?? untoldView(row), description, evidence };
}

function untoldView(row: RegisteredIncident): IncidentView {
  const play = playOf(DEFAULT_PLAYBOOK, row.class);
  return {
    schema: 'reseal.incident_view.v1',
    id: row.incident_id,
    class: row.class,
    severity: row.severity,
    state: row.state,
    host: row.host,
    source: row.source,
    generation: 1,
    created_at: row.created_at,
    containment_actions: [...play.actions],
    containment_results: [],
    containment_binding: null,
    contained_at: null,
    acknowledgements: [],
    attestation: {
      attempt: 0,
      state: 'idle',
      failed_check: null,
      expected: null,
      waiting: null,
      next_at: null,
      at: null,
      expires_at: null,
    },
    requirements: requirementsOf(DEFAULT_PLAYBOOK, row),
    missing: ['containment_not_settled'],
    verdicts: [],
    resolve: null,
    released: [],
    health: null,
    flags: play.latched ? ['latched'] : [],
    resolved_at: null,
    ended_at: null,
  };
}
