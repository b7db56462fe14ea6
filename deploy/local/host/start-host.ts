import { randomBytes } from 'node:crypto';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import { serveAgent } from '../../../activities/tpm/serve-agent.js';
import { hostControl } from './host-control.js';
import { ATTEST_AGENT, HostState, isService, PARTS, type PartName } from './host-state.js';
import { LOCAL_HOST, writeHostFiles, type HostFiles } from './hosts-file.js';
import { LazyTpm } from './lazy-tpm.js';
import { startPart } from './part-server.js';

/** The runbook's ports; a free one where they are taken. */
export const USUAL_HOST_PORTS = { attestor: 8505, integrity: 8510 } as const;

export interface SimulatedHost {
  name: string;
  /** Where each part answers, `attest_agent` among them. */
  urls: Readonly<Record<PartName, string>> & { attest_agent: string };
  controlUrl: string;
  files: HostFiles;
  /** The host itself, for tests in this process. */
  state: HostState;
  /** Ends everything, an emulated TPM too. May be called again. */
  close(): Promise<void>;
}

/**
 * Starts a simulated host on 127.0.0.1: agent, airlock, vault and model store, integrity monitor and attestor, an attest
 * agent, and a control API. `dir` gets tokens and the roles' hosts files. Its TPM is started when somebody first asks for a
 * quote, and recorded in `pidFile`.
 */
export async function startSimulatedHost(options: {
  dir: string;
  /** Where they are free; any other port where they are not, or are left out. */
  ports?: Partial<Record<PartName, number>>;
  pidFile?: string | null;
}): Promise<SimulatedHost> {
  const [read, write, attest] = [secret(), secret(), secret()];
  const state = new HostState();
  const tpm = new LazyTpm(attest, options.pidFile ?? null, () => state.strike(ATTEST_AGENT, 'POST') !== null);
  const stops: (() => Promise<void>)[] = [() => tpm.stop()];
  const close = async (): Promise<void> => {
    for (const stop of stops.splice(0).reverse()) await stop();
  };
  try {
    const urls: Record<string, string> = {};
    for (const part of PARTS) {
      const tokens = isService(part) ? { read, write } : null;
      const wanted = options.ports?.[part];
      const anywhere = () => startPart(state, part, { tokens });
      // A port that is looked up first may be somebody's by then: it is simply tried.
      const server = await (wanted === undefined
        ? anywhere()
        : startPart(state, part, { tokens, port: wanted }).catch(anywhere));
      stops.push(() => server.close());
      urls[part] = server.url;
    }
    const agent = await serveAgent(tpm, { host: '127.0.0.1', port: 0 });
    stops.push(() => agent.close());
    const control = await startControl(state, tpm);
    stops.push(() => control.close());
    const all = { ...(urls as Record<PartName, string>), attest_agent: agent.url };
    const files = await writeHostFiles(options.dir, all, { read, write, attest });
    return { name: LOCAL_HOST, urls: all, controlUrl: control.url, files, state, close };
  } catch (error) {
    await close();
    throw error;
  }
}

const secret = (): string => randomBytes(32).toString('base64url');

async function startControl(state: HostState, tpm: LazyTpm): Promise<{ url: string; close(): Promise<void> }> {
  const app = hostControl(state, tpm);
  const server = await new Promise<Server>((resolve, reject) => {
    const starting = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, () => resolve(starting)) as Server;
    starting.once('error', reject);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
