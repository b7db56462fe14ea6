import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';

/** How a child ended: its exit status, or the signal that ended it. */
export interface ChildExit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** A child that leads its own process group, so that a Ctrl-C in the terminal reaches only its parent. */
export interface ChildGroup {
  pid: number;
  /** Resolves once, when the leader has ended; never rejects. */
  exited: Promise<ChildExit>;
  /** How it ended, or null while it runs. */
  ended(): ChildExit | null;
  /** Sends a signal to the whole group; nothing happens when the group is gone. */
  kill(signal: NodeJS.Signals): void;
  /** Asks the group to end with `signal` (SIGTERM), kills it after `graceMs` (10 s), and waits until the leader ended. */
  stop(options?: { signal?: NodeJS.Signals; graceMs?: number }): Promise<ChildExit>;
}

/**
 * Starts `file` as the leader of a new process group with stdin closed and both outputs appended to `logPath` (mode
 * 0600). Rejects with the system's error (ENOENT, EACCES) when it cannot be started.
 */
export async function spawnGroup(
  file: string,
  args: readonly string[],
  options: { logPath: string; env?: NodeJS.ProcessEnv; cwd?: string },
): Promise<ChildGroup> {
  mkdirSync(dirname(options.logPath), { recursive: true });
  const log = openSync(options.logPath, 'a', 0o600);
  try {
    const child = spawn(file, args, {
      detached: true,
      stdio: ['ignore', log, log],
      env: options.env,
      cwd: options.cwd,
    });
    let end: ChildExit | null = null;
    const exited = new Promise<ChildExit>((resolve) => {
      child.once('exit', (code, signal) => {
        // What the leader left in its group goes with it: at once, since later the number may belong to another group.
        if (child.pid !== undefined) signalGroup(child.pid, 'SIGKILL');
        resolve((end = { code, signal }));
      });
    });
    const pid = await new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('spawn', () => resolve(child.pid as number));
    });
    return groupOf(pid, exited, () => end);
  } finally {
    closeSync(log);
  }
}

function groupOf(pid: number, exited: Promise<ChildExit>, ended: () => ChildExit | null): ChildGroup {
  const kill = (signal: NodeJS.Signals): void => {
    if (ended() === null) signalGroup(pid, signal);
  };
  const stop: ChildGroup['stop'] = async ({ signal = 'SIGTERM', graceMs = 10_000 } = {}) => {
    if (ended() === null) {
      kill(signal);
      const killing = setTimeout(() => kill('SIGKILL'), graceMs);
      await exited;
      clearTimeout(killing);
    }
    return exited;
  };
  return { pid, exited, ended, kill, stop };
}

/** Signals the process group that `pid` leads; a group that is gone is not an error. */
export function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
