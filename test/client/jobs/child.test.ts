import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';

import { Child, statusOf } from '../../../client/jobs/child.js';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(path.join(os.tmpdir(), 'reseal-child-'));
});

const run = (script: string, isTTY = false): Child =>
  new Child(['sh', '-c', script], { env: { ...process.env }, cwd: dir, isTTY });
/** Waits until the script has said that it is there. */
async function there(name: string): Promise<string> {
  const file = path.join(dir, name);
  for (const giveUpAt = Date.now() + 20_000; Date.now() < giveUpAt; await sleep(20))
    if (existsSync(file) && readFileSync(file, 'utf8') !== '') return readFileSync(file, 'utf8').trim();
  throw new Error(`${name} never came`);
}
const isAlive = (pid: string): boolean => {
  try {
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
};

describe('the process of a job', () => {
  it('answers its own status', async () => {
    expect(statusOf(await run('exit 7').ended)).toBe(7);
    expect(statusOf(await run('exit 0').ended)).toBe(0);
    expect(statusOf(await run('kill -KILL $$').ended)).toBe(137);
  });

  it('says so when it cannot be started', async () => {
    const nothing = new Child(['./not-there'], { env: {}, cwd: dir, isTTY: false });
    await expect(nothing.ended).rejects.toMatchObject({ code: 'usage' });
  });

  it('is asked to end first', async () => {
    const child = run('trap "exit 3" TERM; echo 1 > asked; while :; do sleep 0.05; done');
    await there('asked');
    expect(statusOf(await child.halt(20_000))).toBe(3);
  });

  it('is killed when it will not, with its own children', async () => {
    const child = run('trap "" TERM; sleep 600 & echo $! > grandchild; while :; do sleep 0.05; done');
    const grandchild = await there('grandchild');
    expect(statusOf(await child.halt(200))).toBe(137);
    for (const giveUpAt = Date.now() + 20_000; isAlive(grandchild) && Date.now() < giveUpAt;) await sleep(20);
    expect(isAlive(grandchild)).toBe(false);
  });

  it('does not leave its children behind when it ends in time itself', async () => {
    const child = run('trap "exit 0" TERM; (trap "" TERM; sleep 600) & echo $! > left; while :; do sleep 0.05; done');
    const left = await there('left');
    await child.halt(20_000);
    for (const giveUpAt = Date.now() + 20_000; isAlive(left) && Date.now() < giveUpAt;) await sleep(20);
    expect(isAlive(left)).toBe(false);
  });

  it('is told what the one who runs it is told', async () => {
    const child = run('trap "exit 5" USR2; echo 1 > told; while :; do sleep 0.05; done');
    await there('told');
    process.emit('SIGUSR2', 'SIGUSR2');
    expect(statusOf(await child.ended)).toBe(5);
    expect(process.listenerCount('SIGUSR2')).toBe(0);
  });
});
