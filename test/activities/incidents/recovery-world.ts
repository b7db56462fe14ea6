import { randomBytes } from 'node:crypto';
import { attestedBefore } from '../../../activities/authority/incidents/attested-before.js';
import { recoveryTasks } from '../../../activities/authority/incidents/recovery-tasks.js';
import type { IncidentHoldings } from '../../../activities/register/incidents/incident-holdings.js';
import { incidentRegisterTasks } from '../../../activities/register/incidents/incident-register-tasks.js';
import { IncidentReader } from '../../../activities/register/incidents/incident-reader.js';
import type { Database } from '../../../activities/register/database.js';
import { VERIFIER_MIGRATIONS } from '../../../activities/tpm/verifier-migrations.js';
import type { AttestationResult } from '../../../domain/incidents/attestation-result.js';
import type { IncidentClass } from '../../../domain/incidents/classes.js';
import type {
  IncidentEntryPayload,
  IncidentEntryType,
  IncidentReceipt,
} from '../../../domain/incidents/incident-entry.js';
import type { Incident, IncidentReport, Settled } from '../../../domain/incidents/incident.js';
import { DEFAULT_PLAYBOOK, type Playbook } from '../../../domain/incidents/playbook.js';
import type { ReleaseEvidence } from '../../../domain/incidents/tasks.js';
import { instant } from '../../../domain/identifiers.js';
import type { DsseEnvelope } from '../../../domain/intent.js';
import type { SigningRole } from '../../../domain/roles.js';
import { STATEMENT_DOMAIN, type SignedStatement } from '../../../domain/statement.js';
import { canonicalJson } from '../../../proofs/canonical-json.js';
import { signAttestationResult } from '../../../proofs/incidents/attestation-result.js';
import { signIncidentReceipt } from '../../../proofs/incidents/incident-receipt.js';
import type { TrustedKey } from '../../../proofs/receipt.js';
import { generateRoleKey, type RoleKey } from '../../../proofs/role-key.js';
import { signSshsig } from '../../../proofs/sshsig-sign.js';
import { roster, type TestPerson } from '../../proofs/ceremony-people.js';

const ROLES: SigningRole[] = ['register', 'authority', 'effect:containment', 'verifier'];

/** Register and authority over one database, with the keys of all roles: what a recovery rests on, without a workflow. */
export class RecoveryWorld {
  now = Date.UTC(2026, 2, 14, 12);
  compatAck = false;
  playbook: Playbook = DEFAULT_PLAYBOOK;
  /** In place of `playbook`, where register and authority have files of their own. */
  registerBook: Pick<IncidentHoldings, 'playbook' | 'playbooks' | 'playbookDigest'> | undefined;
  authorityBook: Pick<IncidentHoldings, 'playbook' | 'playbooks'> | undefined;
  quorum = 2;
  readonly logged: string[] = [];
  readonly keys = new Map<SigningRole, RoleKey>(ROLES.map((role) => [role, generateRoleKey()]));
  readonly reader: IncidentReader;

  constructor(readonly database: Database) {
    this.reader = new IncidentReader(database);
  }

  migrate(): Promise<void> {
    return this.database.migrate(VERIFIER_MIGRATIONS);
  }

  readonly roleKeys = (keyid: string): TrustedKey | undefined => {
    for (const [role, key] of this.keys) if (key.keyid === keyid) return { role, publicKey: key.publicKey };
    return undefined;
  };

  key(role: SigningRole): RoleKey {
    const key = this.keys.get(role);
    if (key === undefined) throw new Error(`no key for ${role}`);
    return key;
  }

  private get rules() {
    return {
      ...{ database: this.database, roleKeys: this.roleKeys, roster: () => roster, clock: { now: () => this.now } },
      ...{ playbook: this.playbook, compatAck: this.compatAck, quorum: this.quorum },
    };
  }

  get register() {
    const log = (message: string, { code }: Record<string, unknown>) =>
      void this.logged.push(`${message} ${String(code)}`);
    return incidentRegisterTasks({ ...this.rules, ...this.registerBook, key: this.key('register'), log });
  }

  get authority() {
    return recoveryTasks({
      ...{ ...this.rules, ...this.authorityBook, key: this.key('authority') },
      attested: attestedBefore(this.roleKeys),
    });
  }

  /** One event; each has an id of its own. */
  report(over: Partial<IncidentReport> = {}) {
    return this.register.recordIncidentEvent({
      report_id: randomBytes(8).toString('hex'),
      class: 'integrity_violation',
      source: 'integrity-monitor',
      description: 'a file changed',
      evidence: { path: '/usr/bin/agent' },
      host: 'node-1',
      reporter: 'monitor',
      ...over,
    });
  }

  entry(
    role: SigningRole,
    incident_id: string,
    type: IncidentEntryType,
    transition: string,
    data: Record<string, unknown>,
  ): IncidentReceipt {
    const at = instant(this.now);
    const payload: IncidentEntryPayload = {
      schema: 'reseal.incident_entry.v1',
      incident_id,
      transition,
      type,
      at,
      data,
    };
    return signIncidentReceipt(payload, this.key(role));
  }

  contained(incident: Incident, action: string, by: SigningRole = 'effect:containment'): IncidentReceipt {
    const { incident_id, generation, host } = incident;
    const data = { generation, host, action, success: true, completed_at: instant(this.now) };
    return this.entry(by, incident_id, 'contained', `contained/${generation}/${action}`, data);
  }

  /** An incident of this class, opened, contained and bound. */
  async settle(incidentClass: IncidentClass): Promise<Scene> {
    const recorded = await this.report({ class: incidentClass, description: randomBytes(4).toString('hex') });
    if (recorded.outcome === 'refused') throw new Error(recorded.message);
    return this.bind(recorded.incident_id);
  }

  async bind(incident_id: string): Promise<Scene> {
    const { incident, receipt } = await this.register.incidentStanding({ incident_id });
    const contained = incident.containment_actions.map((action) => this.contained(incident, action));
    const bound = await this.authority.bindContainment({ incident_id, standing: receipt, contained });
    if (bound.outcome === 'refused') throw new Error(bound.message);
    return { incident, standing: receipt, settled: bound.settled, receipt: bound.receipt, contained };
  }

  say(
    { id, publicKey, privateKey }: TestPerson,
    act: string,
    { incident, settled }: Scene,
    over: Record<string, unknown> = {},
  ): SignedStatement {
    const payload = canonicalJson({
      domain: STATEMENT_DOMAIN,
      act,
      incident_id: incident.incident_id,
      containment_binding: settled.containment_binding,
      person: id,
      issued_at: instant(this.now),
      not_after: instant(this.now + 3_600_000),
      ...over,
    });
    const message = Buffer.from(payload, 'utf8');
    return { payload, signature: signSshsig({ message, namespace: STATEMENT_DOMAIN, publicKey, privateKey }) };
  }

  /** What the verifier makes of an attempt, in its journal too unless `unknown`. */
  async attest(
    { incident, settled }: Scene,
    attempt: number,
    over: Partial<AttestationResult> = {},
    { by = 'verifier', unknown = false }: { by?: SigningRole; unknown?: boolean } = {},
  ): Promise<DsseEnvelope> {
    const nonce = randomBytes(32).toString('hex');
    const result: AttestationResult = {
      type: 'reseal.attestation_result.v1',
      incident_id: incident.incident_id,
      host: incident.host,
      attempt,
      containment_binding: settled.containment_binding,
      purpose: 'recovery',
      contained_at: settled.contained_at,
      nonce,
      ak_name: null,
      reference_digest: null,
      reference_version: null,
      reference_recorded_at: null,
      reference_accepted_by: [],
      reference_is_newer: false,
      baseline: { kind: 'containment', at: instant(this.now), waived_by: [] },
      verdict: 'passed',
      checks: [],
      counters: null,
      issued_at: instant(this.now),
      expires_at: instant(this.now + 600_000),
      ...over,
    };
    const envelope = signAttestationResult(result, this.key(by));
    if (!unknown) await this.journal(result, envelope);
    return envelope;
  }

  private async journal(result: AttestationResult, envelope: DsseEnvelope): Promise<void> {
    const { nonce, incident_id, host, attempt, containment_binding, purpose, issued_at, expires_at, verdict } = result;
    const of = [nonce, incident_id, host, attempt, containment_binding, purpose];
    await this.database.query(
      `INSERT INTO verifier.nonces (nonce, incident_id, host, attempt, containment_binding, purpose, minted_at, expires_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
      [...of, issued_at, expires_at],
    );
    await this.database.query('INSERT INTO verifier.spent (nonce, outcome, spent_at) VALUES ($1, $2, $3)', [
      nonce,
      verdict,
      issued_at,
    ]);
    await this.database.query(
      `INSERT INTO verifier.results (nonce, incident_id, host, attempt, containment_binding, purpose, issued_at, envelope)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
      [...of, issued_at, JSON.stringify(envelope)],
    );
  }

  async evidence(scene: Scene, over: Partial<ReleaseEvidence> = {}): Promise<ReleaseEvidence> {
    const { incident_id } = scene.incident;
    const { receipt } = await this.register.incidentStanding({ incident_id });
    return {
      incident_id,
      standing: receipt,
      settled: scene.receipt,
      statements: [],
      bearer: [],
      attestation: null,
      ...over,
    };
  }
}

/** A contained incident, as the register and the authority know it. */
export interface Scene {
  incident: Incident;
  standing: IncidentReceipt;
  settled: Settled;
  receipt: IncidentReceipt;
  contained: IncidentReceipt[];
}
