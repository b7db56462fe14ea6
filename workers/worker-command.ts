import { DatabaseError } from '../activities/register/database.js';
import { jsonLog, readRoleContext, type Log } from './role-context.js';
import { openRoleDatabases } from './role-databases.js';
import { readSettings, rolesOf } from './read-settings.js';
import type { Environment } from './settings-environment.js';
import { SettingsError } from './settings-error.js';
import type { RunningRoles } from './start-roles.js';

/** What `reseal worker` was told on its command line: nothing secret. */
export interface WorkerRequest {
  /** Such as `register,authority`; RESEAL_ROLES when left out. */
  roles?: string;
  /** The settings file; RESEAL_WORKER_CONFIG when left out, and the environment alone without either. */
  config?: string;
}

interface WorkerIo {
  stdout: { write(text: string): unknown };
  stderr: { write(text: string): unknown };
  env: Environment;
  /** Aborted when the process is asked to stop. */
  signal?: AbortSignal;
}

/** How often a process says how its roles are. */
const HEALTH_MS = 60_000;

/**
 * Plays roles until it is asked to stop. Prints `ready` on stdout once they take work; all else are JSON lines on stderr.
 * Answers the exit status: 2 for settings that cannot work, 6 where Temporal or PostgreSQL cannot be reached, 1 for
 * anything else. Never throws.
 */
export async function workerCommand(request: WorkerRequest, io: WorkerIo): Promise<number> {
  const log = jsonLog(io.stderr);
  try {
    return await play(request, io, log);
  } catch (error) {
    const code = error instanceof SettingsError || error instanceof DatabaseError ? error.code : 'worker_failed';
    const message = error instanceof Error ? (error.message.split('\n')[0] ?? '') : 'unknown failure';
    log('the worker stopped', { level: 'ERROR', code, message });
    if (code === 'temporal_unreachable' || code === 'register_unreachable') return 6;
    return error instanceof SettingsError ? 2 : 1;
  }
}

async function play(request: WorkerRequest, io: WorkerIo, log: Log): Promise<number> {
  const { env } = io;
  const [given, from] =
    request.roles === undefined ? ([env['RESEAL_ROLES'] ?? '', 'RESEAL_ROLES'] as const) : [request.roles, '--roles'];
  const file = request.config ?? env['RESEAL_WORKER_CONFIG'] ?? '';
  const settings = await readSettings({ roles: rolesOf(given, from), file: file === '' ? null : file, env });
  const opened = await openRoleDatabases(settings);
  try {
    const context = await readRoleContext(settings, opened.databases, log, env);
    // Loaded when all is well: it takes a second.
    const { startRoles } = await import('./start-roles.js');
    await playUntilStopped(await startRoles(context), io, log);
    return 0;
  } finally {
    await opened.close();
  }
}

async function playUntilStopped(roles: RunningRoles, { stdout, signal }: WorkerIo, log: Log): Promise<void> {
  const tell = (message: string): void => log(message, { level: 'INFO', roles: roles.states() });
  tell('at work');
  stdout.write('ready\n');
  const health = setInterval(() => tell('health'), HEALTH_MS);
  try {
    await Promise.race([aborted(signal), roles.failed]);
    tell('stopping');
  } finally {
    clearInterval(health);
    await roles.stop();
  }
}

const aborted = (signal: AbortSignal | undefined): Promise<void> =>
  new Promise((resolve) => {
    if (signal?.aborted === true) resolve();
    else signal?.addEventListener('abort', () => resolve(), { once: true });
  });
