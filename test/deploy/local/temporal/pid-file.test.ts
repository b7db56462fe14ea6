import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { identifyProcess } from '../../../../activities/register/process-identity.js';
import { spawnGroup, type ChildGroup } from '../../../../deploy/local/temporal/child-group.js';
import { stopLeftover, writePidFile } from '../../../../deploy/local/temporal/pid-file.js';
import { isAlive } from '../../../support/dev-process.js';

const folder = mkdtempSync(join(tmpdir(), 'reseal-pid-'));
const pidFile = join(folder, 'child.pid');
const logPath = join(folder, 'child.log');
const children: ChildGroup[] = [];
afterAll(async () => {
  await Promise.all(children.map((child) => child.stop()));
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(() => rmSync(pidFile, { force: true }));

async function startChild(script: string): Promise<ChildGroup> {
  const child = await spawnGroup('/bin/sh', ['-c', script], { logPath });
  children.push(child);
  await writePidFile(pidFile, child.pid, '/bin/sh');
  return child;
}

function rewrite(change: Record<string, unknown>): void {
  const recorded = JSON.parse(readFileSync(pidFile, 'utf8')) as Record<string, unknown>;
  writeFileSync(pidFile, JSON.stringify({ ...recorded, ...change }));
}

describe('when a parent died without stopping its child', () => {
  it('stops the child and removes the file', async () => {
    const child = await startChild('sleep 60');
    expect(await stopLeftover(pidFile)).toBe('stopped');
    expect(await identifyProcess(child.pid)).toBeNull();
    expect(existsSync(pidFile)).toBe(false);
  });

  it('kills a group that ignores SIGTERM, grandchildren included', async () => {
    const child = await startChild('trap "" TERM; sleep 60 & echo grandchild $!; wait; sleep 60');
    await expect.poll(() => readFileSync(logPath, 'utf8')).toMatch(/grandchild \d+/);
    const grandchild = Number(/grandchild (\d+)/.exec(readFileSync(logPath, 'utf8'))?.[1]);
    expect(await stopLeftover(pidFile, 100)).toBe('stopped');
    expect(await identifyProcess(child.pid)).toBeNull();
    await expect.poll(() => identifyProcess(grandchild)).toBeNull();
  });

  it('stops a child that nobody reaps', async () => {
    // `sleep` becomes the parent of the first child and waits for nothing, like pid 1 of many containers.
    const parent = await startChild('setsid sleep 60 & echo orphan $!; exec sleep 60');
    await expect.poll(() => readFileSync(logPath, 'utf8')).toMatch(/orphan \d+/);
    const orphan = Number(/orphan (\d+)/.exec(readFileSync(logPath, 'utf8'))?.[1]);
    await expect.poll(() => readFileSync(`/proc/${orphan}/cmdline`, 'utf8')).toMatch(/^sleep/);
    await writePidFile(pidFile, orphan, 'sleep');
    expect(await stopLeftover(pidFile)).toBe('stopped');
    expect(readFileSync(`/proc/${orphan}/stat`, 'utf8')).toContain(') Z ');
    expect([isAlive(orphan), isAlive(parent.pid)]).toEqual([false, true]);
    expect(await stopLeftover(pidFile)).toBe('none');
  });

  it.skipIf(spawnSync('python3', ['--version']).status !== 0)(
    'stops a child whose first thread has ended and whose others run (needs python3)',
    async () => {
      const threads = 'import ctypes,threading,time;threading.Thread(target=time.sleep,args=(60,)).start()';
      const child = await startChild(`exec python3 -c '${threads};ctypes.CDLL(None).pthread_exit(None)'`);
      await expect.poll(() => readFileSync(`/proc/${child.pid}/stat`, 'utf8')).toContain(') Z ');
      expect(await stopLeftover(pidFile)).toBe('stopped');
      await expect.poll(() => isAlive(child.pid)).toBe(false);
    },
  );
});

describe('when the pid now belongs to somebody else', () => {
  it.each([
    ['another start time', { start: '1' }, 'gone'],
    ['another boot', { boot: '00000000-0000-0000-0000-000000000000' }, 'gone'],
    ['another pid namespace', { namespace: 'pid:[1]' }, 'foreign'],
  ])('signals nothing (%s)', async (_, change, outcome) => {
    const child = await startChild('sleep 60');
    rewrite(change);
    expect(await stopLeftover(pidFile)).toBe(outcome);
    expect(await identifyProcess(child.pid)).not.toBeNull();
    await child.stop();
  });
});

describe('when the file says nothing usable', () => {
  it.each(['', '{', 'null', '{"pid":1,"start":"1","boot":"","namespace":""}', '{"pid":-1}'])(
    'removes %j',
    async (text) => {
      writeFileSync(pidFile, text);
      expect(await stopLeftover(pidFile)).toBe('gone');
      expect(existsSync(pidFile)).toBe(false);
    },
  );

  it('does nothing where there is no file', async () => {
    expect(await stopLeftover(pidFile)).toBe('none');
  });
});
