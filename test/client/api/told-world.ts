import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import { TypedSearchAttributes } from '@temporalio/common';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { DirectApi, type DirectApiOptions } from '../../../client/api/direct-api.js';
import type { RegisterReader } from '../../../client/api/register-reader.js';
import { KEYWORDS } from '../../../client/api/search-keywords.js';
import { startTemporalServer, type TemporalServer } from '../../../deploy/local/temporal/start-temporal.js';
import type { Entry } from '../../../domain/entry.js';
import { SEARCH_ATTRIBUTES, TASK_QUEUES } from '../../../domain/roles.js';
import type { CeremonyView } from '../../../domain/view.js';
import { digestOf } from '../../../proofs/canonical-json.js';
import { T0, keyOf, policy, requestFor, roster, signRequest } from '../../proofs/ceremony-people.js';
import { fullCeremony, ledgerOf, sign } from '../../proofs/full-ceremony.js';
import { nameOf, objectOfEffect } from '../../../domain/effects/effects.js';

/** Five minutes into a ceremony that was issued for thirty. */
export const NOW = T0 + 8 * 60_000;

/** A ceremony with its signed ledger up to the moment in which its grant stands, and what its workflow says. */
export function standingCeremony(over: Partial<CeremonyView> = {}) {
  const ceremony = fullCeremony(requestFor());
  const { request, intent, payloads } = ceremony;
  const { event_id, effect, principal } = request;
  const view = {
    event_id,
    profile: request.profile,
    principal_id: principal.object_id,
    state: 'active',
    quorum: 'full',
    approvals_wanted: 2,
    expires_at: intent.deadline,
    tenant_id: effect.tenant_id,
    role: nameOf(effect),
    directory_scope_id: objectOfEffect(effect).scope,
    ...over,
  } as CeremonyView;
  const recorded = payloads.slice(0, payloads.findIndex(({ type }) => type === 'verified') + 1);
  return { ...ceremony, view, entries: (n = recorded.length) => ledgerOf(event_id, recorded.slice(0, n).map(sign)) };
}
export type Standing = ReturnType<typeof standingCeremony>;

/** A register of which `decide` asks these two things and nothing else. */
const registerOf = (members: Pick<RegisterReader, 'openFor' | 'ledgerOf'>): RegisterReader => members as RegisterReader;
export const registerWith = (rows: CeremonyView[], entries: () => Entry[]): RegisterReader =>
  registerOf({
    openFor: async ({ profile, principal_ids }) =>
      rows.filter((row) => row.profile === profile && principal_ids.includes(row.principal_id ?? '')),
    ledgerOf: async () => entries(),
  });
const gone = (): Promise<never> => Promise.reject(new Error('down'));
export const down = registerOf({ openFor: gone, ledgerOf: gone });

/** A real Temporal server, with a worker for workflows that say of themselves whatever they were told. */
export class ToldWorld {
  /** Lets the check of a statement that is under way end. */
  release: () => void = () => undefined;
  private constructor(
    readonly client: Client,
    private readonly ends: (() => Promise<unknown>)[],
  ) {}

  static async start(cli: string): Promise<ToldWorld> {
    Runtime.install({ logger: new DefaultLogger('ERROR') });
    const folder = mkdtempSync(join(tmpdir(), 'reseal-decide-'));
    const logPath = join(folder, 'temporal.log');
    const server: TemporalServer = await startTemporalServer({
      cli,
      dbPath: null,
      searchAttributes: SEARCH_ATTRIBUTES,
      logPath,
    });
    const connection = await Connection.connect({ address: server.address });
    const native = await NativeConnection.connect({ address: server.address });
    const ends: (() => Promise<unknown>)[] = [];
    const world = new ToldWorld(new Client({ connection }), ends);
    const worker = await Worker.create({
      connection: native,
      taskQueue: TASK_QUEUES.ceremonies,
      workflowsPath: fileURLToPath(new URL('./fixtures/told-view.ts', import.meta.url)),
      activities: { check: () => new Promise<void>((resolve) => (world.release = resolve)) },
    });
    const running = worker.run();
    ends.push(
      async () => (worker.shutdown(), running),
      () => native.close(),
      () => connection.close(),
      () => server.stop(),
      async () => rmSync(folder, { recursive: true, force: true }),
    );
    return world;
  }

  async stop(): Promise<void> {
    for (const end of this.ends) await end();
  }

  async run({ view, request }: Standing, queue: string = TASK_QUEUES.ceremonies): Promise<void> {
    await this.client.workflow.start('breakGlass', {
      workflowId: `breakglass/${view.event_id}`,
      taskQueue: queue,
      args: [{ view, envelope: signRequest(request) }],
      typedSearchAttributes: new TypedSearchAttributes([
        { key: KEYWORDS.state, value: 'active' },
        { key: KEYWORDS.profile, value: request.profile },
      ]),
    });
  }

  handleOf({ view }: Standing): WorkflowHandle {
    return this.client.workflow.getHandle(`breakglass/${view.event_id}`);
  }

  api(register: RegisterReader | null, more: Partial<DirectApiOptions> = {}): DirectApi {
    return new DirectApi({
      client: this.client,
      uiUrl: null,
      register,
      queryMs: 2_000,
      now: () => NOW,
      policy: async () => ({ policy, digest: digestOf(policy) }),
      roster: async () => roster,
      keys: async () => keyOf,
      ...more,
    });
  }

  /** An api whose register has this ceremony's row, and of its ledger what `entries` says. */
  over(ceremony: Standing, entries: () => Entry[] = ceremony.entries): DirectApi {
    return this.api(registerWith([ceremony.view], entries));
  }
}
