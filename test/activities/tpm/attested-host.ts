import { randomBytes } from 'node:crypto';
import { askForQuote, type AgentAddress } from '../../../activities/tpm/agent-client.js';
import { attestationTasks } from '../../../activities/tpm/attest-host.js';
import { AttestAgent } from '../../../activities/tpm/attest-agent.js';
import { recordReference, type RecordedReference } from '../../../activities/tpm/reference-journal.js';
import { serveAgent, type ServedAgent } from '../../../activities/tpm/serve-agent.js';
import { VERIFIER_MIGRATIONS } from '../../../activities/tpm/verifier-migrations.js';
import { openPglite } from '../../../activities/register/database-pglite.js';
import type { Database } from '../../../activities/register/database.js';
import type { AttestationResult, AttestHostInput } from '../../../domain/incidents/attestation-result.js';
import type { HostReference } from '../../../domain/incidents/host-reference.js';
import { instant } from '../../../domain/identifiers.js';
import { STATEMENT_DOMAIN, type SignedStatement } from '../../../domain/statement.js';
import { sha256Hex } from '../../../proofs/canonical-json.js';
import { readAttestationResult } from '../../../proofs/incidents/attestation-result.js';
import { readHostReference } from '../../../proofs/incidents/host-reference.js';
import { makeReference } from '../../../proofs/incidents/make-reference.js';
import { measuredEvents } from '../../../proofs/tpm/measured-events.js';
import { generateRoleKey } from '../../../proofs/role-key.js';
import { makePeople, type People } from '../../client/people.js';
import { AKS, QuotingHost, type AkName } from '../../proofs/tpm/quoting-host.js';
import { signWith } from '../../support/signing.js';
import { ProxiedTpm } from './proxied-tpm.js';

export const HOST = 'vault-1';
export const INCIDENT = 'INC-20261121-120000-0001';
export const BINDING = 'ab'.repeat(32);
const EK = '0x81010001';
const TOKEN = 'a-token-of-at-least-thirty-two-characters';
export const PCRS = { sha256: [0, 4, 7] };
const BEGAN_MS = Date.parse('2026-11-21T08:00:00Z');

/** A host with a TPM and its agent, and a verifier that asks it, with a journal and a clock of its own. */
export class AttestedHost {
  /** The verifier's clock; a test moves it. */
  nowMs = BEGAN_MS;
  private readonly key = generateRoleKey();
  agent: ServedAgent | undefined;
  address: AgentAddress = { url: 'http://127.0.0.1:1', token: TOKEN };

  private constructor(
    readonly host: QuotingHost,
    readonly proxy: ProxiedTpm,
    readonly people: People,
    readonly journal: Database,
  ) {}

  static async start(): Promise<AttestedHost> {
    const host = await QuotingHost.start();
    await host.tpm.tool('tpm2_createek', '-c', EK, '-G', 'rsa', '-u', 'ek.pub');
    const proxy = await ProxiedTpm.start(host.tpm.socket);
    const world = new AttestedHost(host, proxy, makePeople(), await emptyJournal());
    await world.serve('rsassa');
    return world;
  }

  /** Begins anew: another journal, another time, all PCRs as they are after a boot. */
  async again(): Promise<void> {
    await this.host.boot('reset');
    await this.journal.query('DROP SCHEMA verifier CASCADE');
    await this.journal.query('DELETE FROM schema_migrations');
    await this.journal.migrate(VERIFIER_MIGRATIONS);
    this.nowMs = BEGAN_MS;
    this.proxy.interfere = () => undefined;
  }

  /** `eventLog` is a file, where the host has a firmware that keeps one. */
  async serve(ak: AkName, more: { eventLog?: string } = {}): Promise<void> {
    await this.agent?.close();
    const tpm = { socket: this.proxy.socket };
    const agent = new AttestAgent({ tpm, ak: Number(AKS[ak].handle), ek: Number(EK), token: TOKEN, ...more });
    this.agent = await serveAgent(agent, { host: '127.0.0.1', port: 0 });
    this.address = { url: this.agent.url, token: TOKEN };
  }

  async stop(): Promise<void> {
    await this.agent?.close();
    await this.proxy.stop();
    await this.host.stop();
    await this.journal.close();
    this.people.dispose();
  }

  readonly acceptors = { enrol: 1, quorum: 2 };

  get tasks() {
    return attestationTasks({
      journal: this.journal,
      key: this.key,
      clock: { now: () => this.nowMs },
      roster: () => this.people.roster,
      acceptors: this.acceptors,
      agentOf: (host) => Promise.resolve(host === HOST ? this.address : undefined),
      hosts: () => Promise.resolve([HOST, 'vault-2']),
      lookForReferences: () => Promise.resolve(),
    });
  }

  /** Of a recovery, unless it is told otherwise. */
  input(changed: Partial<AttestHostInput> = {}): AttestHostInput {
    const contained = {
      incident_id: INCIDENT,
      containment_binding: BINDING,
      contained_at: instant(BEGAN_MS + 3_600_000),
    };
    return { host: HOST, attempt: 1, purpose: 'recovery', ...contained, ...changed };
  }

  readonly scheduled = {
    incident_id: null,
    containment_binding: null,
    contained_at: null,
    purpose: 'scheduled',
  } as const;

  async attest(changed: Partial<AttestHostInput> = {}): Promise<AttestationResult> {
    const answer = await this.tasks.attestHost(this.input(changed));
    if (answer.outcome !== 'result') throw new Error(`${answer.reason}: ${answer.detail}`);
    const { keyid, publicKey } = this.key;
    const read = readAttestationResult(answer.result, (asked) =>
      asked === keyid ? { role: 'verifier', publicKey } : undefined,
    );
    if (!read.ok) throw new Error(read.message);
    return read.result;
  }

  /** In short: the verdict, and the check that failed. */
  async verdict(changed: Partial<AttestHostInput> = {}): Promise<string> {
    const { verdict, failed_check } = await this.attest(changed);
    return failed_check === undefined ? verdict : `${verdict} ${failed_check}`;
  }

  /** What the host shows now, as the next version of its reference; `perComponent` by what its log says was measured. */
  async shown(before?: HostReference, ak: AkName = 'rsassa', perComponent = false): Promise<string> {
    const question = { nonce: randomBytes(32).toString('hex'), pcrs: PCRS, event_log: perComponent };
    const values = await askForQuote(this.address, question);
    if (!values.ok) throw new Error(values.message);
    const [ek, area] = await Promise.all(['ek.pub', `${ak}.pub`].map((file) => this.host.read(file)));
    if (ek === undefined || area === undefined) throw new Error('no keys');
    const at = instant(this.nowMs);
    const { pcrs } = values.value;
    const keys = { ek, ak: area, ekChain: [] };
    const shown = { host: HOST, ...keys, eventLog: perComponent, pcrs, label: 'as installed', by: 'bob', at };
    if (!perComponent) return makeReference(shown, before);
    const measured = measuredEvents(Buffer.from(values.value.event_log ?? '', 'base64'), pcrs);
    if (!measured.ok) throw new Error(measured.detail);
    return makeReference({ ...shown, measured: measured.value }, before);
  }

  said(person: string, members: Record<string, unknown>): SignedStatement {
    const issued_at = instant(this.nowMs);
    const not_after = instant(this.nowMs + 3_600_000);
    const statement = { domain: STATEMENT_DOMAIN, host: HOST, person, issued_at, not_after, ...members };
    return signWith(this.people.keyOf(person), statement);
  }

  accepts = (person: string, text: string): SignedStatement =>
    this.said(person, { act: 'enroll_host', reference_digest: sha256Hex(text) });

  inIncident = (person: string, act: string, members: Record<string, unknown> = {}): SignedStatement =>
    this.said(person, { act, incident_id: INCIDENT, containment_binding: BINDING, ...members });

  async record(text: string, ...people: string[]): Promise<RecordedReference> {
    const read = readHostReference(text);
    if (!read.ok) throw new Error(read.message);
    return recordReference(
      this.journal,
      { value: read.value, text, acceptances: people.map((person) => this.accepts(person, text)) },
      { roster: this.people.roster, acceptors: this.acceptors, nowMs: this.nowMs },
    );
  }

  /** Enrols what the host shows now. */
  async enroll(...people: string[]): Promise<HostReference> {
    const text = await this.shown();
    const recorded = await this.record(text, ...(people.length === 0 ? ['bob'] : people));
    if (!recorded.ok) throw new Error(recorded.message);
    return JSON.parse(text) as HostReference;
  }

  later(ms: number): void {
    this.nowMs += ms;
  }
}

async function emptyJournal(): Promise<Database> {
  const database = await openPglite(null);
  await database.migrate(VERIFIER_MIGRATIONS);
  return database;
}
