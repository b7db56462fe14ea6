import { readdir, readFile } from 'node:fs/promises';

/** Clock ticks a second, as Linux reports them to user space on every architecture. */
const TICKS = 100;

interface Stat {
  pid: number;
  parent: number;
  name: string;
  seconds: number;
}

/**
 * Seconds of processor time that this process and everything below it have used so far, by the program's name
 * (proc_pid_stat(5): comm, ppid, utime, stime). Empty where there is no /proc.
 */
export async function processorTimes(): Promise<Record<string, number>> {
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  const stats = (await Promise.all(pids.map(statOf))).filter((stat) => stat !== null);
  const parents = new Map(stats.map(({ pid, parent }) => [pid, parent]));
  const isOurs = (pid: number): boolean => {
    for (let at: number | undefined = pid; at !== undefined && at > 1; at = parents.get(at))
      if (at === process.pid) return true;
    return false;
  };
  const times: Record<string, number> = {};
  for (const { pid, name, seconds } of stats) {
    if (!isOurs(pid)) continue;
    const known = pid === process.pid ? 'this process' : name;
    times[known] = (times[known] ?? 0) + seconds;
  }
  return times;
}

/** Milliseconds of each since `before`, for one of `count`; a child that ended takes its time with it. */
export function sharedOut(
  before: Record<string, number>,
  after: Record<string, number>,
  count: number,
): Record<string, number> {
  return Object.fromEntries(
    Object.entries(after).map(([name, seconds]) => [
      name,
      Math.round(((seconds - (before[name] ?? 0)) * 1e4) / count) / 10,
    ]),
  );
}

async function statOf(pid: string): Promise<Stat | null> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  if (text === null) return null;
  // The name in parentheses may hold anything, parentheses and spaces too.
  const end = text.lastIndexOf(')');
  const fields = text.slice(end + 2).split(' ');
  const seconds = (Number(fields[11]) + Number(fields[12])) / TICKS;
  return { pid: Number(pid), parent: Number(fields[1]), name: text.slice(text.indexOf('(') + 1, end), seconds };
}
