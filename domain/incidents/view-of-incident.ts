import { instant } from '../identifiers.js';
import { jsonOrNull } from '../json-or-null.js';
import type { SignedStatement } from '../statement.js';
import type { GateMissing } from './gate.js';
import { gateOf } from './incident-gate.js';
import type { IncidentMachine } from './incident-state.js';
import type { IncidentState } from './incident.js';
import { incidentStatementSchema } from './statements.js';
import type { IncidentFlag, IncidentView } from './view.js';

/** The state as the runbook names it. Until it is resolved a released incident is contained still: nobody trusts it yet. */
export function incidentStateOf({ phase, actions }: IncidentMachine): IncidentState {
  if (phase === 'resolved') return 'resolved';
  if (phase !== 'containing') return 'contained';
  if (actions.some(({ result }) => result?.success === false)) return 'containment_failed';
  return actions.every(({ state }) => state === 'held') ? 'contained' : 'open';
}

/** The incident as every reader sees it. */
export function viewOfIncident(state: IncidentMachine, nowMs: number): IncidentView {
  const { incident, settled, attestation, release } = state;
  const { waits: _waits, purpose: _purpose, result: _result, next_at, ...shown } = attestation;
  return {
    schema: 'reseal.incident_view.v1',
    id: incident.incident_id,
    class: incident.class,
    severity: incident.severity,
    state: incidentStateOf(state),
    host: incident.host,
    source: incident.source,
    generation: incident.generation,
    created_at: incident.created_at,
    containment_actions: [...incident.containment_actions],
    containment_results:
      settled?.settled.containment_results.map((one) => ({ ...one })) ??
      state.actions.flatMap(({ result }) => (result === null ? [] : [result])),
    containment_binding: settled?.settled.containment_binding ?? null,
    contained_at: settled?.settled.contained_at ?? null,
    acknowledgements: state.acknowledged.map(({ person, at, method, statement_digest }) => ({
      person,
      at,
      method,
      statement_digest,
    })),
    statements: state.beside.flatMap(saidBeside),
    attestation: { ...shown, next_at: next_at === null ? null : instant(next_at) },
    requirements: incident.requirements,
    ...(incident.playbook_digest === undefined ? {} : { playbook_digest: incident.playbook_digest }),
    missing: state.phase === 'resolved' || release !== null ? [] : missingOf(state, nowMs),
    verdicts: [...state.verdicts],
    resolve: state.resolve,
    released: [...(release?.results ?? [])],
    health: state.health,
    flags: flagsOf(state),
    resolved_at: state.resolved_at,
    ended_at: state.resolved_at,
  };
}

/** What the gate misses; and with nothing missing here, what the authority missed when it was last asked. */
function missingOf(state: IncidentMachine, nowMs: number): GateMissing[] {
  const { missing } = gateOf(state, nowMs);
  if (missing.length > 0 || state.phase !== 'contained' || state.authority_refuses === null) return missing;
  return [...(state.resolve?.missing ?? [])];
}

/** A statement that was heard, and so is well formed. */
function saidBeside({ payload }: SignedStatement): NonNullable<IncidentView['statements']> {
  const { data } = incidentStatementSchema.safeParse(jsonOrNull(payload));
  if (data === undefined || data.act === 'acknowledge') return [];
  const { act, person } = data;
  if (data.act === 'artifact') return [{ act, person, kind: data.kind, of: data.digest }];
  return [{ act, person, ...(data.act === 'accept_baseline' ? { of: data.reference_digest } : {}) }];
}

function flagsOf(state: IncidentMachine): IncidentFlag[] {
  const { incident, attestation, release, health } = state;
  const is: Record<IncidentFlag, boolean> = {
    latched: incident.latched && state.phase !== 'resolved',
    escalated: incident.generation > 1,
    containment_failing: state.actions.some(({ state: one }) => one === 'tried'),
    waiting_for_host: attestation.state === 'waiting_for_host',
    attestation_refused: attestation.state === 'refused',
    releasing: state.phase === 'releasing' || state.phase === 'checking_health',
    release_failing: release?.failing === true,
    not_healthy: state.phase === 'checking_health' && health?.trusted === false,
    authority_refuses: state.authority_refuses !== null,
  };
  return (Object.keys(is) as IncidentFlag[]).filter((flag) => is[flag]);
}
