import { instant } from '../identifiers.js';
import type { IncidentEvent } from './incident-event.js';
import { gateOf } from './incident-gate.js';
import { toRelease, type IncidentMachine } from './incident-state.js';
import { tell } from './incident-told.js';
import type { HealthOutcome } from './tasks.js';

/** Between looks at a host that is released and does not call itself trusted yet. */
const HEALTH_MS = 15_000;

/** A wish to resolve: through the gate, or refused with what is missing. */
export function onResolve(state: IncidentMachine, by: string, nowMs: number): IncidentMachine {
  const at = instant(nowMs);
  if (state.release !== null) return { ...state, resolve: { at, by, missing: [] } };
  const { open, missing } = gateOf(state, nowMs);
  const next = { ...state, resolve: { at, by, missing } };
  if (!open || state.phase !== 'contained') return tell(next, 'resolve_refused', at, { by, missing });
  const release = { warrant: null, evidence: null, asks: 1, results: [], failing: false, resolved_by: by };
  return { ...next, phase: 'releasing', release };
}

/** The authority's warrant, or its refusal: what was let go already is then taken hold of again. */
export function onIssued(
  state: IncidentMachine,
  { outcome, evidence }: Extract<IncidentEvent, { type: 'release_issued' }>,
  nowMs: number,
): IncidentMachine {
  const { release } = state;
  if (state.phase !== 'releasing' || release === null) return state;
  if (outcome.outcome === 'issued') {
    const outbox = [...state.outbox, outcome.receipt];
    return { ...state, authority_refuses: null, outbox, release: { ...release, warrant: outcome.warrant, evidence } };
  }
  const at = instant(nowMs);
  const { missing, code } = outcome;
  const next = tell({ ...state, authority_refuses: code }, 'resolve_refused', at, {
    by: release.resolved_by,
    missing,
    code,
  });
  const refused = { ...next, resolve: { at, by: release.resolved_by, missing }, release: null };
  // What was let go already is taken hold of again.
  if (release.results.length > 0) return containAgain(refused);
  return { ...refused, phase: 'contained' };
}

/** The same containment once more, of the same generation: its binding stands, and so does what answers it. */
const containAgain = (state: IncidentMachine): IncidentMachine => ({
  ...state,
  phase: 'containing',
  round: state.round + 1,
  release: null,
  health: null,
  actions: state.actions.map(({ action, result }) => ({ action, state: 'pending', result, receipt: null })),
});

/** One action undone, in its turn alone; a warrant that the role refuses is asked for anew. */
export function onReleased(
  state: IncidentMachine,
  { generation, round, action, outcome, seen }: Extract<IncidentEvent, { type: 'released' }>,
  nowMs: number,
): IncidentMachine {
  const { release } = state;
  const [due] = toRelease(state);
  if (release === null || state.phase !== 'releasing' || generation !== state.incident.generation) return state;
  if (round !== state.round || due !== action) return state;
  if (outcome.outcome === 'refused')
    return {
      ...state,
      release: { ...release, warrant: null, evidence: null, asks: release.asks + 1 },
      authority_refuses: outcome.code,
    };
  const outbox = [...state.outbox, outcome.receipt, ...(seen === null ? [] : [seen.receipt])];
  // What was left contained on purpose (another incident holds it, or somebody else did it) is all that there is to undo.
  const done = outcome.success && (outcome.left === true || seen?.observed === 'released');
  if (!done) return { ...state, outbox, release: { ...release, failing: true, asks: release.asks + 1 } };
  const result = { action, success: true, completed_at: outcome.completed_at };
  const next = { ...state, outbox, release: { ...release, failing: false, results: [...release.results, result] } };
  return toRelease(next).length > 0 ? next : { ...next, phase: 'checking_health', health_at: nowMs };
}

/** How the released host calls itself: only trusted by all of them ends the incident. */
export function onHealth(state: IncidentMachine, outcome: HealthOutcome, nowMs: number): IncidentMachine {
  if (state.phase !== 'checking_health') return state;
  const { receipt, ...health } = outcome;
  const asks = state.health_asks + 1;
  // Each answer has an entry only when it differs from the one before: a host may take hours.
  const changed = JSON.stringify({ ...health, at: '' }) !== JSON.stringify({ ...state.health, at: '' });
  const next = {
    ...state,
    health,
    health_asks: asks,
    health_at: nowMs + HEALTH_MS,
    outbox: changed ? [...state.outbox, receipt] : state.outbox,
  };
  if (!health.trusted) return next;
  const at = instant(nowMs);
  const told = tell(next, 'resolved', at, { by: state.release?.resolved_by ?? '', health }, null);
  return { ...told, phase: 'resolved', resolved_at: at };
}
