import { mkdtempSync, existsSync, readFileSync, rmSync, writeFileSync, chmodSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { afterAll, describe, expect, it } from 'vitest';
import { identifyProcess } from '../../../../activities/register/process-identity.js';
import { stopLeftover } from '../../../../deploy/local/temporal/pid-file.js';
import { startTemporalServer as start, type TemporalServer } from '../../../../deploy/local/temporal/start-temporal.js';
import { realTemporalCli } from './real-temporal.js';

const { cli, reason } = await realTemporalCli();
const folder = mkdtempSync(join(tmpdir(), 'reseal-start-'));
const logPath = join(folder, 'temporal.log');
const started: TemporalServer[] = [];
const startTemporalServer: typeof start = async (options) => {
  const server = await start(options);
  started.push(server);
  return server;
};
afterAll(async () => {
  // Also what a failed expectation left running.
  await Promise.all(started.map((server) => server.stop()));
  rmSync(folder, { recursive: true, force: true });
});

async function registered(address: string): Promise<Record<string, unknown>> {
  const connection = await Connection.connect({ address });
  try {
    const answer = await connection.operatorService.listSearchAttributes({ namespace: 'ceremonies' });
    return answer.customAttributes ?? {};
  } finally {
    await connection.close();
  }
}

describe.skipIf(reason !== null)(`the development server${reason === null ? '' : ` (skipped: ${reason})`}`, () => {
  it('answers, keeps its database over a restart, and leaves nothing behind', async () => {
    const options = {
      cli,
      dbPath: join(folder, 'state', 'temporal.db'),
      namespace: 'ceremonies',
      searchAttributes: { ResealStatus: 'Keyword', ResealDeadline: 'Datetime' } as const,
      dynamicConfig: { 'history.maxTotalUpdates': 20 },
      uiCodecEndpoint: 'http://127.0.0.1:1',
      logPath,
      pidFile: join(folder, 'temporal.pid'),
    };
    const first = await startTemporalServer(options);
    expect(await registered(first.address)).toMatchObject({ ResealStatus: 2, ResealDeadline: 6 });
    expect((await fetch(first.uiUrl)).status).toBe(200);
    expect(JSON.parse(readFileSync(options.pidFile, 'utf8'))).toMatchObject({ pid: first.pid, argv0: 'temporal' });
    await first.stop();
    await first.stop();
    expect(await identifyProcess(first.pid)).toBeNull();
    expect(existsSync(options.pidFile)).toBe(false);

    const second = await startTemporalServer({
      ...options,
      searchAttributes: { ...options.searchAttributes, Later: 'Int' },
    });
    expect(await registered(second.address)).toMatchObject({ ResealStatus: 2, Later: 3 });
    expect(await stopLeftover(options.pidFile)).toBe('stopped');
    expect(await identifyProcess(second.pid)).toBeNull();
  });

  it('refuses a search attribute whose type changed', async () => {
    const options = { cli, dbPath: join(folder, 'changed.db'), logPath };
    const first = await startTemporalServer({ ...options, searchAttributes: { Deadline: 'Datetime' } });
    await first.stop();
    const restarting = startTemporalServer({ ...options, searchAttributes: { Deadline: 'Keyword' } });
    await expect(restarting).rejects.toMatchObject({ code: 'temporal_search_attribute_conflict' });
  });

  it('names the port when one is in use', async () => {
    const blocker = createServer();
    await new Promise<void>((resolve) => blocker.listen(0, '127.0.0.1', resolve));
    const { port } = blocker.address() as AddressInfo;
    try {
      const base = { cli, dbPath: null, searchAttributes: {}, logPath };
      const named = { code: 'temporal_port_in_use', message: expect.stringContaining(String(port)) as string };
      await expect(startTemporalServer({ ...base, port })).rejects.toMatchObject(named);
      await expect(startTemporalServer({ ...base, uiPort: port })).rejects.toMatchObject(named);
    } finally {
      blocker.close();
    }
  });

  it('carries the last log lines when the server ends early', async () => {
    const dbPath = join(folder, 'not-a-database.db');
    writeFileSync(dbPath, 'this is no SQLite file, however long one reads it '.repeat(100));
    const pidFile = join(folder, 'failed.pid');
    const starting = startTemporalServer({ cli, dbPath, searchAttributes: {}, logPath, pidFile });
    await expect(starting).rejects.toMatchObject({
      code: 'temporal_server_exited',
      message: expect.stringContaining('file is not a database') as string,
    });
    expect(existsSync(pidFile)).toBe(false);
  });
});

describe('when the server never answers', () => {
  it('is stopped after the time to answer is over', async () => {
    const deaf = join(folder, 'deaf');
    writeFileSync(deaf, '#!/bin/sh\necho started $$\nsleep 60\n');
    chmodSync(deaf, 0o755);
    const log = join(folder, 'deaf.log');
    const options = { cli: deaf, dbPath: null, searchAttributes: {}, logPath: log, readyWithinMs: 200 };
    await expect(startTemporalServer(options)).rejects.toMatchObject({ code: 'temporal_server_silent' });
    const pid = Number(/started (\d+)/.exec(readFileSync(log, 'utf8'))?.[1]);
    expect(await identifyProcess(pid)).toBeNull();
  });
});
