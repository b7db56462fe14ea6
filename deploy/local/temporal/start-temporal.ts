import { mkdir, readFile, rm } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { spawnGroup, type ChildGroup } from './child-group.js';
import { freePort } from './free-port.js';
import { writePidFile } from './pid-file.js';
import { ensureSearchAttributes, type SearchAttributes } from './search-attributes.js';
import { TemporalError } from './temporal-error.js';

/** How to run the development server. Ports left out are chosen freely; `dbPath` null keeps nothing. */
export interface StartTemporalOptions {
  /** Path of the `temporal` binary. */
  cli: string;
  /** SQLite file that survives restarts, or null for memory. */
  dbPath: string | null;
  port?: number;
  uiPort?: number;
  namespace?: string;
  /** Server settings, by name; time skipping is on unless set otherwise here. */
  dynamicConfig?: Readonly<Record<string, string | number | boolean>>;
  /** Registered at start, also in a database file that an older version left. */
  searchAttributes: SearchAttributes;
  /** Where the Web UI lets payloads be decoded. */
  uiCodecEndpoint?: string;
  /** Both outputs of the server are appended here. */
  logPath: string;
  /** Written as soon as the server runs and removed when it was stopped, for `stopLeftover`. */
  pidFile?: string;
  /** How long to wait for the first answer, in milliseconds (60 s). */
  readyWithinMs?: number;
  /** Aborted while the server comes up: it is stopped, and the start rejects with the reason. */
  signal?: AbortSignal;
}

/** A development server that answers. */
export interface TemporalServer {
  /** `host:port` of the gRPC frontend. */
  address: string;
  uiUrl: string;
  namespace: string;
  pid: number;
  /** Resolves when the server has ended, whoever ended it. */
  exited: Promise<unknown>;
  /** SIGTERM to its process group, SIGKILL after 10 s; resolves when it is gone. May be called again. */
  stop(): Promise<void>;
}

/**
 * Starts `temporal server start-dev` on 127.0.0.1 in a process group of its own and resolves when its frontend answers
 * for the namespace. Throws TemporalError: `temporal_port_in_use`, `temporal_server_exited`, `temporal_server_silent`,
 * `temporal_search_attribute_conflict`; nothing is left running then.
 */
export async function startTemporalServer(options: StartTemporalOptions): Promise<TemporalServer> {
  const { namespace = 'default', logPath, pidFile } = options;
  const port = await freePort(options.port, 'Temporal frontend');
  const uiPort = await freePort(options.uiPort, 'Temporal Web UI');
  if (options.dbPath !== null) await mkdir(dirname(options.dbPath), { recursive: true });
  const logStart = (await readFile(logPath).catch(() => Buffer.alloc(0))).length;

  const server = await spawnGroup(options.cli, serverArguments(options, namespace, port, uiPort), { logPath });
  const address = `127.0.0.1:${port}`;
  try {
    if (pidFile !== undefined) await writePidFile(pidFile, server.pid, options.cli);
    const wait = { withinMs: options.readyWithinMs ?? 60_000, signal: options.signal };
    await untilReady(server, address, wait, async (connection) => {
      await connection.workflowService.describeNamespace({ namespace });
      await ensureSearchAttributes(connection, namespace, options.searchAttributes);
    });
  } catch (error) {
    await server.stop();
    if (pidFile !== undefined) await rm(pidFile, { force: true });
    const log = (await readFile(logPath)).subarray(logStart).toString('utf8');
    throw explain(error, log, { port, uiPort });
  }
  return {
    address,
    uiUrl: `http://127.0.0.1:${uiPort}`,
    namespace,
    pid: server.pid,
    exited: server.exited,
    stop: async () => {
      await server.stop();
      if (pidFile !== undefined) await rm(pidFile, { force: true });
    },
  };
}

function serverArguments(options: StartTemporalOptions, namespace: string, port: number, uiPort: number): string[] {
  const settings = { 'frontend.WorkflowTimeSkippingEnabled': true, ...options.dynamicConfig };
  return [
    ...['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(port), '--ui-port', String(uiPort)],
    ...['--namespace', namespace, '--log-level', 'warn', '--ui-disable-news-fetch'],
    ...Object.entries(settings).flatMap(([key, value]) => [
      '--dynamic-config-value',
      `${key}=${JSON.stringify(value)}`,
    ]),
    ...Object.entries(options.searchAttributes).flatMap(([name, type]) => ['--search-attribute', `${name}=${type}`]),
    ...(options.uiCodecEndpoint === undefined ? [] : ['--ui-codec-endpoint', options.uiCodecEndpoint]),
    ...(options.dbPath === null ? [] : ['--db-filename', options.dbPath]),
  ];
}

/** Tries until `prepare` succeeds, the child ends, the signal is aborted, or the time is over. */
async function untilReady(
  server: ChildGroup,
  address: string,
  { withinMs, signal }: { withinMs: number; signal: AbortSignal | undefined },
  prepare: (connection: Connection) => Promise<void>,
): Promise<void> {
  const giveUpAt = Date.now() + withinMs;
  for (;;) {
    signal?.throwIfAborted();
    const exit = server.ended();
    if (exit !== null) throw new ExitedEarly(exit.signal ?? `status ${exit.code}`);
    if (Date.now() > giveUpAt) throw new TemporalError('temporal_server_silent', `no answer within ${withinMs} ms`);
    await Promise.race([server.exited, sleep(20)]);
    // A gRPC channel that was refused once waits a second before it tries again: knock first.
    if (!(await isListening(address))) continue;
    // Connecting asks for getSystemInfo, so success is already one call that works.
    const connection = await Connection.connect({ address, connectTimeout: 5_000 }).catch(() => null);
    try {
      if (connection !== null) {
        await prepare(connection);
        // Another server on this port could have answered while ours was failing to listen there.
        await Promise.race([server.exited, sleep(20)]);
        if (server.ended() === null) return;
      }
    } catch (error) {
      if (error instanceof TemporalError) throw error;
    } finally {
      await connection?.close();
    }
  }
}

async function isListening(address: string): Promise<boolean> {
  const [host, port] = address.split(':');
  return new Promise((resolve) => {
    const socket = createConnection({ host, port: Number(port) });
    socket.once('connect', () => socket.destroy() && resolve(true));
    socket.once('error', () => resolve(false));
  });
}

class ExitedEarly extends Error {}

function explain(error: unknown, log: string, ports: { port: number; uiPort: number }): unknown {
  const tail = log.trim().split('\n').slice(-12).join('\n');
  if (error instanceof TemporalError) return new TemporalError(error.code, `${error.message}\n${tail}`);
  if (!(error instanceof ExitedEarly)) return error;
  const taken = Object.values(ports).find((port) => log.includes(`:${port}: bind: address already in use`));
  if (taken !== undefined) return new TemporalError('temporal_port_in_use', `port ${taken} is in use\n${tail}`);
  return new TemporalError('temporal_server_exited', `the Temporal server ended (${error.message})\n${tail}`);
}
