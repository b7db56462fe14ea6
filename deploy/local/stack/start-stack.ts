import { mkdir, writeFile } from 'node:fs/promises';
import { Client, Connection } from '@temporalio/client';
import { systemClock } from '../../../activities/clock.js';
import { directoryRegistry } from '../../../activities/contracts/directory-registry.js';
import type { Database } from '../../../activities/register/database.js';
import { eventReader } from '../../../activities/register/events.js';
import { IncidentReader } from '../../../activities/register/incidents/incident-reader.js';
import { registerRegistry } from '../../../activities/register/published-documents.js';
import { DirectApi } from '../../../client/api/direct-api.js';
import { readTrustRoots } from '../../../client/config/trust-roots.js';
import { decisionLog } from '../../../client/decide/decision-log.js';
import { startGateway } from '../../../client/gateway/start-gateway.js';
import { ROLES } from '../../../domain/roles.js';
import { clientDataConverter } from '../../../workers/codec/data-converter.js';
import { openContractBook, readRoots } from '../../../workers/open-contract-book.js';
import { readPlaybooks } from '../../../workers/playbooks-file.js';
import { readRoleContext } from '../../../workers/role-context.js';
import type { WorkerSettings } from '../../../workers/settings.js';
import { startRoles } from '../../../workers/start-roles.js';
import type { TemporalServer } from '../temporal/start-temporal.js';
import { devJsonOf } from './dev-json.js';
import { localRunbook } from './local-runbook.js';
import { LOCAL_UNMARKED_SWEEPER } from './local-world.js';
import { localPublication } from './local-publication.js';
import { settlePorts } from './ports.js';
import { keepFresh } from './publish-contracts.js';
import { stackFiles, type StackFiles } from './stack-files.js';
import { StackError } from './stack-error.js';
import { takeFolder } from './stack-lock.js';
import { startDatabase, startGraph, startHost, startInbox, startTemporal } from './stack-servers.js';
import type { Stack, StackOptions } from './stack.js';
import { Teardown } from './teardown.js';
import { groupsOf, tenantsOf, workerSettings, writeWorkerFiles } from './worker-settings.js';

export type { Stack, StackOptions } from './stack.js';

/**
 * Starts the local stack. Throws StackError, TemporalError or SettingsError, each saying what to do; nothing is left
 * running then.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const teardown = new Teardown();
  try {
    return await start(options, teardown);
  } catch (error) {
    await teardown.run();
    throw error;
  }
}

async function start(options: StackOptions, teardown: Teardown): Promise<Stack> {
  const { databaseUrl = null } = options;
  const progress = (step: string): void => {
    options.signal?.throwIfAborted();
    options.progress?.(step);
  };
  const { layout, leftover } = await takeFolder(options.dir, options.ephemeral ?? false, teardown);
  if (leftover) progress('stopped a Temporal server that an earlier stack left behind');
  const files = await stackFiles(layout, options);
  teardown.add(
    keepFresh(files.registry, files.signers, () => options.log('no list of revocations could be published', {})),
  );
  const ports = await settlePorts(options.ports ?? {});

  progress('the database');
  const database = await startDatabase(layout, options, teardown);
  progress("Temporal's server");
  const temporal = await startTemporal(layout, options, { ports, keyring: files.keyring, teardown });
  progress('the Graph simulator');
  const graph = await startGraph(layout, options, { port: ports.graph, teardown });

  const inbox = await startInbox(layout, { port: ports.inbox, teardown });

  const host = await startHost(layout, options, teardown);

  const { series } = files;
  const urls = { graphUrl: graph.url, inboxUrl: inbox.url };
  const settings = workerSettings(layout, options, { temporal, ...urls, series, hostFiles: host?.files ?? null });
  if (settings.sweeper !== undefined) {
    settings.sweeper.tenant_ids = tenantsOf(files.policy.policy);
    settings.sweeper.groups = groupsOf(files.policy.policy);
    settings.sweeper.unmarked = {
      graph: { mode: 'loopback', application_id: LOCAL_UNMARKED_SWEEPER, url: graph.url },
      tenant_ids: tenantsOf(files.policy.policy),
    };
    // The authority makes it with its first intent; a sweep before that would not know whether it was taken away.
    await mkdir(layout.intents, { recursive: true, mode: 0o700 });
  }
  await writeWorkerFiles(layout, settings);
  progress('the roles');
  const roles = await playRoles(settings, database, options, teardown);

  progress('the gateway');
  const { connection, client } = await connect(temporal, files, teardown);
  const { keyOf } = await readTrustRoots(layout.trust);
  const contracts = await openContractBook(settings.contracts, systemClock, options.log);
  teardown.add(contracts.follow(settings.contracts.refresh_seconds * 1000));
  const api = new DirectApi({
    client,
    uiUrl: temporal.uiUrl,
    register: eventReader(database),
    incidentRegister: new IncidentReader(database),
    ...(await shownPlaybook(settings)),
    policy: () => Promise.resolve(contracts.policy()),
    roster: () => Promise.resolve(contracts.roster()),
    keys: () => Promise.resolve(keyOf),
  });
  const gateway = await startGateway({
    api,
    port: ports.gateway,
    runbook: await localRunbook(layout, options, { api, roster: () => contracts.roster(), hostName: host?.name }),
    registry: directoryRegistry(layout.contracts),
    publish: localPublication(
      registerRegistry(database, { roots: () => readRoots(settings.contracts.roots_path) }),
      directoryRegistry(layout.contracts),
    ),
    ...(options.decisionLog === undefined ? {} : { decisionLog: decisionLog(options.decisionLog) }),
    log: ({ code, method, path }) => options.log('gateway', { code, method, path }),
  });
  teardown.add(() => gateway.close());
  options.signal?.throwIfAborted();

  const { identities } = files;
  const gatewayUrl = gateway.url;
  const dev = devJsonOf({ layout, temporal, graph, databaseUrl, identities, gatewayUrl, inboxUrl: inbox.url, host });
  await writeFile(layout.devJson, `${JSON.stringify(dev, null, 2)}\n`);
  const ended = new StackError('stack_failed', `Temporal's server ended by itself: see ${layout.temporalLog}`);
  const temporalFailed = temporal.exited.then(() => Promise.reject(ended));
  const failed = Promise.race([temporalFailed, roles.failed]).then(() => undefined);
  // Whoever waits for it hears of it.
  failed.catch(() => undefined);
  return { layout, dev, settings, host, database, connection, client, failed, stop: () => teardown.run() };
}

/** Plays the roles that are asked for in this process; `failed` rejects when one of them fails for good. */
async function playRoles(
  settings: WorkerSettings,
  database: Database,
  { roles = ROLES, log }: StackOptions,
  teardown: Teardown,
): Promise<{ failed: Promise<void> }> {
  if (roles.length === 0) return { failed: new Promise(() => undefined) };
  const running = await startRoles(await readRoleContext({ ...settings, roles: [...roles] }, database, log));
  teardown.add(() => running.stop());
  return running;
}

async function connect(
  { address, namespace }: TemporalServer,
  { keyring }: StackFiles,
  teardown: Teardown,
): Promise<{ connection: Connection; client: Client }> {
  const connection = await Connection.connect({ address });
  teardown.add(() => connection.close());
  return { connection, client: new Client({ connection, namespace, dataConverter: clientDataConverter(keyring) }) };
}

/** What the gateway shows of the roles' playbook: it decides nothing by it. */
async function shownPlaybook(settings: WorkerSettings) {
  const { playbook, playbookDigest: digest } = await readPlaybooks(settings);
  return digest === undefined ? {} : { playbook: { playbook, digest } };
}
