import { onAttested, onWaiting, settleDue } from './attestation-steps.js';
import { onBound, onContained, onStanding, onUnproven } from './containment-steps.js';
import type { IncidentEvent } from './incident-event.js';
import { hearIncident } from './incident-hearing.js';
import type { IncidentMachine } from './incident-state.js';
import { onHealth, onIssued, onReleased, onResolve } from './release-steps.js';

/**
 * The incident as a pure machine: what it is after one event. Nothing in time passing, in a restart or in a later success
 * lets a latch go: the one way to `releasing` is a wish to resolve through an open gate, and from there every release
 * carries the authority's warrant, which is judged again where it is used.
 */
export function stepIncident(state: IncidentMachine, event: IncidentEvent, nowMs: number): IncidentMachine {
  if (event.type === 'appended')
    return { ...state, outbox: state.outbox.slice(event.count), appended: state.appended + event.count };
  if (state.phase === 'resolved') return state;
  switch (event.type) {
    case 'tick':
      return settleDue(state, nowMs);
    case 'poked':
      return { ...state, pokes: state.pokes + 1 };
    case 'standing':
      return onStanding(state, event);
    case 'contained':
      return onContained(state, event);
    case 'bound':
      return onBound(state, event.outcome);
    case 'unproven':
      return onUnproven(state, event);
    case 'heard':
    case 'heard_bearer': {
      const { state: next, resolved_by } = hearIncident(state, event, nowMs);
      return resolved_by === null ? next : onResolve(next, resolved_by, nowMs);
    }
    case 'reattest':
      return { ...state, reattest_wanted: true };
    case 'attested':
      return onAttested(state, event, nowMs);
    case 'attest_waiting':
      return onWaiting(state, event, nowMs);
    case 'release_issued':
      return onIssued(state, event, nowMs);
    case 'released':
      return onReleased(state, event, nowMs);
    case 'health':
      return onHealth(state, event.outcome, nowMs);
  }
}
