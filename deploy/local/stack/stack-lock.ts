import { mkdir, readFile, rm, rmdir } from 'node:fs/promises';
import path from 'node:path';
import { takeDatabaseLock } from '../../../activities/register/database-lock.js';
import { DatabaseError } from '../../../activities/register/database.js';
import { processState, readIdentity } from '../../../activities/register/process-identity.js';
import { stopLeftover } from '../temporal/pid-file.js';
import { layoutOf, type Layout } from './layout.js';
import { StackError } from './stack-error.js';
import type { Teardown } from './teardown.js';

/**
 * Makes this process the one that owns `dir`/.reseal until the teardown. Throws `already_running` naming the pid of a live
 * owner. What an owner that was killed left (its Temporal server, an ephemeral state) is stopped and removed; `leftover`
 * says whether a server was.
 *
 * With `ephemeral` only what others find the stack by lies in `.reseal` itself: a state that is kept there stays as it is.
 */
export async function takeFolder(
  dir: string,
  ephemeral: boolean,
  teardown: Teardown,
): Promise<{ layout: Layout; leftover: boolean }> {
  const root = path.resolve(dir, '.reseal');
  const kept = layoutOf(root);
  const temporary = path.join(root, 'ephemeral');
  await mkdir(root, { recursive: true, mode: 0o700 });
  if (ephemeral) teardown.add(() => rmdir(root));
  const lock = await takeDatabaseLock(kept.pidFile).catch((error: unknown) => refused(error, kept));
  teardown.add(() => lock.release());
  const found = await stopLeftover(kept.temporalPidFile);
  await stopLeftover(kept.hostTpmPidFile);
  await rm(kept.devJson, { force: true });
  await rm(temporary, { recursive: true, force: true });
  teardown.add(() => rm(temporary, { recursive: true, force: true }));
  teardown.add(() => rm(kept.devJson, { force: true }));
  if (ephemeral) await mkdir(temporary, { mode: 0o700 });
  const { devJson, pidFile, temporalPidFile, hostTpmPidFile } = kept;
  const places = { devJson, pidFile, temporalPidFile, hostTpmPidFile };
  const layout = ephemeral ? { ...layoutOf(temporary), ...places } : kept;
  return { layout, leftover: found === 'stopped' };
}

/** Says who has the folder. A file that names nobody is explained by the lock itself. */
async function refused(error: unknown, layout: Layout): Promise<never> {
  if (!(error instanceof DatabaseError)) throw error;
  const owner = await ownerOf(layout);
  const hint = 'use it from another terminal, stop it with Ctrl-C, or start in another folder (--dir)';
  const said = owner === null ? error.message : `a local stack is running in ${layout.root} (pid ${owner}): ${hint}`;
  throw new StackError('already_running', said, { cause: error });
}

/** The pid of the live stack that owns the folder, or null. */
export async function ownerOf({ pidFile }: Pick<Layout, 'pidFile'>): Promise<number | null> {
  const text = await readFile(pidFile, 'utf8').catch(() => 'null');
  try {
    const recorded = readIdentity(JSON.parse(text));
    return recorded !== null && (await processState(recorded)) === 'alive' ? recorded.pid : null;
  } catch {
    return null;
  }
}
