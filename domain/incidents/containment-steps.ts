import { beginAttestation } from './attestation-steps.js';
import type { IncidentEvent } from './incident-event.js';
import { beginContainment, type IncidentMachine } from './incident-state.js';
import type { BoundOutcome } from './tasks.js';

/** The register's word: another generation begins everything anew, the same one is only fresher. */
export function onStanding(
  state: IncidentMachine,
  { incident, receipt, heard }: Extract<IncidentEvent, { type: 'standing' }>,
): IncidentMachine {
  const next = { ...state, heard_pokes: Math.max(state.heard_pokes, heard) };
  if (incident.incident_id !== state.incident.incident_id) return next;
  // The same generation again is only fresher. An older one is a late answer.
  if (incident.generation < state.incident.generation) return next;
  if (incident.generation === state.incident.generation) return { ...next, standing: receipt };
  return {
    ...next,
    ...beginContainment(incident),
    incident,
    standing: receipt,
    round: state.round + 1,
    outbox: [...state.outbox, receipt],
  };
}

/** An action holds when the second identity has seen it; a failed one stays on the list until it does. */
export function onContained(
  state: IncidentMachine,
  { generation, round, outcome, seen }: Extract<IncidentEvent, { type: 'contained' }>,
): IncidentMachine {
  if (generation !== state.incident.generation || round !== state.round || state.phase !== 'containing') return state;
  const { action, completed_at, receipt } = outcome;
  const holds = outcome.success && seen?.observed === 'contained';
  const error = outcome.success
    ? holds
      ? undefined
      : `not seen to hold: ${seen?.detail ?? 'no answer'}`
    : outcome.error;
  const result = {
    action,
    success: holds,
    ...(error === undefined ? {} : { error: error.slice(0, 500) }),
    completed_at,
  };
  const actions = state.actions.map((one) =>
    one.action === action && one.state !== 'held'
      ? { action, state: holds ? ('held' as const) : ('tried' as const), result, receipt: holds ? receipt : null }
      : one,
  );
  return { ...state, actions, outbox: [...state.outbox, receipt, ...(seen === null ? [] : [seen.receipt])] };
}

/** The authority has bound what stands, or does not believe it yet. */
export function onBound(state: IncidentMachine, outcome: BoundOutcome): IncidentMachine {
  if (outcome.outcome === 'refused') return { ...state, authority_refuses: outcome.code };
  const { settled, receipt } = outcome;
  if (state.phase !== 'containing' || settled.generation !== state.incident.generation) return state;
  // An answer to a question that nobody asks any more: what is let go again is not contained by it.
  if (state.actions.some((one) => one.state !== 'held')) return state;
  const known = state.settled?.settled.containment_binding === settled.containment_binding;
  return beginAttestation({
    ...state,
    phase: 'contained',
    authority_refuses: null,
    settled: { settled, receipt },
    outbox: known ? state.outbox : [...state.outbox, receipt],
  });
}

/** What the authority does not believe to hold is contained once more, until it holds and is signed for. */
export function onUnproven(
  state: IncidentMachine,
  { generation, round }: Extract<IncidentEvent, { type: 'unproven' }>,
): IncidentMachine {
  if (generation !== state.incident.generation || round !== state.round || state.phase !== 'containing') return state;
  return { ...state, actions: state.actions.map((one) => ({ ...one, state: 'tried', receipt: null })) };
}
