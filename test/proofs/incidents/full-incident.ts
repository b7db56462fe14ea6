import type { AttestationResult } from '../../../domain/incidents/attestation-result.js';
import type { IncidentEntryPayload, IncidentEntryType } from '../../../domain/incidents/incident-entry.js';
import { INCIDENT_ENTRY_ROLES } from '../../../domain/incidents/incident-entry.js';
import { DEFAULT_PLAYBOOK, playOf } from '../../../domain/incidents/playbook.js';
import { requirementsOf } from '../../../domain/incidents/requirements.js';
import { instant } from '../../../domain/identifiers.js';
import type { DsseEnvelope } from '../../../domain/intent.js';
import type { SigningRole } from '../../../domain/roles.js';
import { STATEMENT_DOMAIN, type SignedStatement } from '../../../domain/statement.js';
import { canonicalJson, digestOf, sha256Hex } from '../../../proofs/canonical-json.js';
import { signAttestationResult } from '../../../proofs/incidents/attestation-result.js';
import { containmentBinding } from '../../../proofs/incidents/containment-binding.js';
import { buildIncidentBundle } from '../../../proofs/incidents/incident-bundle.js';
import { signIncidentReceipt } from '../../../proofs/incidents/incident-receipt.js';
import { genesisLedgerHash, ledgerEntry } from '../../../proofs/ledger.js';
import { generateRoleKey } from '../../../proofs/role-key.js';
import { signSshsig } from '../../../proofs/sshsig-sign.js';
import { trustFileText, parseTrust, type Trust } from '../../../proofs/trust.js';
import { alice, bob, carol, roster, type TestPerson } from '../ceremony-people.js';

export const ID = 'INC-20260314-120000-0001';
export const HOST = 'node-1';
const T0 = Date.UTC(2026, 2, 14, 12);
const ROLES = ['register', 'authority', 'effect:containment', 'verifier'] as const satisfies SigningRole[];
type Role = (typeof ROLES)[number];
const keys = Object.fromEntries(ROLES.map((role) => [role, generateRoleKey()])) as Record<
  Role,
  ReturnType<typeof generateRoleKey>
>;
const REFERENCE = '22'.repeat(32);

export const trustText = trustFileText({
  roles: ROLES.map((role) => ({ role, publicKey: keys[role].publicKey })),
  roster,
});
const parsed = parseTrust(trustText);
if (!parsed.ok) throw new Error(parsed.message);
export const trust: Trust = parsed.trust;

export const signEntry = (entry: IncidentEntryPayload, role: string = INCIDENT_ENTRY_ROLES[entry.type]): DsseEnvelope =>
  signIncidentReceipt(entry, keys[role as Role]).envelope;

/** Chains and seals bodies as the register does: what whoever holds its key alone can make. */
export function seal(bodies: readonly DsseEnvelope[], id = ID): string {
  let head = genesisLedgerHash(id);
  const entries = bodies.map((body, at) => {
    const entry = ledgerEntry({ seq: at + 1, prev_ledger_hash: head, body });
    head = entry.ledger_hash;
    return entry;
  });
  return buildIncidentBundle({
    incidentId: id,
    sealedAt: instant(T0 + 3_600_000),
    people: roster.people,
    entries,
    key: keys.register,
  });
}

/** An integrity violation from its report to its end, with every kind of entry: refused twice, a newer reference, a waiver. */
export function fullIncident(): IncidentEntryPayload[] {
  const entries: IncidentEntryPayload[] = [];
  let now = T0;
  const at = (): string => instant(now);
  const add = (type: IncidentEntryType, name: string, data: Record<string, unknown>): IncidentEntryPayload => {
    now += 1000;
    const transition = name === '' ? type : `${type}/${name}`;
    const entry = { schema: 'reseal.incident_entry.v1' as const, incident_id: ID, transition, type, at: at(), data };
    entries.push(entry);
    return entry;
  };
  const receiptOf = (entry: IncidentEntryPayload) => ({ transition: entry.transition, envelope: signEntry(entry) });
  const { severity, actions } = playOf(DEFAULT_PLAYBOOK, 'integrity_violation');
  const about = { class: 'integrity_violation' as const, severity, host: HOST, source: 'monitor' };
  const event = { ...about, description: 'a file changed', evidence: { path: '/usr/bin/agent' }, reporter: 'monitor' };
  const opened = add('incident', '', { ...event, containment_actions: actions });
  const incident = {
    ...{ incident_id: ID, generation: 1, ...about, containment_actions: actions, latched: true },
    ...{ requirements: requirementsOf(DEFAULT_PLAYBOOK, about), created_at: opened.at },
  };
  add('standing', '1', incident);
  const of = { generation: 1, host: HOST };
  const results = actions.map((action, index) => {
    if (index === 0) {
      const failed = { ...of, action, success: false, error: 'agent: timed_out', completed_at: at() };
      add('contained', `1/${action}/failed/1`, failed);
    }
    const completed_at = at();
    add('contained', `1/${action}`, { ...of, action, success: true, completed_at });
    add('containment_seen', `1/${action}`, { ...of, action, observed: 'contained', detail: '' });
    return { action, success: true, completed_at };
  });
  const bound = { incident_id: ID, incident_class: about.class, severity };
  const containment_binding = containmentBinding({
    ...bound,
    containment_actions: actions,
    containment_results: results,
  });
  const contained_at = results.at(-1)?.completed_at ?? '';
  const containment = { generation: 1, containment_binding, containment_results: results, contained_at };
  const settled = add('containment_settled', '1', containment);

  const statements: SignedStatement[] = [];
  const say = (person: TestPerson, act: string, more: Record<string, unknown> = {}): void => {
    now += 1000;
    const times = { issued_at: at(), not_after: instant(now + 3_600_000) };
    const said = { domain: STATEMENT_DOMAIN, act, incident_id: ID, containment_binding, person: person.id, ...times };
    const payload = canonicalJson({ ...said, ...more });
    const message = Buffer.from(payload, 'utf8');
    const { publicKey, privateKey } = person;
    const statement = {
      payload,
      signature: signSshsig({ message, namespace: STATEMENT_DOMAIN, publicKey, privateKey }),
    };
    statements.push(statement);
    add('statement', sha256Hex(payload), { act, person: person.id, method: 'software', statement });
  };
  const attest = (attempt: number, over: Partial<AttestationResult>): DsseEnvelope => {
    now += 1000;
    const result: AttestationResult = {
      type: 'reseal.attestation_result.v1',
      ...{ incident_id: ID, host: HOST, attempt, containment_binding, purpose: 'recovery', contained_at },
      ...{ nonce: sha256Hex(String(attempt)), ak_name: `000b${'11'.repeat(32)}`, reference_digest: REFERENCE },
      ...{ reference_version: 2, reference_recorded_at: at(), reference_is_newer: true },
      reference_accepted_by: ['alice', 'carol'],
      baseline: { kind: 'waived', at: null, waived_by: ['alice', 'carol'] },
      ...{ verdict: 'passed', checks: [{ code: 'BAD_SIGNATURE', ok: true, detail: 'rsassa with sha256' }] },
      counters: { reset_count: 8, restart_count: 0, clock_ms: '1000', safe: true },
      ...{ issued_at: at(), expires_at: instant(now + 600_000), ...over },
    };
    const envelope = signAttestationResult(result, keys.verifier);
    const { purpose, verdict } = result;
    add('attested', `1/${attempt}`, { attempt, purpose, verdict, result: envelope });
    return envelope;
  };
  attest(1, { purpose: 'baseline' });
  say(bob, 'acknowledge', { note: 'a package was replaced by hand' });
  add('statement_refused', '9', { digest: sha256Hex('other'), reason: 'foreign_binding' });
  add('resolve_refused', '10', { by: 'bob', missing: ['attestation'] });
  attest(2, { verdict: 'refused', failed_check: 'PCR_NOT_GOLDEN', expected: 'another value of PCR 7' });
  add('attestation_waiting', '1/3', { attempt: 3, purpose: 'recovery', reason: 'unreachable' });
  for (const person of [alice, carol]) {
    say(person, 'accept_baseline', { host: HOST, reference_digest: REFERENCE });
    say(person, 'waive_baseline', { host: HOST });
  }
  say(carol, 'artifact', { kind: 'baseline_update', digest: '33'.repeat(32) });
  const attestation = attest(3, {});
  say(bob, 'resolve');
  now += 1000;
  const standing = receiptOf({ ...(entries[1] as IncidentEntryPayload), at: at() });
  const evidence = { incident_id: ID, standing, settled: receiptOf(settled), statements, bearer: [], attestation };
  const evidence_digest = digestOf(evidence);
  const scope = { direction: 'restore', host: HOST, actions, containment_binding, evidence_digest };
  add('release_issued', `1/${evidence_digest.slice(0, 16)}`, { generation: 1, ...scope, evidence });
  for (const action of [...actions].reverse()) {
    add('released', `1/${action}`, { ...of, action, success: true, completed_at: at() });
    add('release_seen', `1/${action}`, { ...of, action, observed: 'released', detail: '' });
  }
  const health = { integrity: 'trusted', attestor: 'trusted', incident_recorder: null, trusted: true };
  const seen = add('health', '1', { ...of, ...health });
  add('resolved', '', { by: 'bob', health: { ...health, at: seen.at } });
  return entries;
}
