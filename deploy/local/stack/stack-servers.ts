import { openPglite } from '../../../activities/register/database-pglite.js';
import { openPostgres } from '../../../activities/register/database-postgres.js';
import type { Database } from '../../../activities/register/database.js';
import { SEARCH_ATTRIBUTES } from '../../../domain/roles.js';
import { ALL_MIGRATIONS } from '../../../workers/all-migrations.js';
import { startCodecServer } from '../../../workers/codec/codec-server.js';
import type { Keyring } from '../../../workers/codec/keyring.js';
import { EncryptionCodec } from '../../../workers/codec/payload-codec.js';
import { startGraphSimulator, type GraphSimulator } from '../graph/server.js';
import { startSimulatedHost, USUAL_HOST_PORTS, type SimulatedHost } from '../host/start-host.js';
import { startNoticeInbox, type NoticeInbox } from '../inbox/start-inbox.js';
import { findTemporalCli } from '../temporal/find-temporal.js';
import { startTemporalServer, type TemporalServer } from '../temporal/start-temporal.js';
import type { Layout } from './layout.js';
import { LOCAL_PEOPLE } from './local-world.js';
import type { PortWishes } from './ports.js';
import type { StackOptions } from './stack.js';
import type { Teardown } from './teardown.js';

/** The register and the authority's journal in one database, brought up to date. */
export async function startDatabase(layout: Layout, options: StackOptions, teardown: Teardown): Promise<Database> {
  const database = await (options.databaseUrl
    ? openPostgres(options.databaseUrl)
    : openPglite(options.ephemeral ? null : layout.registerDir));
  teardown.add(() => database.close());
  await database.migrate(ALL_MIGRATIONS);
  return database;
}

/** Temporal's server, whose Web UI decodes payloads through a codec endpoint of this process. */
export async function startTemporal(
  layout: Layout,
  options: StackOptions,
  { ports, keyring, teardown }: { ports: Required<PortWishes>; keyring: Keyring; teardown: Teardown },
): Promise<TemporalServer> {
  const { signal } = options;
  const cli = await findTemporalCli(signal === undefined ? {} : { signal });
  const codec = await startCodecServer({
    codec: new EncryptionCodec(keyring),
    uiOrigin: [`http://127.0.0.1:${ports.ui}`, `http://localhost:${ports.ui}`],
  });
  teardown.add(() => codec.stop());
  const temporal = await startTemporalServer({
    cli: cli.path,
    dbPath: options.ephemeral ? null : layout.temporalDb,
    port: ports.temporal,
    uiPort: ports.ui,
    searchAttributes: SEARCH_ATTRIBUTES,
    uiCodecEndpoint: codec.url,
    logPath: layout.temporalLog,
    pidFile: layout.temporalPidFile,
    ...(signal === undefined ? {} : { signal }),
    dynamicConfig: options.dynamicConfig ?? {},
  });
  teardown.add(() => temporal.stop());
  return temporal;
}

/** Where notices of this stack can be seen. */
export async function startInbox(
  layout: Layout,
  { port, teardown }: { port: number; teardown: Teardown },
): Promise<NoticeInbox> {
  const inbox = await startNoticeInbox({ port, secretPath: layout.inboxSecret });
  teardown.add(() => inbox.close());
  return inbox;
}

/** The simulated host, where the stack has one: on the runbook's ports where those are wanted and free. */
export async function startHost(
  layout: Layout,
  { host }: StackOptions,
  teardown: Teardown,
): Promise<SimulatedHost | null> {
  if (host === undefined) return null;
  const started = await startSimulatedHost({
    dir: layout.host,
    ports: host.ports === 'usual' ? USUAL_HOST_PORTS : {},
    pidFile: layout.hostTpmPidFile,
  });
  teardown.add(() => started.close());
  return started;
}

/** The Graph simulator, where the stack's people are users. */
export async function startGraph(
  layout: Layout,
  options: StackOptions,
  { port, teardown }: { port: number; teardown: Teardown },
): Promise<GraphSimulator> {
  const users = (options.people ?? LOCAL_PEOPLE).map(({ object_id, upn, display_name }) => ({
    id: object_id,
    userPrincipalName: upn,
    displayName: display_name,
  }));
  const graph = await startGraphSimulator({
    port,
    statePath: options.ephemeral ? null : layout.graphState,
    seed: { users },
  });
  teardown.add(() => graph.close());
  return graph;
}
