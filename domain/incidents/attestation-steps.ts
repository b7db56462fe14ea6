import { instant } from '../identifiers.js';
import type { IncidentEvent } from './incident-event.js';
import { idle, type IncidentMachine } from './incident-state.js';
import { tell } from './incident-told.js';

/** Between questions to a host that does not answer, in ms: doubling up to five minutes. */
const waitMs = (waits: number): number => Math.min(300_000, 15_000 * 2 ** Math.min(waits, 10));

/** A wait that is over becomes a question again, a wish for an attestation one that is asked. */
export function settleDue(state: IncidentMachine, nowMs: number): IncidentMachine {
  let next = state;
  const { attestation } = next;
  if (attestation.state === 'waiting_for_host' && attestation.next_at !== null && nowMs >= attestation.next_at)
    next = { ...next, attestation: { ...attestation, state: 'running', next_at: null } };
  return beginAttestation(next);
}

/** The quote at containment first, where one will be demanded; then one attempt each time somebody asks. */
export function beginAttestation(state: IncidentMachine): IncidentMachine {
  const { attestation, settled, phase } = state;
  if (settled === null || phase !== 'contained') return state;
  const begin = (purpose: 'baseline' | 'recovery'): IncidentMachine => ({
    ...state,
    reattest_wanted: purpose === 'baseline' && state.reattest_wanted,
    attestation: { ...idle(attestation.attempt + 1), purpose, state: 'running' },
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

/** A verdict on another containment, or on an attempt that is not the one under way, says nothing. */
export function onAttested(
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
    // What the authority refused was about the attempt before.
    authority_refuses: null,
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

/** The host did not answer, or not with the verifier's word: the same attempt is asked for again, and told of once. */
export function onWaiting(
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
