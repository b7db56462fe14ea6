import { ApplicationFailure, sleep } from '@temporalio/workflow';
import { attestHostOutcomeSchema } from '../domain/incidents/attestation-result.js';
import type { IncidentCommand } from '../domain/incidents/incident-commands.js';
import type { IncidentEvent } from '../domain/incidents/incident-event.js';
import type { IncidentMachine } from '../domain/incidents/incident-state.js';
import * as tasks from '../domain/incidents/tasks.js';
import type { ContainmentAction } from '../domain/incidents/classes.js';
import { viewOfIncident } from '../domain/incidents/view-of-incident.js';
import {
  attestation as attesting,
  containment,
  incidentAuthority,
  incidentCeremonies,
  incidentRegister,
  incidentVerifier,
} from './incident-tasks.js';

type Deliver = (event: IncidentEvent) => void;

/** The authority's word for receipts that are not all the containment role's. */
const UNPROVEN = 'containment_unproven';
/** The most entries that travel in one append. */
const BATCH = 64;

/**
 * Carries out one command and hands over its answer. Every answer is parsed: one that does not parse, and one that would
 * only be asked for again at once, throws, and the conductor waits before it asks.
 */
export async function performIncident(
  command: IncidentCommand,
  state: () => IncidentMachine,
  deliver: Deliver,
): Promise<void> {
  const now = state();
  switch (command.do) {
    case 'standing': {
      const heard = now.pokes;
      return deliver({ type: 'standing', ...(await standingOf(now)), heard });
    }
    case 'contain':
      return contain(command, now, deliver);
    case 'bind':
      return bind(now, deliver);
    case 'attest':
      return attest(now, deliver);
    case 'issue':
      return issue(now, deliver);
    case 'release':
      return release(command, now, deliver);
    case 'health': {
      const { incident_id, generation, host } = now.incident;
      const answer = await incidentVerifier(`ask ${host} how it is`).readHealth({ incident_id, generation, host });
      return deliver({ type: 'health', outcome: tasks.healthOutcomeSchema.parse(answer) });
    }
    case 'append': {
      const items = now.outbox.slice(0, BATCH);
      const view = viewOfIncident(now, Date.now());
      const { incident_id } = now.incident;
      await incidentRegister('into the ledger').appendIncident({ incident_id, items, view });
      return deliver({ type: 'appended', count: items.length });
    }
  }
}

async function standingOf({ incident }: IncidentMachine): Promise<tasks.StandingOutcome> {
  const { incident_id } = incident;
  return tasks.standingOutcomeSchema.parse(
    await incidentRegister('what the incident is now').incidentStanding({ incident_id }),
  );
}

const targetOf = ({ incident }: IncidentMachine, action: ContainmentAction): tasks.ContainedTarget => {
  const { incident_id, generation, host } = incident;
  return { incident_id, generation, host, action };
};

/** Contained counts when a second identity has seen it. */
async function contain(
  { action, persist }: Extract<IncidentCommand, { do: 'contain' }>,
  state: IncidentMachine,
  deliver: Deliver,
): Promise<void> {
  const target = targetOf(state, action);
  const { generation } = target;
  const { round } = state;
  const summary = `${action} on ${target.host}${persist ? ', until it holds' : ''}`;
  const outcome = tasks.containmentOutcomeSchema.parse(await containment(summary).contain({ ...target, persist }));
  if (!outcome.success) return deliver({ type: 'contained', generation, round, outcome, seen: null });
  const seen = tasks.observationSchema.parse(
    await incidentVerifier(`see that ${action} holds`).verifyContained(target),
  );
  deliver({ type: 'contained', generation, round, outcome, seen });
  if (persist && seen.observed !== 'contained') throw ApplicationFailure.retryable('not seen to hold', 'not_seen');
}

async function bind(state: IncidentMachine, deliver: Deliver): Promise<void> {
  const { incident_id } = state.incident;
  const { incident, receipt } = await standingOf(state);
  if (incident.generation !== state.incident.generation)
    return deliver({ type: 'standing', incident, receipt, heard: state.heard_pokes });
  const contained = state.actions.flatMap((one) => (one.receipt === null ? [] : [one.receipt]));
  const answer = await incidentAuthority('bind the containment').bindContainment({
    incident_id,
    standing: receipt,
    contained,
  });
  const outcome = tasks.boundOutcomeSchema.parse(answer);
  deliver({ type: 'bound', outcome });
  if (outcome.outcome !== 'refused') return;
  if (outcome.code !== UNPROVEN) throw ApplicationFailure.retryable(outcome.message, outcome.code);
  await sleep('30s', { summary: 'contain again: the authority does not believe it' });
  deliver({ type: 'unproven', generation: incident.generation, round: state.round });
}

async function attest(state: IncidentMachine, deliver: Deliver): Promise<void> {
  const { incident, attestation, settled, beside } = state;
  if (settled === null) return;
  const { containment_binding, contained_at } = settled.settled;
  const { attempt, purpose } = attestation;
  const { incident_id, host } = incident;
  const statements = beside.slice(-16);
  const asked = { incident_id, host, attempt, containment_binding, purpose, contained_at };
  const answer = await attesting(`attestation ${attempt} of ${host} (${purpose})`).attestHost({
    ...asked,
    ...(statements.length === 0 ? {} : { statements }),
  });
  const outcome = attestHostOutcomeSchema.parse(answer);
  const of = { binding: containment_binding, attempt };
  if (outcome.outcome === 'waiting') {
    const { reason, detail } = outcome;
    return deliver({ type: 'attest_waiting', ...of, reason, detail });
  }
  const { result } = outcome;
  const read = await incidentCeremonies("check the verifier's signature").readAttestation({ result });
  const parsed = tasks.readAttestationSchema.nullable().parse(read);
  deliver({ type: 'attested', ...of, result, read: parsed });
}

/** What a release rests on, with the register's freshest word. */
async function issue(state: IncidentMachine, deliver: Deliver): Promise<void> {
  const { incident, settled, release } = state;
  if (settled === null || release === null) return;
  // Asked again at once only the first time: what the role refused may be refused for long.
  if (release.asks > 1) await sleep(Math.min(60_000, 1000 * 2 ** Math.min(release.asks, 6)), { summary: 'ask again' });
  const { incident: standing, receipt } = await standingOf(state);
  if (standing.generation !== incident.generation)
    return deliver({ type: 'standing', incident: standing, receipt, heard: state.heard_pokes });
  const evidence = { ...evidenceOf(state), standing: receipt };
  const answer = await incidentAuthority('judge everything again, let it go').issueRelease(evidence);
  deliver({ type: 'release_issued', outcome: tasks.releaseIssuedSchema.parse(answer), evidence });
}

/** The statements and results that the state holds; the standing is the one it began with. */
function evidenceOf({ incident, standing, settled, acknowledged, beside, attestation }: IncidentMachine) {
  const statements = acknowledged.flatMap(({ said }) => ('envelope' in said ? [said.envelope] : []));
  return {
    incident_id: incident.incident_id,
    standing,
    settled: settled?.receipt ?? standing,
    statements: [...statements, ...beside],
    bearer: acknowledged.flatMap(({ said }) => ('bearer' in said ? [said.bearer] : [])).slice(0, 8),
    attestation: attestation.result,
  };
}

async function release(
  { action, persist }: Extract<IncidentCommand, { do: 'release' }>,
  state: IncidentMachine,
  deliver: Deliver,
): Promise<void> {
  const { release: under, round } = state;
  if (under === null || under.warrant === null || under.evidence === null) return;
  const target = targetOf(state, action);
  const of = { generation: target.generation, round, action };
  const { warrant, evidence } = under;
  const answer = await containment(`undo ${action} on ${target.host}`).release({
    ...target,
    warrant,
    evidence,
    persist: false,
  });
  const outcome = tasks.releaseOutcomeSchema.parse(answer);
  if (outcome.outcome === 'refused' || !outcome.success) {
    if (persist) await sleep('5s', { summary: `undo ${action} again` });
    return deliver({ type: 'released', ...of, outcome, seen: null });
  }
  const seen = tasks.observationSchema.parse(
    await incidentVerifier(`see that ${action} is undone`).verifyReleased(target),
  );
  if (persist && seen.observed !== 'released') await sleep('5s', { summary: `look at ${action} again` });
  deliver({ type: 'released', ...of, outcome, seen });
}
