import { execFile } from 'node:child_process';
import { readFile, readlink } from 'node:fs/promises';
import { promisify } from 'node:util';

/**
 * Who a process is, so that a pid found in a file is not taken for another process that was given the same number.
 * `start` is the start time in clock ticks since boot (field 22 of /proc/PID/stat, proc(5)), or what `ps -o lstart`
 * prints where there is no /proc; `boot` names the boot and `namespace` the pid namespace in which the pid means
 * something (both empty without /proc).
 */
export interface ProcessIdentity {
  pid: number;
  start: string;
  boot: string;
  namespace: string;
}

/** `alive`: this very process runs. `dead`: it does not. `foreign`: the pid is of a namespace that cannot be seen. */
export type ProcessState = 'alive' | 'dead' | 'foreign';

/**
 * The identity of a running process, or null when there is none with this pid. A zombie counts as none, unless threads of
 * it still end: until the last one has, its files are open and its ports taken.
 */
export async function identifyProcess(pid: number): Promise<ProcessIdentity | null> {
  const [boot, namespace] = await Promise.all([currentBoot(), currentNamespace()]);
  const start = boot === '' ? await startFromPs(pid) : await startFromProc(pid);
  return start === null ? null : { pid, start, boot, namespace };
}

/** Whether the process that a file names still runs. Never guesses: what cannot be seen is `foreign`, not `dead`. */
export async function processState(recorded: ProcessIdentity): Promise<ProcessState> {
  const [boot, namespace] = await Promise.all([currentBoot(), currentNamespace()]);
  if (recorded.boot !== boot) return 'dead';
  if (recorded.namespace !== namespace) return 'foreign';
  const running = await identifyProcess(recorded.pid);
  return running !== null && running.start === recorded.start ? 'alive' : 'dead';
}

/** Reads an identity out of parsed JSON; null when it is not one (a truncated or foreign file). */
export function readIdentity(value: unknown): ProcessIdentity | null {
  if (typeof value !== 'object' || value === null) return null;
  const { pid, start, boot, namespace } = value as Record<string, unknown>;
  if (typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid < 2) return null;
  if (typeof start !== 'string' || typeof boot !== 'string' || typeof namespace !== 'string') return null;
  return { pid, start, boot, namespace };
}

async function startFromProc(pid: number): Promise<string | null> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => null);
  if (stat === null) return null;
  // The second field is the command in parentheses and may itself hold spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const state = fields[0];
  const threads = Number(fields[17]);
  return state === 'X' || (state === 'Z' && threads < 2) ? null : (fields[19] ?? null);
}

async function startFromPs(pid: number): Promise<string | null> {
  const ps = promisify(execFile);
  const printed = await ps('ps', ['-o', 'lstart=', '-p', String(pid)]).catch(() => null);
  return printed?.stdout.trim() || null;
}

async function currentBoot(): Promise<string> {
  return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '')).trim();
}

async function currentNamespace(): Promise<string> {
  return readlink('/proc/self/ns/pid').catch(() => '');
}
