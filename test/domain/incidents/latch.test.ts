import { describe, expect, it } from 'vitest';
import { incidentCommands, incidentWake } from '../../../domain/incidents/incident-commands.js';
import type { IncidentEvent } from '../../../domain/incidents/incident-event.js';
import { stepIncident } from '../../../domain/incidents/incident-machine.js';
import { newIncident, toRelease, type IncidentMachine } from '../../../domain/incidents/incident-state.js';
import { viewOfIncident } from '../../../domain/incidents/view-of-incident.js';
import { instant } from '../../../domain/identifiers.js';
import type { ReleaseEvidence } from '../../../domain/incidents/tasks.js';
import { bindingOf, INCIDENT_ID, incidentOf, LATCHED, receiptOf, saidBy, T0 } from './samples.js';

/** mulberry32: a sequence that each seed always gives again. */
function random(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const MOVES = [
  'pass',
  'fail',
  'timeout',
  'late pass',
  'foreign pass',
  'forged',
  'restart',
  'time',
  'reattest',
  'contain',
  'contain fails',
  'bind',
  'escalate',
  'ack',
  'old ack',
  'bearer',
  'resolve',
  'bearer resolve',
  'issue',
  'refuse',
  'release',
  'healthy',
] as const;
type Move = (typeof MOVES)[number];

const EVIDENCE: ReleaseEvidence = {
  incident_id: INCIDENT_ID,
  standing: receiptOf('standing/1'),
  settled: receiptOf('containment_settled/1'),
  statements: [],
  bearer: [],
  attestation: null,
};

/** What a move makes happen, however little sense it has at this point: whoever writes to the namespace needs none. */
function eventOf(move: Move, state: IncidentMachine, nowMs: number, pick: (n: number) => number): IncidentEvent {
  const { incident, attestation, round } = state;
  const { generation } = incident;
  const binding = state.settled?.settled.containment_binding ?? bindingOf(generation);
  const action = incident.containment_actions[pick(incident.containment_actions.length)] ?? 'log_alert';
  const outcome = { action, success: true, completed_at: instant(nowMs), receipt: receiptOf(`x/${nowMs}`) };
  const seen = (observed: 'contained' | 'released') => ({
    observed,
    detail: '',
    at: instant(nowMs),
    receipt: outcome.receipt,
  });
  const result = { payloadType: 'x', payload: '', signatures: [] };
  const attested = (verdict: 'passed' | 'refused', attempt: number, of = binding): IncidentEvent => ({
    type: 'attested',
    binding: of,
    attempt,
    result,
    read: {
      attempt,
      containment_binding: of,
      verdict,
      issued_at: instant(nowMs),
      expires_at: instant(nowMs + 600_000),
      ...(verdict === 'refused' ? { failed_check: 'PCR_NOT_GOLDEN' } : {}),
    },
  });
  switch (move) {
    case 'pass':
      return attested('passed', attestation.attempt);
    case 'fail':
      return attested('refused', attestation.attempt);
    case 'late pass':
      return attested('passed', attestation.attempt - 1);
    case 'foreign pass':
      return attested('passed', attestation.attempt, bindingOf(generation + 7));
    case 'forged':
      return { type: 'attested', binding, attempt: attestation.attempt, result, read: null };
    case 'timeout':
      return { type: 'attest_waiting', binding, attempt: attestation.attempt, reason: 'unreachable', detail: '' };
    case 'restart':
    case 'time':
      return { type: 'tick' };
    case 'reattest':
      return { type: 'reattest' };
    case 'contain':
      return { type: 'contained', generation, round, outcome, seen: seen('contained') };
    case 'contain fails':
      return { type: 'contained', generation, round, outcome: { ...outcome, success: false, error: 'no' }, seen: null };
    case 'bind':
      return boundEvent(generation, nowMs);
    case 'escalate':
      return {
        type: 'standing',
        incident: incidentOf(incident.class, generation + 1),
        receipt: outcome.receipt,
        heard: 1,
      };
    case 'ack':
      return { type: 'heard', ...saidBy(pick(2) === 0 ? 'bob' : 'carol', 'acknowledge', binding, nowMs) };
    case 'old ack':
      return { type: 'heard', ...saidBy('bob', 'acknowledge', bindingOf(generation + 9), nowMs) };
    case 'resolve':
      return { type: 'heard', ...saidBy('bob', 'resolve', binding, nowMs) };
    case 'bearer':
    case 'bearer resolve':
      return {
        type: 'heard_bearer',
        act: move === 'bearer' ? 'acknowledge' : 'resolve',
        bearer: { operator: 'mallory', token_name: 't' },
      };
    case 'issue':
      return {
        type: 'release_issued',
        evidence: EVIDENCE,
        outcome: { outcome: 'issued', warrant: 'w', expires_at: instant(nowMs), receipt: outcome.receipt },
      };
    case 'refuse':
      return {
        type: 'release_issued',
        evidence: EVIDENCE,
        outcome: { outcome: 'refused', code: 'gate_shut', message: '', missing: ['attestation'] },
      };
    case 'release': {
      const due = toRelease(state)[0] ?? action;
      return {
        type: 'released',
        generation,
        round,
        action: due,
        outcome: { ...outcome, action: due, outcome: 'released' },
        seen: seen('released'),
      };
    }
    case 'healthy':
      return {
        type: 'health',
        outcome: {
          integrity: 'trusted',
          attestor: 'trusted',
          incident_recorder: 'trusted',
          trusted: true,
          at: instant(nowMs),
          receipt: outcome.receipt,
        },
      };
  }
}

const boundEvent = (generation: number, nowMs: number): IncidentEvent => ({
  type: 'bound',
  outcome: {
    outcome: 'bound',
    receipt: receiptOf(`bound/${generation}`),
    settled: {
      generation,
      containment_binding: bindingOf(generation),
      containment_results: [],
      contained_at: instant(nowMs),
    },
  },
});

/** What must have happened since the latest failure or change before a latch may open, kept beside the machine. */
interface Witness {
  acknowledged: boolean;
  passed: boolean;
}

describe('the latch of a latched incident', () => {
  it.each(LATCHED)(
    'of %s opens for nothing but an acknowledgement and a pass that answer what stands',
    (incidentClass) => {
      let opened = 0;
      for (let seed = 1; seed <= 150; seed += 1) {
        const next = random(seed * 7919);
        const pick = (n: number) => Math.floor(next() * n);
        let state = newIncident(incidentOf(incidentClass), receiptOf('standing/1'));
        let nowMs = T0;
        let witness: Witness = { acknowledged: false, passed: false };
        for (let at = 0; at < 120 && state.phase !== 'resolved'; at += 1) {
          const move = MOVES[pick(MOVES.length)] ?? 'time';
          nowMs += move === 'time' ? 20_000 : 1_000;
          const event = eventOf(move, state, nowMs, pick);
          const before = state;
          // A restart has nothing but what was written down.
          if (move === 'restart') state = JSON.parse(JSON.stringify(state)) as IncidentMachine;
          state = stepIncident(state, event, nowMs);
          state = stepIncident(state, { type: 'tick' }, nowMs);
          // A time that has passed would wake the workflow without end.
          expect(incidentWake(state, nowMs) ?? Infinity).toBeGreaterThan(nowMs);
          witness = witnessed(witness, event, before, state);
          const let_go = state.phase === 'releasing' || state.phase === 'checking_health' || state.phase === 'resolved';
          if (!let_go) continue;
          opened += 1;
          const needs = state.incident.requirements.require_reattest;
          expect({ seed, at, move, acknowledged: witness.acknowledged }).toMatchObject({ acknowledged: true });
          if (needs) expect({ seed, at, move, passed: witness.passed }).toMatchObject({ passed: true });
        }
      }
      // Sequences that never open one would show nothing.
      expect(opened).toBeGreaterThan(0);
    },
  );

  it('stays shut over FAIL, TIMEOUT, PASS: only an acknowledgement and a wish to resolve open it', () => {
    let state = contained();
    let nowMs = T0;
    const after = (event: IncidentEvent): void => {
      nowMs += 1000;
      state = stepIncident(stepIncident(state, event, nowMs), { type: 'tick' }, nowMs);
    };
    const verdict = (is: 'pass' | 'fail' | 'timeout'): void => after(eventOf(is, state, nowMs, () => 0));
    verdict('pass');
    after({ type: 'reattest' });
    verdict('fail');
    expect(viewOfIncident(state, nowMs)).toMatchObject({ state: 'contained', attestation: { state: 'refused' } });
    after({ type: 'reattest' });
    verdict('timeout');
    expect(viewOfIncident(state, nowMs).flags).toContain('waiting_for_host');
    nowMs += 60_000;
    after({ type: 'tick' });
    verdict('pass');
    expect(viewOfIncident(state, nowMs)).toMatchObject({ state: 'contained', missing: ['signed_acknowledgement'] });
    nowMs += 365 * 24 * 3600 * 1000;
    after({ type: 'tick' });
    expect(state.phase).toBe('contained');
    expect(incidentCommands(state, nowMs).filter((one) => one.do !== 'append')).toEqual([]);
  });

  it('loses what people said when a host that had passed is refused', () => {
    let state = contained();
    const say = (event: IncidentEvent): void => {
      state = stepIncident(stepIncident(state, event, T0 + 5000), { type: 'tick' }, T0 + 5000);
    };
    say(eventOf('pass', state, T0, () => 0));
    say({ type: 'heard', ...saidBy('bob', 'acknowledge', bindingOf(1), T0) });
    say({ type: 'reattest' });
    say(eventOf('fail', state, T0, () => 0));
    expect(state.acknowledged).toHaveLength(1);
    say({ type: 'reattest' });
    say(eventOf('pass', state, T0, () => 0));
    say({ type: 'reattest' });
    say(eventOf('fail', state, T0, () => 0));
    expect(state.acknowledged).toHaveLength(0);
  });

  it('is voided by a changed containment: both have to be given again', () => {
    let state = contained();
    state = stepIncident(state, { type: 'heard', ...saidBy('bob', 'acknowledge', bindingOf(1), T0) }, T0);
    state = stepIncident(
      state,
      eventOf('escalate', state, T0, () => 0),
      T0,
    );
    expect(state).toMatchObject({ phase: 'containing', settled: null, acknowledged: [], incident: { generation: 2 } });
    const late = stepIncident(state, { type: 'heard', ...saidBy('bob', 'acknowledge', bindingOf(1), T0) }, T0);
    expect(late.acknowledged).toEqual([]);
  });
});

/** An integrity violation, contained and bound; its baseline is being asked for. */
function contained(): IncidentMachine {
  let state = newIncident(incidentOf('integrity_violation'), receiptOf('standing/1'));
  for (const [at] of state.actions.entries())
    state = stepIncident(
      state,
      eventOf('contain', state, T0, () => at),
      T0,
    );
  state = stepIncident(state, boundEvent(1, T0), T0);
  expect(state).toMatchObject({ phase: 'contained', attestation: { purpose: 'baseline', state: 'running' } });
  return state;
}

function witnessed(so_far: Witness, event: IncidentEvent, before: IncidentMachine, after: IncidentMachine): Witness {
  let { acknowledged, passed } = so_far;
  const binding = before.settled?.settled.containment_binding;
  if (after.incident.generation !== before.incident.generation) return { acknowledged: false, passed: false };
  if (event.type === 'heard' && event.checked.ok && event.checked.statement.act === 'acknowledge')
    acknowledged ||= event.checked.statement.containment_binding === binding;
  if (event.type === 'attested' && event.read !== null && before.attestation.purpose === 'recovery') {
    const counts = event.binding === binding && event.attempt === before.attestation.attempt;
    const open = before.attestation.state === 'running' || before.attestation.state === 'waiting_for_host';
    if (counts && open) passed = event.read.verdict === 'passed';
  }
  // Another attempt is another question: the answer to the one before is none to it.
  if (after.attestation.attempt !== before.attestation.attempt) passed = false;
  return { acknowledged, passed };
}

describe('what a view shows of a containment', () => {
  it('has what was said besides acknowledgements, and what the authority missed until something new is said', () => {
    let state = contained();
    const step = (event: IncidentEvent): void => {
      state = stepIncident(stepIncident(state, event, T0 + 5000), { type: 'tick' }, T0 + 5000);
    };
    step(eventOf('pass', state, T0, () => 0));
    step({ type: 'heard', ...saidBy('bob', 'acknowledge', bindingOf(1), T0) });
    step({ type: 'reattest' });
    step(eventOf('pass', state, T0, () => 0));
    const wish = saidBy('bob', 'resolve', bindingOf(1), T0);
    if (!wish.checked.ok) throw new Error('expected a good one');
    const payload = JSON.stringify(wish.checked.statement);
    step({ type: 'heard', ...wish, envelope: { ...wish.envelope, payload } });
    expect(viewOfIncident(state, T0 + 5000)).toMatchObject({ statements: [{ act: 'resolve', person: 'bob' }] });
    const missing = ['attestation_waiver' as const];
    const outcome = { outcome: 'refused' as const, code: 'gate_shut', message: '', missing };
    step({ type: 'release_issued', outcome, evidence: {} as never });
    expect(viewOfIncident(state, T0 + 5000)).toMatchObject({
      missing,
      flags: expect.arrayContaining(['authority_refuses']) as string[],
    });
    step({ type: 'reattest' });
    expect(viewOfIncident(state, T0 + 5000).missing).toEqual(['attestation_running']);
    step(eventOf('pass', state, T0, () => 0));
    expect(viewOfIncident(state, T0 + 5000)).toMatchObject({ missing: [], flags: ['latched'] });
  });
});
