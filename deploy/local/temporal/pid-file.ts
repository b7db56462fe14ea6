import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { jsonOrNull } from '../../../domain/json-or-null.js';
import { identifyProcess, processState, readIdentity } from '../../../activities/register/process-identity.js';
import { signalGroup } from './child-group.js';

/** What was found at the place of a pid file, and what became of it. */
export type Leftover = 'none' | 'gone' | 'stopped' | 'foreign';

/**
 * Records which process leads a child group: `{pid, start, boot, namespace, argv0, started_at}`, written whole or not
 * at all. Does nothing when that process is already gone.
 */
export async function writePidFile(path: string, pid: number, argv0: string): Promise<void> {
  const identity = await identifyProcess(pid);
  if (identity === null) return;
  const record = { ...identity, argv0: basename(argv0), started_at: new Date().toISOString() };
  await mkdir(dirname(path), { recursive: true });
  const draft = `${path}.${process.pid}.tmp`;
  await writeFile(draft, `${JSON.stringify(record)}\n`, { mode: 0o600 });
  await rename(draft, path);
}

/**
 * Stops the child group that a parent killed with SIGKILL left behind. A pid that now belongs to another process is
 * never signalled: start time and boot must match. `foreign` (another pid namespace) leaves file and process alone.
 * SIGTERM first, SIGKILL after `graceMs` (10 s); returns when the leader is gone and the file is removed.
 */
export async function stopLeftover(path: string, graceMs = 10_000): Promise<Leftover> {
  const text = await readFile(path, 'utf8').catch(() => null);
  if (text === null) return 'none';
  const recorded = readIdentity(jsonOrNull(text));
  const state = recorded === null ? 'dead' : await processState(recorded);
  if (state === 'foreign') return 'foreign';
  if (recorded !== null && state === 'alive') {
    signalGroup(recorded.pid, 'SIGTERM');
    const killAt = Date.now() + graceMs;
    let killed = false;
    while ((await processState(recorded)) === 'alive') {
      if (!killed && Date.now() >= killAt) {
        signalGroup(recorded.pid, 'SIGKILL');
        killed = true;
      }
      await sleep(25);
    }
  }
  await rm(path, { force: true });
  return state === 'alive' ? 'stopped' : 'gone';
}
