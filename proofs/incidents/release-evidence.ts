import type { ArtifactKind } from '../../domain/incidents/classes.js';
import { attestationObjection, type AttestationObjection } from '../../domain/incidents/attestation-result.js';
import { gate, type AttestationStanding, type GateMissing } from '../../domain/incidents/gate.js';
import { incidentSchema, settledSchema, type Incident, type Settled } from '../../domain/incidents/incident.js';
import { isOperator } from '../../domain/incidents/operators.js';
import { DEFAULT_PLAYBOOK, type Playbook } from '../../domain/incidents/playbook.js';
import { STANDING_MAX_AGE_MS, type ReleaseRefusal } from '../../domain/incidents/release-warrant.js';
import { requirementsOf } from '../../domain/incidents/requirements.js';
import type { IncidentAct } from '../../domain/incidents/statements.js';
import { incidentStatementObjection } from '../../domain/incidents/statement-rules.js';
import { releaseEvidenceSchema, type ReleaseEvidence } from '../../domain/incidents/tasks.js';
import { epochMs } from '../../domain/identifiers.js';
import type { Roster } from '../../domain/roster.js';
import { CLOCK_SKEW_MS } from '../../domain/statement.js';
import { digestOf } from '../canonical-json.js';
import type { RoleKeys } from '../receipt.js';
import { readAttestationResult } from './attestation-result.js';
import { entryOfType } from './incident-receipt.js';
import { checkIncidentStatement } from './incident-statement-check.js';

/** What a judge of a release goes by, all of it its own. */
export interface ReleaseRules {
  roster: Roster;
  roleKeys: RoleKeys;
  playbook: Playbook;
  /** By digest: the judge's own and those before it that still count. Left out where the built-in one is all there is. */
  playbooks?: ReadonlyMap<string, Playbook>;
  /** Whether this judge lets a bearer token's word stand for a signature: for the local stack. */
  compatAck: boolean;
  /** How many besides who acknowledged must stand behind a baseline that is newer than the containment, or waived. */
  quorum: number;
  /** Epoch ms, of the judge's own clock. */
  nowMs: number;
  /** Nobody who said so before this time (epoch ms) has seen the latest failure: a pass, and a refusal after it. */
  voidBeforeMs?: number;
}

/** Verdict on the evidence for a release. `people` acknowledged, sorted. */
export type JudgedRelease =
  | {
      ok: true;
      incident: Incident;
      settled: Settled;
      evidence_digest: string;
      people: string[];
      attempt: number | null;
    }
  | { ok: false; code: ReleaseRefusal; message: string; missing: GateMissing[] };

/**
 * Judges everything that a release rests on, from bytes: what the incident is (the register's word), which containment
 * stands (the authority's), who acknowledged it (their own signatures), and that the host passed (the verifier's). The
 * authority and the containment role both ask it, each with its own roots.
 *
 * The evidence is attacker-controlled: never throws.
 */
export function judgeReleaseEvidence(given: unknown, rules: ReleaseRules): JudgedRelease {
  const parsed = releaseEvidenceSchema.safeParse(given);
  if (!parsed.success) return refuse('evidence_malformed', 'not the shape of evidence for a release');
  const evidence = parsed.data;
  const { incident_id } = evidence;
  const { roleKeys, nowMs } = rules;
  const standing = entryOfType(evidence.standing, incident_id, 'standing', roleKeys);
  const incident = incidentSchema.safeParse(standing?.data);
  if (standing === undefined || !incident.success || incident.data.incident_id !== incident_id)
    return refuse('standing_unproven', 'the register did not say what this incident is');
  const age = nowMs - epochMs(standing.at);
  if (age > STANDING_MAX_AGE_MS || age < -CLOCK_SKEW_MS)
    return refuse('standing_stale', `the register said so at ${standing.at}: ask it again`);
  const entry = entryOfType(evidence.settled, incident_id, 'containment_settled', roleKeys);
  const settled = settledSchema.safeParse(entry?.data);
  if (!settled.success) return refuse('settled_unproven', 'the authority did not settle this containment');
  if (settled.data.generation !== incident.data.generation)
    return refuse(
      'containment_changed',
      `generation ${incident.data.generation} stands: this is of ${settled.data.generation}`,
    );
  const playbook = playbookFor(incident.data, rules);
  if (playbook === undefined) return refuse('playbook_differs', differs(incident.data, rules));
  return throughGate(evidence, incident.data, settled.data, { ...rules, playbook });
}

/** The playbook that an incident was opened under, as this judge knows it; undefined where it does not. */
export function playbookFor(
  { playbook_digest }: Pick<Incident, 'playbook_digest'>,
  { playbook, playbooks }: Pick<ReleaseRules, 'playbook' | 'playbooks'>,
): Playbook | undefined {
  if (playbooks !== undefined) return playbooks.get(playbook_digest ?? BUILT_IN);
  return playbook_digest === undefined ? playbook : undefined;
}
/** What is said where roles have different playbooks: whose is which, by digest. */
export function differs(
  { playbook_digest = BUILT_IN }: Pick<Incident, 'playbook_digest'>,
  { playbooks }: Pick<ReleaseRules, 'playbooks'>,
): string {
  const name = (digest: string): string => (digest === BUILT_IN ? 'the built-in one' : digest);
  const known = playbooks === undefined ? [BUILT_IN] : [...playbooks.keys()];
  return `it was opened under playbook ${name(playbook_digest)}: here is known ${known.map(name).join(', ')}`;
}
/** Digest of the playbook that is built in. */
export const BUILT_IN = digestOf(DEFAULT_PLAYBOOK);

function throughGate(
  evidence: ReleaseEvidence,
  incident: Incident,
  settled: Settled,
  rules: ReleaseRules,
): JudgedRelease {
  const { containment_binding: binding } = settled;
  const requirements = requirementsOf(rules.playbook, incident, rules.compatAck);
  const said = spoken(evidence, incident.incident_id, binding, rules);
  const bearers = requirements.signed
    ? []
    : evidence.bearer
        .filter(({ operator }) => mayBy(rules, 'acknowledge', operator))
        .map(({ operator }) => ({ person: operator, signed: false }));
  const acknowledgements = [...said.people.map((person) => ({ person, signed: true })), ...bearers];
  const people = [...new Set(acknowledgements.map(({ person }) => person))].sort();
  const attested = attestationOf(evidence, incident, settled, people, rules);
  const { open, missing } = gate(requirements, {
    binding,
    acknowledgements,
    attestation: attested.standing,
    artifacts: said.artifacts,
    asked: said.asked || rules.playbook.operators?.release === undefined,
  });
  if (!open) {
    const why = attested.why === undefined ? missing.join(', ') : `${missing.join(', ')}: ${attested.why}`;
    return refuse('gate_shut', why, missing);
  }
  const { attempt } = attested;
  return {
    ok: true,
    incident,
    settled,
    evidence_digest: digestOf(evidence),
    people,
    attempt: requirements.require_reattest ? attempt : null,
  };
}

/** The statements that count: rightly signed, about this containment, in time. One that does not is no fault of the others. */
function spoken(evidence: ReleaseEvidence, incident_id: string, binding: string, rules: ReleaseRules) {
  const { roster, nowMs, playbook, voidBeforeMs = 0 } = rules;
  const people: string[] = [];
  const artifacts: ArtifactKind[] = [];
  let asked = false;
  for (const envelope of evidence.statements) {
    const checked = checkIncidentStatement(envelope, roster, nowMs, playbook.operators);
    if (!checked.ok) continue;
    const { statement, person } = checked;
    if (incidentStatementObjection(statement, { incident_id, binding }, nowMs) !== undefined) continue;
    if (epochMs(statement.issued_at) < voidBeforeMs) continue;
    if (statement.act === 'acknowledge' && !people.includes(person)) people.push(person);
    if (statement.act === 'artifact') artifacts.push(statement.kind);
    asked ||= statement.act === 'resolve';
  }
  return { people, artifacts, asked };
}

interface Attested {
  standing: AttestationStanding;
  attempt: number | null;
  why?: string;
}

function attestationOf(
  { attestation }: ReleaseEvidence,
  { incident_id, host }: Incident,
  { containment_binding, contained_at }: Settled,
  acknowledged_by: readonly string[],
  rules: ReleaseRules,
): Attested {
  const { roleKeys, nowMs, quorum } = rules;
  if (attestation === null) return { standing: 'none', attempt: null };
  const read = readAttestationResult(attestation, roleKeys);
  if (!read.ok) return { standing: 'none', attempt: null, why: read.message };
  // Whose word about a baseline is none by this playbook counts as little as that of who acknowledged.
  const { baseline, reference_accepted_by } = read.result;
  const strangers = [...baseline.waived_by, ...reference_accepted_by].filter(
    (id) => !mayBy(rules, 'waive_baseline', id),
  );
  const leftOut = { acknowledged_by: [...acknowledged_by, ...strangers] };
  const wanted = { incident_id, host, containment_binding, contained_at, ...leftOut, quorum, nowMs };
  const objection = attestationObjection(read.result, wanted);
  if (objection === undefined) return { standing: 'passed', attempt: read.result.attempt };
  return { standing: STANDING_OF[objection] ?? 'none', attempt: null, why: objection };
}

/** Whether the playbook lets a person of the judge's own roster do this. */
function mayBy({ roster, playbook }: ReleaseRules, act: IncidentAct, id: string): boolean {
  const person = roster.people.find((one) => one.id === id);
  return playbook.operators === undefined || (person !== undefined && isOperator(playbook.operators, act, person));
}

const STANDING_OF: Partial<Record<AttestationObjection, AttestationStanding>> = {
  attestation_refused: 'refused',
  attestation_expired: 'expired',
  reference_without_quorum: 'unaccepted',
  waiver_without_quorum: 'unwaived',
};

const refuse = (code: ReleaseRefusal, message: string, missing: GateMissing[] = []): JudgedRelease => ({
  ok: false,
  code,
  message: message.slice(0, 500),
  missing,
});
