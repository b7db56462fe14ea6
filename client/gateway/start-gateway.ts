import type { AddressInfo } from 'node:net';
import type { Server } from 'node:http';
import { serve } from '@hono/node-server';
import { ResealError } from '../api/reseal-error.js';
import { gatewayApp, type GatewayDeps } from './gateway-app.js';

export const DEFAULT_GATEWAY_PORT = 8515;

export interface StartGatewayOptions extends GatewayDeps {
  /** 0 takes a free one (8515). */
  port?: number;
  /** 127.0.0.1 when left out. */
  host?: string;
}

export interface Gateway {
  url: string;
  /** Takes no new requests, lets those under way end for up to 5 s, and does not close the `api`. May be called again. */
  close(): Promise<void>;
}

const LOOPBACK = ['127.0.0.1', 'localhost', '[::1]'];
const GRACE_MS = 5_000;

/**
 * Serves `gatewayApp`.
 *
 * @throws {ResealError} `port_in_use`.
 */
export async function startGateway(options: StartGatewayOptions): Promise<Gateway> {
  const { host = '127.0.0.1', port = DEFAULT_GATEWAY_PORT } = options;
  const loopback = LOOPBACK.includes(host) || host === '::1';
  const app = gatewayApp({ ...(loopback ? { hosts: LOOPBACK } : {}), ...options });
  const server = await new Promise<Server>((resolve, reject) => {
    const starting = serve({ fetch: app.fetch, hostname: host, port }, () => resolve(starting)) as Server;
    starting.once('error', (error: NodeJS.ErrnoException) => {
      reject(error.code === 'EADDRINUSE' ? portInUse(port, error) : error);
    });
  });
  // Slower than this nobody sends 64 KiB by accident.
  server.requestTimeout = 30_000;
  server.headersTimeout = 10_000;
  const bound = (server.address() as AddressInfo).port;
  let closing: Promise<void> | undefined;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}`,
    close: () => (closing ??= closeServer(server)),
  };
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(() => server.closeAllConnections(), GRACE_MS);
    server.close(() => {
      clearTimeout(force);
      resolve();
    });
    server.closeIdleConnections();
  });
}

function portInUse(port: number, cause: unknown): ResealError {
  return new ResealError('port_in_use', `port ${port} is taken`, {
    hint: 'is a gateway running already? Choose another port with --gateway-port',
    cause,
  });
}
