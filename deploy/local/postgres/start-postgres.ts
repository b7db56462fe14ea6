import { execFile } from 'node:child_process';
import { access, chmod, chown, mkdir, readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { spawnGroup, type ChildGroup } from '../temporal/child-group.js';
import { freePort } from '../temporal/free-port.js';

const run = promisify(execFile);
const DEBIAN = '/usr/lib/postgresql';
const READY_MS = 30_000;

/** A running PostgreSQL server. */
export interface LocalPostgres {
  url: string;
  pid: number;
  /** Fast shutdown, SIGKILL after 10 s; resolves when it is gone. */
  stop(): Promise<void>;
  /** Sends a signal to the server and resolves when it has ended; for tests of a crash. */
  kill(signal: NodeJS.Signals): Promise<void>;
}

/** Why no PostgreSQL can be started here, or null when one can. */
export async function available(): Promise<string | null> {
  if ((await findBinaries()) === null) return `no PostgreSQL server is installed under ${DEBIAN}`;
  if (process.getuid?.() !== 0) return null;
  return (await postgresUser()) === null ? 'running as root, and there is no user postgres to run the server as' : null;
}

/**
 * Starts a PostgreSQL server of its own on `dataDir` (made by initdb when empty), for tests and CI: 127.0.0.1 only, no
 * Unix socket, trust authentication, its log in `DATADIR.log`. `durable: false` (the default) switches fsync off:
 * acknowledged commits survive a crash of the server, not of the machine. Under root the server runs as the user postgres.
 */
export async function startPostgres(options: {
  dataDir: string;
  port?: number;
  durable?: boolean;
}): Promise<LocalPostgres> {
  const reason = await available();
  const binaries = await findBinaries();
  if (reason !== null || binaries === null) throw new Error(reason ?? 'no PostgreSQL');
  const { durable = false } = options;
  const dataDir = resolve(options.dataDir);
  const user = process.getuid?.() === 0 ? await postgresUser() : null;

  await mkdir(dataDir, { recursive: true });
  await chmod(dataDir, 0o700);
  if (user !== null) await chown(dataDir, user.uid, user.gid);
  // setpriv replaces itself, so that the pid which is signalled is the server's own.
  const asUser = user === null ? [] : ['setpriv', '--reuid=postgres', '--regid=postgres', '--init-groups', '--'];
  const fresh = await access(join(dataDir, 'PG_VERSION')).then(
    () => false,
    () => true,
  );
  if (fresh) {
    const flags = ['-U', 'postgres', '--auth=trust', '--no-sync', '--encoding=UTF8', '--locale=C'];
    const [command = '', ...args] = [...asUser, join(binaries, 'initdb'), '-D', dataDir, ...flags];
    await run(command, args, { cwd: '/' });
  }
  const port = await freePort(options.port, 'PostgreSQL');
  const settings = durable ? [] : ['fsync=off', 'full_page_writes=off'];
  const flags = ['listen_addresses=127.0.0.1', `port=${port}`, 'unix_socket_directories=', ...settings];
  const server = [join(binaries, 'postgres'), '-D', dataDir, ...flags.flatMap((setting) => ['-c', setting])];
  const [command = '', ...args] = [...asUser, ...server];
  const logPath = `${dataDir}.log`;
  const child = await spawnGroup(command, args, { logPath, cwd: '/' });
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  await untilReady(child, url, logPath);
  return {
    url,
    pid: child.pid,
    stop: async () => void (await child.stop({ signal: 'SIGINT' })),
    kill: async (signal) => {
      child.kill(signal);
      await child.exited;
    },
  };
}

async function untilReady(child: ChildGroup, url: string, logPath: string): Promise<void> {
  const giveUpAt = Date.now() + READY_MS;
  for (;;) {
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 1_000 });
    const answered = await client.connect().then(
      () => true,
      () => false,
    );
    await client.end().catch(() => undefined);
    if (answered && child.ended() === null) return;
    if (child.ended() !== null || Date.now() > giveUpAt) {
      await child.stop({ signal: 'SIGQUIT' });
      const tail = (await readFile(logPath, 'utf8')).trim().split('\n').slice(-8).join('\n');
      throw new Error(`PostgreSQL did not start:\n${tail}`);
    }
    await sleep(25);
  }
}

async function findBinaries(): Promise<string | null> {
  const versions = await readdir(DEBIAN).catch(() => []);
  for (const version of versions.sort((a, b) => Number(b) - Number(a))) {
    const folder = join(DEBIAN, version, 'bin');
    const usable = await Promise.all(['initdb', 'postgres'].map((name) => access(join(folder, name)))).then(
      () => true,
      () => false,
    );
    if (usable) return folder;
  }
  return null;
}

async function postgresUser(): Promise<{ uid: number; gid: number } | null> {
  const passwd = await readFile('/etc/passwd', 'utf8').catch(() => '');
  const match = /^postgres:[^:]*:(\d+):(\d+):/m.exec(passwd);
  return match ? { uid: Number(match[1]), gid: Number(match[2]) } : null;
}
