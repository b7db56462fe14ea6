import { spawn } from 'node:child_process';
import type { TargetOf } from '../../domain/incidents/containment-targets.js';
import { stateOf, TargetFailure, type Adapter } from './adapter.js';

/** What a program needs to find itself; nothing of the role's is handed on. */
const HANDED_ON = ['PATH', 'HOME', 'LANG', 'TMPDIR', 'XDG_RUNTIME_DIR', 'DBUS_SESSION_BUS_ADDRESS'] as const;
const MAX_OUTPUT_BYTES = 64 * 1024;

/** Programs with fixed arguments: nothing of an incident reaches them. */
export function commandAdapter(target: TargetOf<'command'>): Adapter {
  const limitMs = target.timeout_seconds * 1000;
  const change = async (argv: readonly [string, ...string[]]): Promise<void> => {
    const { status } = await run(argv, limitMs);
    if (status !== 0) throw new TargetFailure('command_failed', `${argv[0]} ended with status ${status}`);
  };
  return {
    async observe() {
      const { command, exit_statuses } = target.state;
      const { status, output } = await run(command, limitMs);
      if (!exit_statuses.includes(status))
        throw new TargetFailure('command_failed', `${command[0]} ended with status ${status}`);
      return { state: stateOf(output.trim(), target.state), revision: null };
    },
    contain: () => change(target.contain),
    release: () => change(target.release),
  };
}

/**
 * Runs a program without a shell as the leader of a process group of its own, and ends the whole group when its time is
 * over, so that nothing it started goes on. Throws TargetFailure.
 */
function run(argv: readonly [string, ...string[]], limitMs: number): Promise<{ status: number; output: string }> {
  const [program, ...args] = argv;
  const env = Object.fromEntries(HANDED_ON.flatMap((name) => (name in process.env ? [[name, process.env[name]]] : [])));
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      env,
      cwd: '/',
      shell: false,
      detached: true,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const parts: Buffer[] = [];
    let size = 0;
    const fail = (failure: TargetFailure): void => {
      clearTimeout(timer);
      endGroup(child.pid);
      child.stdout.destroy();
      reject(failure);
    };
    const timer = setTimeout(
      () => fail(new TargetFailure('timed_out', `${program} took longer than ${limitMs / 1000} s`)),
      limitMs,
    );
    child.on('error', (error: NodeJS.ErrnoException) =>
      fail(new TargetFailure('command_not_started', `${program}: ${error.code ?? 'unknown error'}`)),
    );
    child.stdout.on('data', (part: Buffer) => {
      size += part.length;
      if (size > MAX_OUTPUT_BYTES) fail(new TargetFailure('answer_too_long', `${program} printed over 64 KiB`));
      else parts.push(part);
    });
    child.on('close', (status, signal) => {
      clearTimeout(timer);
      if (status === null)
        reject(new TargetFailure('command_failed', `${program} was ended by ${signal ?? 'a signal'}`));
      else resolve({ status, output: Buffer.concat(parts).toString('utf8') });
    });
  });
}

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It is gone already.
  }
}
