import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { identifyProcess } from '../../../../activities/register/process-identity.js';
import { spawnGroup } from '../../../../deploy/local/temporal/child-group.js';

const folder = mkdtempSync(join(tmpdir(), 'reseal-group-'));
const logPath = join(folder, 'logs', 'child.log');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a child group', () => {
  it('reports how the child ended and appends its outputs to a private log', async () => {
    const child = await spawnGroup('/bin/sh', ['-c', 'echo out; echo err >&2; exit 3'], { logPath });
    expect(await child.exited).toEqual({ code: 3, signal: null });
    expect(readFileSync(logPath, 'utf8')).toBe('out\nerr\n');
    expect(statSync(logPath).mode & 0o777).toBe(0o600);
    expect(await child.stop()).toEqual({ code: 3, signal: null });
  });

  it('asks with SIGTERM first', async () => {
    const child = await spawnGroup('/bin/sh', ['-c', 'trap "exit 7" TERM; echo armed; while :; do sleep 0.05; done'], {
      logPath: join(folder, 'term.log'),
    });
    await expect.poll(() => readFileSync(join(folder, 'term.log'), 'utf8')).toBe('armed\n');
    expect(await child.stop()).toEqual({ code: 7, signal: null });
  });

  it('kills what does not listen', async () => {
    const log = join(folder, 'deaf.log');
    const child = await spawnGroup('/bin/sh', ['-c', 'trap "" TERM; echo deaf; sleep 60; sleep 60'], { logPath: log });
    await expect.poll(() => readFileSync(log, 'utf8')).toBe('deaf\n');
    expect(await child.stop({ graceMs: 100 })).toEqual({ code: null, signal: 'SIGKILL' });
  });

  it('takes what its leader left behind with it', async () => {
    const log = join(folder, 'orphan.log');
    const child = await spawnGroup('/bin/sh', ['-c', 'sleep 60 & echo $!'], { logPath: log });
    await child.exited;
    await expect.poll(() => identifyProcess(Number(readFileSync(log, 'utf8')))).toBeNull();
  });

  it('refuses what cannot be started', async () => {
    await expect(spawnGroup(join(folder, 'absent'), [], { logPath })).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
