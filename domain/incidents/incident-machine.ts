import { instant } from '../identifiers.js';
import type { DsseEnvelope } from '../intent.js';
import type { SignedStatement } from '../statement.js';
import { gateOf } from './incident-gate.js';
import { tell } from './incident-told.js';
import { beginContainment, toRelease, type IncidentMachine } from './incident-state.js';
import type { ContainmentAction } from './classes.js';
import type { Incident } from './incident.js';
import type { IncidentReceipt } from './incident-entry.js';
import { hearIncident } from './incident-hearing.js';
import type { BearerAcknowledgement, CheckedIncidentStatement } from './statements.js';
import type {
  BoundOutcome,
  ContainmentOutcome,
  HealthOutcome,
  IncidentObservation,
  ReadAttestation,
  ReleaseEvidence,
  ReleaseIssued,
  ReleaseOutcome,
} from './tasks.js';

/** What happens to an incident. Answers of roles name the generation and round that they were asked in. */
export type IncidentEvent =
  | { type: 'tick' }
  /** Somebody says that there is something to hear from the register, or wants the host attested. */
  | { type: 'poked' }
  | { type: 'standing'; incident: Incident; receipt: IncidentReceipt; heard: number }
  | {
      type: 'contained';
      generation: number;
      round: number;
      outcome: ContainmentOutcome;
      seen: IncidentObservation | null;
    }
  | { type: 'bound'; outcome: BoundOutcome }
  | { type: 'heard'; checked: CheckedIncidentStatement; envelope: SignedStatement }
  | { type: 'heard_bearer'; act: 'acknowledge' | 'resolve'; bearer: BearerAcknowledgement }
  | { type: 'reattest' }
  | { type: 'attested'; binding: string; attempt: number; result: DsseEnvelope; read: ReadAttestation | null }
  | { type: 'attest_waiting'; binding: string; attempt: number; reason: string; detail: string }
  /** `evidence`: on which it was asked for; the containment role judges the very same. */
  | { type: 'release_issued'; outcome: ReleaseIssued; evidence: ReleaseEvidence }
  | {
      type: 'released';
      generation: number;
      round: number;
      action: ContainmentAction;
      outcome: ReleaseOutcome;
      seen: IncidentObservation | null;
    }
  | { type: 'health'; outcome: HealthOutcome }
  | { type: 'appended'; count: number };

/** Between questions to a host that does not answer, in ms: doubling up to five minutes. */
const waitMs = (waits: number): number => Math.min(300_000, 15_000 * 2 ** Math.min(waits, 10));
/** Between looks at a host that is released and does not call itself trusted yet. */
const HEALTH_MS = 15_000;

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

/** A wait that is over becomes a question again, a wish for an attestation one that is asked. */
function settleDue(state: IncidentMachine, nowMs: number): IncidentMachine {
  let next = state;
  const { attestation } = next;
  if (attestation.state === 'waiting_for_host' && attestation.next_at !== null && nowMs >= attestation.next_at)
    next = { ...next, attestation: { ...attestation, state: 'running', next_at: null } };
  return beginAttestation(next);
}

/** The quote at containment first, where one will be demanded; then one attempt each time somebody asks. */
function beginAttestation(state: IncidentMachine): IncidentMachine {
  const { attestation, settled, phase } = state;
  if (settled === null || phase !== 'contained') return state;
  const begin = (purpose: 'baseline' | 'recovery'): IncidentMachine => ({
    ...state,
    reattest_wanted: purpose === 'baseline' && state.reattest_wanted,
    attestation: {
      ...attestation,
      attempt: attestation.attempt + 1,
      purpose,
      state: 'running',
      failed_check: null,
      expected: null,
      waiting: null,
      waits: 0,
      next_at: null,
      at: null,
      expires_at: null,
      result: null,
    },
  });
  if (attestation.attempt === 0) return state.incident.requirements.require_reattest ? begin('baseline') : wanted();
  return wanted();

  function wanted(): IncidentMachine {
    if (!state.reattest_wanted) return state;
    // A host that does not answer the first question does not answer this one either, but this one counts.
    const busy = attestation.state === 'running' || attestation.state === 'waiting_for_host';
    if (!busy) return begin('recovery');
    return attestation.purpose === 'baseline' && attestation.state === 'waiting_for_host' ? begin('recovery') : state;
  }
}

function onStanding(
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

function onContained(
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

function onBound(state: IncidentMachine, outcome: BoundOutcome): IncidentMachine {
  if (outcome.outcome === 'refused') return { ...state, authority_refuses: outcome.code };
  const { settled, receipt } = outcome;
  if (state.phase !== 'containing' || settled.generation !== state.incident.generation) return state;
  const known = state.settled?.settled.containment_binding === settled.containment_binding;
  return beginAttestation({
    ...state,
    phase: 'contained',
    authority_refuses: null,
    settled: { settled, receipt },
    outbox: known ? state.outbox : [...state.outbox, receipt],
  });
}

/** A verdict on another containment, or on an attempt that is not the one under way, says nothing. */
function onAttested(
  state: IncidentMachine,
  { binding, attempt, result, read }: Extract<IncidentEvent, { type: 'attested' }>,
  nowMs: number,
): IncidentMachine {
  const { attestation, settled } = state;
  const foreign = settled?.settled.containment_binding !== binding || attestation.attempt !== attempt;
  if (foreign || attestation.state === 'refused' || attestation.state === 'passed') return state;
  // Not the verifier's: whoever completes activities can answer anything. It is asked for again, as another attempt.
  if (read === null || read.attempt !== attempt || read.containment_binding !== binding)
    return onWaiting(
      state,
      { binding, attempt, reason: 'unreadable', detail: 'the answer is not the verifier’s' },
      nowMs,
    );
  const { verdict, failed_check = null, expected = null, issued_at, expires_at } = read;
  const told = tell(
    state,
    'attested',
    instant(nowMs),
    { attempt, purpose: attestation.purpose, verdict, result },
    `${state.incident.generation}/${attempt}`,
  );
  if (attestation.purpose === 'baseline')
    return beginAttestation({ ...told, attestation: { ...attestation, state: 'idle', at: issued_at, waiting: null } });
  const passed = verdict === 'passed';
  // It was good and is not any more: whoever looked at it before has not seen this.
  const voided = !passed && state.passed_before ? { acknowledged: [], artifacts: [], beside: [] } : {};
  return {
    ...told,
    ...voided,
    attestation: {
      ...attestation,
      state: passed ? 'passed' : 'refused',
      failed_check: passed ? null : failed_check,
      expected: passed ? null : expected,
      waiting: null,
      next_at: null,
      at: issued_at,
      expires_at: passed ? expires_at : null,
      result: passed ? result : null,
    },
    passed_before: passed || state.passed_before,
  };
}

function onWaiting(
  state: IncidentMachine,
  { binding, attempt, reason, detail }: { binding: string; attempt: number; reason: string; detail: string },
  nowMs: number,
): IncidentMachine {
  const { attestation, settled } = state;
  if (settled?.settled.containment_binding !== binding || attestation.attempt !== attempt) return state;
  if (attestation.state !== 'running') return state;
  const { waits } = attestation;
  const waiting = {
    ...attestation,
    state: 'waiting_for_host' as const,
    waiting: `${reason}: ${detail}`.slice(0, 500),
    waits: waits + 1,
    next_at: nowMs + waitMs(waits),
  };
  const next = { ...state, attestation: waiting };
  if (waits > 0) return next;
  const data = { attempt, purpose: attestation.purpose, reason };
  return tell(next, 'attestation_waiting', instant(nowMs), data, `${state.incident.generation}/${attempt}`);
}

/** A wish to resolve: through the gate, or refused with what is missing. */
function onResolve(state: IncidentMachine, by: string, nowMs: number): IncidentMachine {
  const at = instant(nowMs);
  if (state.release !== null) return { ...state, resolve: { at, by, missing: [] } };
  const { open, missing } = gateOf(state, nowMs);
  const next = { ...state, resolve: { at, by, missing } };
  if (!open || state.phase !== 'contained') return tell(next, 'resolve_refused', at, { by, missing });
  const release = { warrant: null, evidence: null, asks: 1, results: [], failing: false, resolved_by: by };
  return { ...next, phase: 'releasing', release };
}

function onIssued(
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

function onReleased(
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

function onHealth(state: IncidentMachine, outcome: HealthOutcome, nowMs: number): IncidentMachine {
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
