import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { TemporalError } from './temporal-error.js';

/**
 * Below what Linux (from 32768), macOS and Windows (from 49152) give to connections and to listeners that ask for any port: a
 * port of theirs that is looked up now and used in a few seconds, or again after a restart, may be somebody's by then.
 */
export const QUIET_PORTS = { from: 20_000, to: 32_767 } as const;
const TRIES = 64;

/**
 * A port of 127.0.0.1 that nothing listens on: `wanted` itself, or one of `QUIET_PORTS` when `wanted` is undefined. Throws
 * `temporal_port_in_use` naming the port and its purpose. Another process may still take it before it is used.
 */
export async function freePort(wanted: number | undefined, purpose: string): Promise<number> {
  if (wanted !== undefined) return probe(wanted, purpose);
  for (let tried = 1; ; tried += 1) {
    try {
      return await probe(randomInt(QUIET_PORTS.from, QUIET_PORTS.to + 1), purpose);
    } catch (error) {
      if (!(error instanceof TemporalError) || tried === TRIES) throw error;
    }
  }
}

function probe(port: number, purpose: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      const taken = `port ${port} (${purpose}) is in use: stop what listens there, or choose another port`;
      reject(error.code === 'EADDRINUSE' ? new TemporalError('temporal_port_in_use', taken) : error);
    });
    server.listen({ host: '127.0.0.1', port }, () => server.close(() => resolve(port)));
  });
}
