import { randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { jsonOrNull } from '../../domain/json-or-null.js';
import { DatabaseError } from './database.js';
import { identifyProcess, processState, readIdentity } from './process-identity.js';

/** A held lock file. */
export interface DatabaseLock {
  /** Removes the file; another process may then take the lock. */
  release(): Promise<void>;
}

/**
 * Takes the lock file for this process, whole or not at all. PGlite itself lets two processes open one folder and then
 * loses acknowledged rows without an error, so this is what stands between them. The lock of a dead process is taken
 * over. Throws `database_locked` naming the pid, also when the holder cannot be seen from here (another container).
 */
export async function takeDatabaseLock(path: string): Promise<DatabaseLock> {
  await mkdir(dirname(path), { recursive: true });
  const identity = await identifyProcess(process.pid);
  const draft = `${path}.${randomUUID()}`;
  await writeFile(draft, `${JSON.stringify({ ...identity, taken_at: new Date().toISOString() })}\n`, { mode: 0o600 });
  try {
    if (!(await linked(draft, path))) await takeOver(draft, path);
  } finally {
    await rm(draft, { force: true });
  }
  return { release: () => rm(path, { force: true }) };
}

/**
 * Replaces the lock of a dead process. A second file guards the moment between judging and replacing: without it, two
 * that both saw the dead lock could each remove the other's new one.
 */
async function takeOver(draft: string, path: string): Promise<void> {
  await requireDeadHolder(path);
  const guard = `${path}.takeover`;
  if (!(await linked(draft, guard))) {
    throw new DatabaseError('database_locked', `another process is taking over ${path}; if none is, remove ${guard}`);
  }
  try {
    await requireDeadHolder(path);
    await rm(path, { force: true });
    if (!(await linked(draft, path)))
      throw new DatabaseError('database_locked', `another process has just taken ${path}`);
  } finally {
    await rm(guard, { force: true });
  }
}

async function requireDeadHolder(path: string): Promise<void> {
  const text = await readFile(path, 'utf8').catch(() => null);
  if (text === null) return;
  const holder = readIdentity(jsonOrNull(text));
  // The file is written whole, so one that cannot be read was not made here: nobody can tell whether its maker lives.
  if (holder === null) throw new DatabaseError('database_locked', `${path} is no lock file; remove it if nothing runs`);
  const state = await processState(holder);
  if (state === 'dead') return;
  const seen = state === 'alive' ? 'by process' : 'from another container or host, there as process';
  throw new DatabaseError('database_locked', `the database is open ${seen} ${holder.pid} (${path})`);
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}
