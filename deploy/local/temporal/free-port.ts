import { randomInt } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { TemporalError } from './temporal-error.js';

/**
 * Below what Linux (from 32768), macOS and Windows (from 49152) give to connections and to listeners that ask for any port: a
 * port of theirs that is looked up now and used in a few seconds, or again after a restart, may be somebody's by then.
 */
export const QUIET_PORTS = { from: 20_000, to: 32_767 } as const;
const TRIES = 64;

/**
 * A port of 127.0.0.1 that nothing listens on: `wanted` itself, or one of `QUIET_PORTS` when `wanted` is undefined. Throws
 * `temporal_port_in_use` naming the port and its purpose. Another process may still take it before it is used, but none that
 * was given its port here.
 */
export async function freePort(wanted: number | undefined, purpose: string): Promise<number> {
  if (wanted !== undefined) return probe(wanted, purpose);
  for (let tried = 1; ; tried += 1) {
    try {
      const port = await probe(randomInt(QUIET_PORTS.from, QUIET_PORTS.to + 1), purpose);
      if (await isOurs(port)) return port;
    } catch (error) {
      if (!(error instanceof TemporalError) || tried >= TRIES) throw error;
    }
  }
}

/** Ports that processes were given and may not listen on yet: a file each, with the id of the process, while that lives. */
const GIVEN = path.join(os.tmpdir(), `reseal-ports-${process.getuid?.() ?? 'own'}`);

/** Puts the port down as this process's. Not so where a living one, this one included, was given it before. */
async function isOurs(port: number): Promise<boolean> {
  const file = path.join(GIVEN, String(port));
  await mkdir(GIVEN, { recursive: true, mode: 0o700 });
  for (const last of [false, true]) {
    try {
      await writeFile(file, String(process.pid), { flag: 'wx', mode: 0o600 });
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      if (last || isAlive(Number(await readFile(file, 'utf8').catch(() => '')))) return false;
      await rm(file, { force: true });
    }
  }
  return false;
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
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
