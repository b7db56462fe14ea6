import type { IncidentClass, Severity } from './classes.js';
import type { IncidentState } from './incident.js';
import { DEFAULT_PLAYBOOK, playOf } from './playbook.js';
import { requirementsOf } from './requirements.js';
import type { IncidentView } from './view.js';

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

/** How one looks that no workflow has told of yet: open, and nothing has been done. */
export function untoldView(row: RegisteredIncident): IncidentView {
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
