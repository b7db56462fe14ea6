import type { IncidentView } from '../../domain/incidents/view.js';
import { goTime } from '../../domain/sentinel.js';
import {
  incidentHash,
  type SecaiContainmentResult,
  type SecaiIncident,
} from '../../proofs/incidents/secai-incident.js';
import type { IncidentRecord } from '../api/incident-api.js';

/**
 * An incident as the runbook shows it. Times are whole seconds, but for those of results: the binding is over these, so they
 * stay as they are.
 */
export function secaiIncidentOf({ view, description, evidence }: IncidentRecord): SecaiIncident {
  const { containment_actions, containment_results, resolved_at } = view;
  const incident = {
    id: view.id,
    created_at: goTime(view.created_at),
    class: view.class,
    severity: view.severity,
    state: view.state,
    source: view.source,
    description,
    ...(Object.keys(evidence).length === 0 ? {} : { evidence }),
    ...(containment_actions.length === 0 ? {} : { containment_actions }),
    ...(containment_results.length === 0 ? {} : { containment_results }),
    ...(resolved_at === null ? {} : { resolved_at: goTime(resolved_at) }),
  };
  return { ...incident, hash: incidentHash(incident) };
}

/** One of `pending_recoveries`: the runbook's seven members, and the others that its service has. */
export interface RecoveryRequirement {
  incident_id: string;
  incident_class: string;
  severity: string;
  required_after: string;
  containment_actions: readonly string[] | null;
  containment_results: readonly SecaiContainmentResult[] | null;
  containment_binding: string;
  containment_latch_active: boolean;
  require_ack: boolean;
  require_reattest: boolean;
  /** RFC 3339; empty while not. */
  acked_at: string;
  acked_by: string;
  re_attested_at: string;
  recovery_complete: boolean;
}

const orNull = <T>(items: readonly T[]): readonly T[] | null => (items.length === 0 ? null : items);
const timeOr = (at: string | null | undefined): string => (at === null || at === undefined ? '' : goTime(at));

/** What still stands between an incident and its release. */
export function requirementOf(view: IncidentView): RecoveryRequirement {
  const { attestation, acknowledgements, requirements, missing } = view;
  return {
    incident_id: view.id,
    incident_class: view.class,
    severity: view.severity,
    required_after: timeOr(view.contained_at),
    containment_actions: orNull(view.containment_actions),
    containment_results: orNull(view.containment_results),
    containment_binding: view.containment_binding ?? '',
    containment_latch_active: view.flags.includes('latched'),
    require_ack: requirements.require_ack,
    require_reattest: requirements.require_reattest,
    acked_at: timeOr(acknowledgements[0]?.at),
    acked_by: acknowledgements.map(({ person }) => person).join(', '),
    re_attested_at: attestation.state === 'passed' ? timeOr(attestation.at) : '',
    recovery_complete: missing.length === 0,
  };
}

/** Whether it waits for somebody or something before it can be resolved. */
export const isPending = ({ state, missing }: IncidentView): boolean => state !== 'resolved' && missing.length > 0;
