import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import { ContainmentJournal } from '../../../activities/containment/containment-journal.js';
import type { ContainmentDeps } from '../../../activities/containment/containment-deps.js';
import { CONTAINMENT_MIGRATIONS } from '../../../activities/containment/containment-migrations.js';
import { containmentTasks } from '../../../activities/containment/containment-tasks.js';
import { openPglite } from '../../../activities/register/database-pglite.js';
import type { Database } from '../../../activities/register/database.js';
import { startSimulatedHost, type SimulatedHost } from '../../../deploy/local/host/start-host.js';
import { instant } from '../../../domain/identifiers.js';
import { hostsSchema, type Hosts } from '../../../domain/incidents/host.js';
import {
  incidentEntryPayloadSchema,
  type IncidentEntryPayload,
  type IncidentReceipt,
} from '../../../domain/incidents/incident-entry.js';
import {
  containedDataSchema,
  containmentOutcomeSchema,
  releaseOutcomeSchema,
  type ContainedData,
  type ReleaseEvidence,
} from '../../../domain/incidents/tasks.js';
import { signIncidentReceipt } from '../../../proofs/incidents/incident-receipt.js';
import { generateRoleKey } from '../../../proofs/role-key.js';
import { readYaml } from '../../../proofs/yaml-document.js';
import { environmentOf, FakeClock } from '../graph/attempts.js';

export const INCIDENT = 'INC-20260601-100000-0001';
export const OTHER = 'INC-20260601-100000-0002';
/** Of no warrant at all: what the judge is asked is written down instead. */
const EVIDENCE = {} as ReleaseEvidence;

export type Action = 'freeze_agent' | 'disable_airlock' | 'force_vault_relock' | 'quarantine_model' | 'log_alert';

/** The simulated host, and a containment role that reaches it over HTTP with a journal of its own. */
export class ContainedHost {
  readonly clock = new FakeClock();
  readonly logged: { message: string; fields: Record<string, unknown> }[] = [];
  /** What the release judge is to say, and what it was asked. */
  verdict: { ok: true } | { ok: false; code: string; message: string } = { ok: true };
  judged: string[] = [];
  private readonly key = generateRoleKey();

  constructor(
    readonly host: SimulatedHost,
    readonly database: Database,
    readonly hosts: Hosts,
    readonly access: ContainmentDeps['access'] = { temporal: null, account: null },
  ) {}

  get deps(): ContainmentDeps {
    return {
      hosts: this.hosts,
      access: this.access,
      clock: this.clock,
      sign: (payload) => signIncidentReceipt(payload, this.key),
      journal: new ContainmentJournal(this.database, () => instant(this.clock.now())),
      judge: ({ incident_id, host, action, warrant }) => {
        this.judged.push(`${incident_id} ${host} ${action} ${warrant}`);
        return Promise.resolve(this.verdict);
      },
      log: (message, fields) => void this.logged.push({ message, fields }),
    };
  }

  /** As the server would run it, in a role process that has just been started. */
  async contain(action: Action, { incident = INCIDENT, persist = false, host = this.host.name } = {}) {
    const tasks = containmentTasks(this.deps);
    const input = { incident_id: incident, generation: 1, host, action, persist };
    const outcome = await environmentOf(1, undefined, this.clock).run(() => tasks.contain(input));
    return containmentOutcomeSchema.parse(outcome);
  }

  async release(action: Action, { incident = INCIDENT, persist = false, host = this.host.name } = {}) {
    const tasks = containmentTasks(this.deps);
    const input = { incident_id: incident, generation: 1, host, action, persist, warrant: 'w', evidence: EVIDENCE };
    return releaseOutcomeSchema.parse(await environmentOf(1, undefined, this.clock).run(() => tasks.release(input)));
  }

  /** A release that the warrant carries. */
  async released(...asked: Parameters<ContainedHost['release']>) {
    const outcome = await this.release(...asked);
    if (outcome.outcome !== 'released') throw new Error(outcome.code);
    return { ...outcome, data: dataOf(outcome.receipt) };
  }
}

export function payloadOf({ envelope }: IncidentReceipt): IncidentEntryPayload {
  return incidentEntryPayloadSchema.parse(JSON.parse(Buffer.from(envelope.payload, 'base64').toString('utf8')));
}
export const dataOf = (receipt: IncidentReceipt): ContainedData => containedDataSchema.parse(payloadOf(receipt).data);

export async function hostsIn(file: string): Promise<Hosts> {
  const read = readYaml(await readFile(file, 'utf8'), hostsSchema);
  if (read.ok) return read.value.hosts;
  throw new Error(read.faults.map(({ path, message }) => `${path}: ${message}`).join());
}

/** One simulated host and one journal a file, both as new before each test. */
export function onAHost(begin: (world: ContainedHost) => void): void {
  const dir = mkdtempSync(join(tmpdir(), 'reseal-host-'));
  let host: SimulatedHost;
  let database: Database;
  beforeAll(async () => {
    [host, database] = await Promise.all([startSimulatedHost({ dir }), openPglite(null)]);
    await database.migrate(CONTAINMENT_MIGRATIONS);
  });
  afterAll(async () => {
    await Promise.all([host?.close(), database?.close()]);
    rmSync(dir, { recursive: true, force: true });
  });
  beforeEach(async () => {
    host.state.reset();
    await database.query('DELETE FROM containment.holds');
    await database.query('DELETE FROM containment.targets');
    begin(new ContainedHost(host, database, await hostsIn(host.files.containment)));
  });
}
