import { appendFileSync } from 'node:fs';
import path from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { otherClockText, readerZone } from '../../../client/cli/times.js';
import { ceremonyWorkflowId, resealWorkflowId } from '../../../domain/identifiers.js';
import { formatDuration } from '../../../domain/duration.js';
import { DatabaseError } from '../../../activities/register/database.js';
import { clientDataConverter } from '../../../workers/codec/data-converter.js';
import { readKeyringFile } from '../../../workers/codec/keyring-file.js';
import type { Log } from '../../../workers/role-context.js';
import { readPolicyFile } from '../../../workers/policy-files.js';
import { SettingsError } from '../../../workers/settings-error.js';
import { TemporalError } from '../temporal/temporal-error.js';
import { readDevJson, type DevJson } from './dev-json.js';
import { layoutOf } from './layout.js';
import { gatewayMoved, type PortWishes } from './ports.js';
import { StackError } from './stack-error.js';
import { startStack, type Stack } from './start-stack.js';
import { advanceCeremony, virtualNow } from './time-skipping.js';
import { tenantsOf } from './worker-settings.js';

interface DevIo {
  stdout: { write(text: string): unknown };
  stderr: { write(text: string): unknown };
  env: Readonly<Record<string, string | undefined>>;
  /** Aborted by a Ctrl-C that came before this was called. */
  signal?: AbortSignal;
}

/** `dir` is the absolute folder that holds `.reseal/`; ports left out are the usual ones, or free ones where those are taken. */
export type DevRequest =
  | { do: 'start'; dir: string; ephemeral: boolean; ports: PortWishes & { base?: number } }
  | { do: 'advance'; dir: string; event_id: string; seconds: number };

/** `reseal dev` and `reseal dev advance`. Answers the exit status; what went wrong is said on stderr. */
export async function devCommand(request: DevRequest, io: DevIo): Promise<number> {
  try {
    return await (request.do === 'start' ? start(request, io) : advance(request, io));
  } catch (error) {
    if (!(
      error instanceof StackError ||
      error instanceof TemporalError ||
      error instanceof SettingsError ||
      error instanceof DatabaseError
    )) {
      throw error;
    }
    io.stderr.write(`reseal: ${error.message} (${error.code})\n`);
    if (error.code === 'register_unreachable')
      io.stderr.write('  look at RESEAL_DATABASE_URL, or unset it for the embedded database\n');
    return exitOf(error.code);
  }
}

/** 6 cannot reach, 2 usage, 130 interrupted, 1 internal. */
function exitOf(code: string): number {
  if (code === 'register_unreachable') return 6;
  if (code === 'interrupted') return 130;
  return USAGE_CODES.has(code) ? 2 : 1;
}

const USAGE_CODES = new Set<string>([
  'already_running',
  'port_in_use',
  'event_not_running',
  'not_a_local_stack',
  'file_invalid',
  'file_missing',
  'database_locked',
]);

/** Starts the stack, prints its addresses and then `ready`, and runs until SIGINT or SIGTERM. */
async function start({ dir, ephemeral, ports }: Extract<DevRequest, { do: 'start' }>, io: DevIo): Promise<number> {
  const stop = stopSignal(io.signal);
  const started = Date.now();
  const { base, ...wishes } = ports;
  const wanted: PortWishes = { ...(base === undefined ? {} : portsFrom(base)), ...wishes };
  const stack = await startStack({
    dir,
    ephemeral,
    ports: wanted,
    databaseUrl: io.env.RESEAL_DATABASE_URL ?? null,
    sweepSeconds: SWEEP_SECONDS,
    compatAck: true,
    ...(io.env.RESEAL_PLAYBOOKS ? { playbooks: path.resolve(dir, io.env.RESEAL_PLAYBOOKS) } : {}),
    ...(io.env.RESEAL_RUNBOOK_TOKENS ? { runbookTokens: path.resolve(dir, io.env.RESEAL_RUNBOOK_TOKENS) } : {}),
    host: { ports: base === undefined ? 'usual' : 'free' },
    ...(io.env.RESEAL_DECISION_LOG ? { decisionLog: path.resolve(dir, io.env.RESEAL_DECISION_LOG) } : {}),
    log: ephemeral ? () => undefined : fileLog(layoutOf(path.join(dir, '.reseal')).roleLog),
    signal: stop,
    progress: (step) => io.stderr.write(`starting: ${step}\n`),
  });
  for (const line of addresses(stack)) io.stdout.write(`${line}\n`);
  const moved = gatewayMoved(wanted.gateway, stack.dev.gateway_url);
  if (moved !== undefined) io.stderr.write(`note: ${moved}\n`);
  io.stderr.write(`started in ${((Date.now() - started) / 1000).toFixed(1)} s; Ctrl-C stops everything\n`);
  io.stdout.write('ready\n');
  try {
    await Promise.race([aborted(stop), stack.failed]);
  } finally {
    io.stderr.write('stopping\n');
    await stack.stop();
  }
  return 0;
}

const SWEEP_SECONDS = 60;

const portsFrom = (base: number): PortWishes => ({
  gateway: base,
  temporal: base + 1,
  ui: base + 2,
  graph: base + 3,
  inbox: base + 4,
});

function fileLog(file: string): Log {
  return (message, fields) => {
    appendFileSync(file, `${JSON.stringify({ at: new Date().toISOString(), message, ...fields })}\n`, { mode: 0o600 });
  };
}

/** Aborted at the first SIGINT or SIGTERM, or when one came `before`; a second one ends the process at once. */
function stopSignal(before: AbortSignal | undefined): AbortSignal {
  const stop = new AbortController();
  const onSignal = (): void => {
    if (stop.signal.aborted) process.exit(130);
    stop.abort(new StackError('interrupted', 'stopped before it was ready; nothing is left running'));
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  if (before?.aborted === true) onSignal();
  return stop.signal;
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });

function addresses({ dev, layout }: Stack): string[] {
  const rows: [string, string][] = [
    ['gateway', dev.gateway_url],
    ['Temporal Web UI', dev.temporal_ui_url],
    ['Temporal', dev.temporal_address],
    ['Graph simulator', `${dev.graph_url} (control ${dev.graph_control_url})`],
    ['notices', dev.notice_inbox_url],
    ...(dev.host === null
      ? []
      : ([['simulated host', `${dev.host.name} (control ${dev.host.control_url})`]] satisfies [string, string][])),
    ['register', dev.database_url === null ? 'embedded (PGlite)' : 'PostgreSQL'],
    ['state', layout.root],
    ['people', dev.identities.map(({ upn }) => upn).join(', ')],
  ];
  return rows.map(([name, value]) => `${name.padEnd(16)} ${value}`);
}

/** Moves one ceremony's time forward and says what time it is there then. */
async function advance({ dir, event_id, seconds }: Extract<DevRequest, { do: 'advance' }>, io: DevIo): Promise<number> {
  const dev = await readDevJson(dir);
  const connection = await Connection.connect({ address: dev.temporal_address });
  try {
    const namespace = dev.temporal_namespace;
    const workflowId = await runningWorkflow(connection, namespace, event_id);
    io.stderr.write(`moving ${workflowId} forward by ${formatDuration(seconds)}\n`);
    const keyring = await readKeyringFile(dev.payload_keyring_path);
    const client = new Client({ connection, namespace, dataConverter: clientDataConverter(keyring) });
    const end = await advanceCeremony(client, workflowId, seconds, ADVANCE_PATIENCE_MS);
    const now = await virtualNow(connection, { namespace, workflowId });
    if (now !== null) await tellGraph(dev, now);
    const zone = readerZone(io.env);
    const at = now === null ? '' : `: it is ${otherClockText(now.toISOString(), Date.now(), zone)}`;
    io.stdout.write(
      `${workflowId} ${end === 'ended' ? 'ended on the way' : `is ${formatDuration(seconds)} further`}${at}\n`,
    );
    return 0;
  } finally {
    await connection.close();
  }
}

/**
 * Brings the simulator's tenants to the ceremony's time, as its next call would: the sweep, which lives in no ceremony, judges
 * deadlines by theirs. Best effort: an answer is not waited for longer than a moment.
 */
async function tellGraph({ graph_control_url, policy_path }: DevJson, now: Date): Promise<void> {
  const tenants = await readPolicyFile(policy_path).then(
    ({ policy }) => tenantsOf(policy),
    () => [],
  );
  const told = tenants.map((tenant) =>
    fetch(`${graph_control_url}/time`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ now: now.toISOString(), tenant }),
      signal: AbortSignal.timeout(2_000),
    }),
  );
  await Promise.allSettled(told);
}

/** Each skip takes about a second, and a long timebox has many. */
const ADVANCE_PATIENCE_MS = 580_000;

async function runningWorkflow(connection: Connection, namespace: string, event: string): Promise<string> {
  for (const workflowId of [ceremonyWorkflowId(event), resealWorkflowId(event)]) {
    const found = await connection.workflowService
      .describeWorkflowExecution({ namespace, execution: { workflowId } })
      .catch(() => null);
    if (found !== null && !found.workflowExecutionInfo?.closeTime) return workflowId;
  }
  throw new StackError('event_not_running', `nothing is running for event ${event}: see \`reseal breakglass list\``);
}
