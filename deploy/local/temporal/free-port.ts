import { createServer } from 'node:net';
import { TemporalError } from './temporal-error.js';

/**
 * A port of 127.0.0.1 that nothing listens on: `wanted` itself, or a free one when `wanted` is undefined. Throws
 * `temporal_port_in_use` naming the port and its purpose. Another process may still take it before it is used.
 */
export async function freePort(wanted: number | undefined, purpose: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => {
      const taken = `port ${wanted ?? 0} (${purpose}) is in use: stop what listens there, or choose another port`;
      reject(error.code === 'EADDRINUSE' ? new TemporalError('temporal_port_in_use', taken) : error);
    });
    probe.listen({ host: '127.0.0.1', port: wanted ?? 0 }, () => {
      const address = probe.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      probe.close(() => resolve(port));
    });
  });
}
