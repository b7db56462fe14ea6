import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { takeDatabaseLock } from '../../../activities/register/database-lock.js';
import { openPglite } from '../../../activities/register/database-pglite.js';
import { identifyProcess } from '../../../activities/register/process-identity.js';

let folder: string;
let lock: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'reseal-lock-'));
  lock = join(folder, 'register.lock');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** The identity of a process that has ended. */
function deadIdentity(): object {
  const pid = Number(execFileSync('sh', ['-c', 'echo $$'], { encoding: 'utf8' }));
  return { pid, start: '1', boot: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(), namespace: '' };
}

async function ownIdentity(): Promise<object> {
  return { ...(await identifyProcess(process.pid)) };
}

describe('when the folder is open', () => {
  it('is refused to a second, and free after it was closed, with its rows', async () => {
    const dataDir = join(folder, 'register');
    const first = await openPglite(dataDir);
    await first.query('CREATE TABLE kept (a int)');
    await first.query('INSERT INTO kept VALUES (7)');
    const refused = { code: 'database_locked', message: expect.stringContaining(String(process.pid)) as string };
    await expect(openPglite(dataDir)).rejects.toMatchObject(refused);
    await first.close();
    expect(existsSync(lock)).toBe(false);
    const second = await openPglite(dataDir);
    expect(await second.query('SELECT * FROM kept')).toEqual([{ a: 7 }]);
    await second.close();
  }, 60_000);

  it('is refused while another process lives and names it', async () => {
    const other = spawn('sleep', ['60']);
    try {
      writeFileSync(lock, JSON.stringify(await identifyProcess(other.pid as number)));
      const named = { code: 'database_locked', message: expect.stringContaining(String(other.pid)) as string };
      await expect(takeDatabaseLock(lock)).rejects.toMatchObject(named);
    } finally {
      other.kill('SIGKILL');
    }
  });
});

describe('when the holder is dead', () => {
  it.each([
    ['the process has ended', () => ({ ...deadIdentity() })],
    ['its pid is now of another process', () => ({ start: '1' })],
    ['the machine was booted again', () => ({ boot: '00000000-0000-0000-0000-000000000000' })],
  ])('takes the lock over (%s)', async (_, change) => {
    writeFileSync(
      lock,
      JSON.stringify({
        ...(await ownIdentity()),
        ...change(),
        namespace: (await identifyProcess(process.pid))?.namespace,
      }),
    );
    const taken = await takeDatabaseLock(lock);
    expect(JSON.parse(readFileSync(lock, 'utf8'))).toMatchObject(await ownIdentity());
    await taken.release();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('gives it to one only when many try at once', async () => {
    for (let round = 0; round < 20; round++) {
      writeFileSync(lock, JSON.stringify({ ...(await ownIdentity()), start: '1' }));
      const tries = await Promise.allSettled(Array.from({ length: 8 }, () => takeDatabaseLock(lock)));
      const winners = tries.filter((attempt) => attempt.status === 'fulfilled');
      expect(winners).toHaveLength(1);
      await winners[0]?.value.release();
    }
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('when nobody can tell whether the holder lives', () => {
  it.each([
    ['it is of another container', async () => JSON.stringify({ ...(await ownIdentity()), namespace: 'pid:[1]' })],
    ['the file is not a lock', () => Promise.resolve('hello')],
  ])('refuses (%s)', async (_, text) => {
    const written = await text();
    writeFileSync(lock, written);
    await expect(takeDatabaseLock(lock)).rejects.toMatchObject({ code: 'database_locked' });
    expect(readFileSync(lock, 'utf8')).toBe(written);
  });
});
