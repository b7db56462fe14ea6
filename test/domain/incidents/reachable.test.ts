import { beforeAll, describe, expect, it } from 'vitest';
import type { ContainmentAction } from '../../../domain/incidents/classes.js';
import { incidentCommands, incidentWake } from '../../../domain/incidents/incident-commands.js';
import type { IncidentEvent } from '../../../domain/incidents/incident-event.js';
import { stepIncident } from '../../../domain/incidents/incident-machine.js';
import { newIncident, toRelease, type IncidentMachine } from '../../../domain/incidents/incident-state.js';
import type { Incident } from '../../../domain/incidents/incident.js';
import type { ReleaseEvidence } from '../../../domain/incidents/tasks.js';
import { instant } from '../../../domain/identifiers.js';
import { bindingOf, INCIDENT_ID, incidentOf, receiptOf, saidBy, T0 } from './samples.js';

/** Two actions, and a third with the one escalation; two people have to acknowledge, and the host has to be attested. */
const ACTIONS: readonly ContainmentAction[] = ['freeze_agent', 'force_vault_relock', 'disable_airlock'];
const GENERATIONS = 2;
const PEOPLE = ['bob', 'carol'] as const;

function incidentIn(generation: number): Incident {
  const incident = incidentOf('integrity_violation', generation);
  const containment_actions = ACTIONS.slice(0, generation + 1);
  return { ...incident, containment_actions, requirements: { ...incident.requirements, acknowledgements: 2 } };
}

/** What really happened, told without the machine: who has seen all that stands, and whether the host has passed since. */
interface Truth {
  acknowledged: readonly string[];
  passed: boolean;
}
interface Node {
  state: IncidentMachine;
  truth: Truth;
}

/**
 * What makes a difference to what comes later. How often something was tried, told or asked makes none, nor what is only
 * shown: how the host last called itself, and that the authority refused.
 */
function keyOf({ state, truth }: Node): string {
  const { attestation: one, release, incident } = state;
  return JSON.stringify([
    ...[incident.generation, state.phase, state.actions.map((action) => action.state), state.settled !== null],
    ...[state.acknowledged.map(({ person, said }) => [person, 'envelope' in said]).sort(), state.passed_before],
    ...[one.attempt > 0, one.purpose, one.state, one.expires_at, one.waits > 0, state.reattest_wanted],
    release && [release.warrant !== null, release.results.length, release.failing],
    truth,
  ]);
}

const receipt = receiptOf('x');
const EVIDENCE: ReleaseEvidence = {
  ...{ incident_id: INCIDENT_ID, standing: receipt, settled: receipt },
  ...{ statements: [], bearer: [], attestation: null },
};
const outcomeOf = (action: ContainmentAction) => ({ action, success: true, completed_at: instant(T0), receipt });
const seen = (observed: 'contained' | 'released' | 'unknown') => ({ observed, detail: '', at: instant(T0), receipt });

/** Everything that can come, from a role, from people, late, twice, or from whoever writes to the namespace. */
function eventsAt(state: IncidentMachine): [string, IncidentEvent][] {
  const { incident, round, attestation, release } = state;
  const { generation, containment_actions } = incident;
  const binding = state.settled?.settled.containment_binding ?? bindingOf(generation);
  const { attempt } = attestation;
  const attested = (name: string, verdict: 'passed' | 'refused', over: { attempt?: number; binding?: string } = {}) => {
    const of = { attempt, binding, ...over };
    const expires_at = instant(name === 'a pass that is over' ? T0 : T0 + 600_000);
    const read = { attempt: of.attempt, containment_binding: of.binding, verdict, issued_at: instant(T0), expires_at };
    const result = { payloadType: 'x', payload: '', signatures: [] };
    return [name, { type: 'attested', ...of, result, read }] as [string, IncidentEvent];
  };
  const forged: IncidentEvent = {
    ...{ type: 'attested', attempt, binding, read: null },
    result: { payloadType: 'x', payload: '', signatures: [] },
  };
  const containing = containment_actions.flatMap((action): [string, IncidentEvent][] => {
    const of = { type: 'contained' as const, generation, round, outcome: outcomeOf(action) };
    const failed = { ...of.outcome, success: false, error: 'no' };
    return [
      ['held', { ...of, seen: seen('contained') }],
      ['not seen to hold', { ...of, seen: seen('unknown') }],
      ['not contained', { ...of, outcome: failed, seen: null }],
      ['held, in another round', { ...of, round: round - 1, seen: seen('contained') }],
      ['held, for another generation', { ...of, generation: generation - 1, seen: seen('contained') }],
    ];
  });
  const due = toRelease(state)[0] ?? 'freeze_agent';
  const out_of_turn = toRelease(state).at(-1) ?? 'freeze_agent';
  const released = { type: 'released' as const, generation, round, action: due };
  const undone = { ...outcomeOf(due), outcome: 'released' as const };
  const health = { integrity: 'trusted', attestor: 'trusted', incident_recorder: 'trusted', at: instant(T0), receipt };
  const settled = (of: number) => ({
    ...{ generation: of, containment_binding: bindingOf(of), containment_results: [], contained_at: instant(T0) },
  });
  const warrant = { outcome: 'issued' as const, warrant: 'w', expires_at: instant(T0), receipt };
  const refusal = { outcome: 'refused' as const, code: 'no', message: '' };
  const worse: [string, IncidentEvent][] =
    generation < GENERATIONS
      ? [['escalated', { type: 'standing', incident: incidentIn(generation + 1), receipt, heard: state.pokes }]]
      : [];
  return [
    ['time', { type: 'tick' }],
    ['poked', { type: 'poked' }],
    ...worse,
    ['the same standing', { type: 'standing', incident, receipt, heard: state.pokes }],
    ['an older standing', { type: 'standing', incident: { ...incident, generation: 0 }, receipt, heard: 0 }],
    ...containing,
    ['bound', { type: 'bound', outcome: { outcome: 'bound', settled: settled(generation), receipt } }],
    ['bound, of another', { type: 'bound', outcome: { outcome: 'bound', settled: settled(generation + 1), receipt } }],
    ['not bound', { type: 'bound', outcome: refusal }],
    ['unproven', { type: 'unproven', generation, round }],
    ...PEOPLE.map((person): [string, IncidentEvent] => [
      `${person} acknowledges`,
      { type: 'heard', ...saidBy(person, 'acknowledge', binding, T0) },
    ]),
    ['an old acknowledgement', { type: 'heard', ...saidBy('bob', 'acknowledge', bindingOf(9), T0) }],
    ['a token', { type: 'heard_bearer', act: 'acknowledge', bearer: { operator: 'mallory', token_name: 't' } }],
    ['resolve', { type: 'heard', ...saidBy('bob', 'resolve', binding, T0) }],
    ['a token resolves', { type: 'heard_bearer', act: 'resolve', bearer: { operator: 'mallory', token_name: 't' } }],
    ['reattest', { type: 'reattest' }],
    attested('a pass', 'passed'),
    attested('a pass that is over', 'passed'),
    attested('a refusal', 'refused'),
    attested('a late pass', 'passed', { attempt: attempt - 1 }),
    attested("another's pass", 'passed', { binding: bindingOf(8) }),
    ['a forged pass', forged],
    ['no answer', { type: 'attest_waiting', binding, attempt, reason: 'unreachable', detail: '' }],
    ['issued', { type: 'release_issued', evidence: EVIDENCE, outcome: warrant }],
    ['not issued', { type: 'release_issued', evidence: EVIDENCE, outcome: { ...refusal, missing: ['attestation'] } }],
    ['undone', { ...released, outcome: undone, seen: seen('released') }],
    ['left', { ...released, outcome: { ...undone, left: true }, seen: null }],
    ['not seen undone', { ...released, outcome: undone, seen: seen('unknown') }],
    ['not undone', { ...released, outcome: { ...undone, success: false, error: 'no' }, seen: null }],
    ['not allowed', { ...released, outcome: refusal, seen: null }],
    [
      'undone out of turn',
      {
        ...released,
        action: out_of_turn,
        outcome: { ...outcomeOf(out_of_turn), outcome: 'released' },
        seen: seen('released'),
      },
    ],
    ['trusted', { type: 'health', outcome: { ...health, trusted: true } }],
    ['not trusted', { type: 'health', outcome: { ...health, attestor: 'degraded', trusted: false } }],
    ...(release === null
      ? []
      : [
          [
            'undone, for another generation',
            { ...released, generation: generation - 1, outcome: undone, seen: seen('released') },
          ] as [string, IncidentEvent],
        ]),
  ];
}

function truthAfter({ state: before, truth }: Node, event: IncidentEvent, after: IncidentMachine): Truth {
  if (after.incident.generation !== before.incident.generation) return { acknowledged: [], passed: false };
  let { acknowledged, passed } = truth;
  const binding = before.settled?.settled.containment_binding;
  if (event.type === 'heard' && event.checked.ok && before.phase !== 'resolved') {
    const { act, person, containment_binding } = event.checked.statement;
    if (act === 'acknowledge' && containment_binding === binding)
      acknowledged = [...new Set([...acknowledged, person])].sort();
  }
  if (event.type === 'attested' && event.read !== null && before.attestation.purpose === 'recovery') {
    const { attempt, state } = before.attestation;
    const asked = event.binding === binding && event.attempt === attempt;
    if (asked && (state === 'running' || state === 'waiting_for_host')) {
      const { verdict, expires_at } = event.read;
      // Whoever looked at a host that had passed has not seen that it is refused.
      if (verdict === 'refused' && before.passed_before) acknowledged = [];
      passed = verdict === 'passed' && expires_at > instant(T0);
    }
  }
  if (after.attestation.attempt !== before.attestation.attempt) passed = false;
  return { acknowledged, passed };
}

/** One event, and then the time at which what waits is due; what is told is written down at once. */
function follow(node: Node, event: IncidentEvent): { node: Node; told: IncidentMachine } {
  const due = event.type === 'tick' ? (incidentWake(node.state, T0) ?? T0) : T0;
  const told = stepIncident(stepIncident(node.state, event, due), { type: 'tick' }, due);
  const kept = stepIncident(told, { type: 'appended', count: told.outbox.length }, T0);
  const state = {
    ...kept,
    told: 0,
    verdicts: [],
    heard_pokes: kept.pokes,
    health_at: kept.health_at === null ? null : T0,
  };
  return { node: { state, truth: truthAfter(node, event, state) }, told };
}

const isLetGo = ({ phase }: IncidentMachine): boolean => phase !== 'containing' && phase !== 'contained';

interface Transition {
  name: string;
  before: Node;
  told: IncidentMachine;
  after: Node;
}

describe('all states that an incident can come to', () => {
  const nodes: Node[] = [];
  /** By the state that they lead to: where from. */
  const into: number[][] = [];
  const broken: string[] = [];

  beforeAll(() => {
    const known = new Map<string, number>();
    const add = (node: Node): number => {
      const key = keyOf(node);
      const found = known.get(key);
      if (found !== undefined) return found;
      known.set(key, nodes.length);
      nodes.push(node);
      into.push([]);
      return nodes.length - 1;
    };
    const first = newIncident(incidentIn(1), receiptOf('standing/1'));
    add({ state: { ...first, outbox: [] }, truth: { acknowledged: [], passed: false } });
    for (let at = 0; at < nodes.length; at += 1) {
      const before = nodes[at] as Node;
      for (const [name, event] of eventsAt(before.state)) {
        const { node: after, told } = follow(before, event);
        into[add(after)]?.push(at);
        for (const objection of objections({ name, before, told, after }))
          broken.push(`${objection}: ${name} in ${keyOf(before)}`);
      }
    }
  });

  it('break none of the rules, whatever comes next', () => {
    expect(broken.slice(0, 5)).toEqual([]);
    // An instance in which hardly anything can happen would show nothing.
    expect(nodes.length).toBeGreaterThan(300);
    expect(new Set(nodes.map(({ state }) => state.phase)).size).toBe(5);
  });

  it('have, each of them, a way to the end', () => {
    const reaches = new Set(nodes.flatMap(({ state }, at) => (state.phase === 'resolved' ? [at] : [])));
    const left = [...reaches];
    for (let at = left.pop(); at !== undefined; at = left.pop())
      for (const from of into[at] ?? [])
        if (!reaches.has(from)) {
          reaches.add(from);
          left.push(from);
        }
    const stuck = nodes.filter((_, at) => !reaches.has(at)).map(keyOf);
    expect(stuck.slice(0, 5)).toEqual([]);
  });
});

function objections({ name, before, told, after }: Transition): string[] {
  const found: string[] = [];
  const hold = (what: string, is: boolean): void => void (is || found.push(what));
  const [was, is] = [before.state, after.state];
  // The latch.
  if (isLetGo(is) && !isLetGo(was)) {
    hold('opened by something else than a wish to resolve', name === 'resolve' || name === 'a token resolves');
    hold('opened without both acknowledgements', before.truth.acknowledged.length === PEOPLE.length);
    hold('opened without a pass', before.truth.passed);
    hold('opened before all of it was bound', was.settled !== null && was.phase === 'contained');
  }
  if (is.phase === 'checking_health' && was.phase === 'releasing') {
    const undone = is.release?.results.map(({ action }) => action);
    hold('not undone in reverse', String(undone) === String([...is.incident.containment_actions].reverse()));
  }
  if (is.phase === 'resolved' && was.phase !== 'resolved')
    hold('ended without health', was.phase === 'checking_health' && name === 'trusted');
  if (was.phase === 'resolved') hold('went on after its end', is.phase === 'resolved');
  // What a change voids.
  const begun = is.incident.generation !== was.incident.generation;
  const nothing = is.acknowledged.length === 0 && is.attestation.attempt === 0 && is.settled === null;
  if (begun) hold('kept what answered another containment', nothing && is.release === null && !isLetGo(is));
  hold('went back a generation', is.incident.generation >= was.incident.generation);
  hold(
    'believes who did not speak',
    is.acknowledged.every(({ person }) => after.truth.acknowledged.includes(person)),
  );
  if (is.attestation.state === 'passed' && is.attestation.expires_at !== instant(T0))
    hold('believes a pass that was none', after.truth.passed);
  // What has to be under way.
  const commands = incidentCommands(told, T0);
  const does = (...kinds: string[]): boolean => commands.some((one) => kinds.includes(one.do));
  hold('two pieces of work under one key', new Set(commands.map(({ key }) => key)).size === commands.length);
  if (told.outbox.length > 0) hold('tells and does not write down', does('append'));
  if (told.pokes > told.heard_pokes && told.phase !== 'resolved') hold('does not ask the register', does('standing'));
  if (told.phase === 'containing') hold('does not contain', does('contain', 'bind'));
  for (const { action, state } of told.phase === 'containing' ? told.actions : [])
    if (state !== 'held')
      hold(
        'an action is forgotten',
        commands.some((one) => one.do === 'contain' && one.action === action),
      );
  if (told.phase !== 'containing')
    hold(
      'goes on without containment',
      told.actions.every(({ state }) => state === 'held'),
    );
  if (told.phase === 'releasing') hold('does not release', does('issue', 'release'));
  if (told.phase === 'checking_health') hold('does not look', does('health') || incidentWake(told, T0) !== undefined);
  if (told.phase === 'contained' && told.attestation.state === 'running') hold('does not attest', does('attest'));
  if (told.phase === 'contained' && told.attestation.state === 'waiting_for_host')
    hold('does not ask the host again', incidentWake(told, T0) !== undefined);
  if (told.phase !== 'releasing') hold('releases what is not let go', !does('release', 'issue'));
  return found;
}
