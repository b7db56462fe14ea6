import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { controlApp } from './control.js';
import { GraphServer } from './graph-server.js';
import { DEFAULT_SEED, type GraphSeed } from './seed.js';
import { StateFile } from './state-file.js';
import { World, type StoredWorld } from './world.js';

export type { GraphSeed } from './seed.js';

export interface GraphSimulatorOptions {
  /** Of the Graph side; 0 (default) = any free one. */
  readonly port?: number;
  /** Of the control API; 0 (default) = any free one. */
  readonly controlPort?: number;
  readonly host?: '127.0.0.1';
  /** A JSON file that keeps the state across restarts; null (default) = memory only. */
  readonly statePath?: string | null;
  readonly seed?: GraphSeed;
}

export interface GraphSimulator {
  /** `http://127.0.0.1:PORT`; Graph's paths follow under `/v1.0`. */
  readonly url: string;
  readonly controlUrl: string;
  /** Stops both servers, drops open connections, and writes the state. May be called twice. */
  close(): Promise<void>;
}

/**
 * Starts the Microsoft Graph simulator on loopback: role management with PIM, users, audit log. It holds no secret
 * and accepts only tokens of its own local form (see `Caller`). A caller may name the tenant's time in the header
 * `x-reseal-now` (RFC 3339). Rejects where a port is taken or the state file cannot be read.
 */
export async function startGraphSimulator(options: GraphSimulatorOptions = {}): Promise<GraphSimulator> {
  const host = options.host ?? '127.0.0.1';
  const statePath = options.statePath ?? null;
  const stored = statePath === null ? undefined : await StateFile.read(statePath);
  const world = new World(options.seed ?? DEFAULT_SEED, stored === undefined ? undefined : known(stored, statePath));
  const file = statePath === null ? null : new StateFile(statePath, () => world);
  const changed = (): void => file?.touch();

  const graph = new GraphServer(world, changed);
  const graphServer = createServer((req, res) => {
    // Only a connection that broke off can fail here, and then there is nobody to tell.
    graph.serve(req, res).catch(() => req.socket.destroy());
  });
  const controlServer = createAdaptorServer({ fetch: controlApp(world, changed).fetch }) as Server;

  await listen(graphServer, options.port ?? 0, host);
  try {
    await listen(controlServer, options.controlPort ?? 0, host);
  } catch (error) {
    await stop(graphServer);
    throw error;
  }
  let closing: Promise<void> | null = null;
  return {
    url: address(graphServer),
    controlUrl: address(controlServer),
    close: () => {
      closing ??= (async () => {
        graph.close();
        await Promise.all([stop(graphServer), stop(controlServer)]);
        await file?.flush();
      })();
      return closing;
    },
  };
}

function known(stored: unknown, path: string | null): StoredWorld {
  if (typeof stored === 'object' && stored !== null && 'version' in stored && stored.version === 1) {
    return stored as StoredWorld;
  }
  throw new Error(`the simulator's state file ${path ?? ''} is of another version: move it away to start anew`);
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function address(server: Server): string {
  const { address, port } = server.address() as AddressInfo;
  return `http://${address}:${port}`;
}

function stop(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
