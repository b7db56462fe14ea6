import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const RESEAL = fileURLToPath(new URL('../../bin/reseal.js', import.meta.url));
/** Free ports, so that tests meet neither each other nor a stack that somebody uses. */
export const FREE_PORTS = ['--gateway-port', '0', '--temporal-port', '0', '--ui-port', '0', '--graph-port', '0'];

/** The `reseal` command as a process of its own. Nothing of the test's own environment configures it. */
export class ResealProcess {
  stdout = '';
  stderr = '';
  private constructor(private readonly child: ChildProcess) {
    child.stdout?.on('data', (chunk: Buffer) => (this.stdout += chunk.toString()));
    child.stderr?.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()));
  }

  static spawn(args: readonly string[], cwd: string, variables: Record<string, string> = {}): ResealProcess {
    const own = Object.entries(process.env).filter(([name]) => !/^RESEAL_(?!TEMPORAL_CLI$)/.test(name));
    const env = { ...Object.fromEntries(own), NO_COLOR: '1', ...variables };
    return new ResealProcess(
      spawn(process.execPath, [RESEAL, ...args], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] }),
    );
  }

  /** `reseal dev` in `cwd` on free ports; resolves once it has printed `ready`. */
  static async dev(cwd: string, ...args: string[]): Promise<ResealProcess> {
    const dev = ResealProcess.spawn(['dev', ...FREE_PORTS, ...args], cwd);
    await new Promise<void>((resolve, reject) => {
      dev.child.stdout?.on('data', () => /^ready$/m.test(dev.stdout) && resolve());
      dev.child.once('exit', (code) => reject(new Error(`ended with ${code} before ready: ${dev.stderr}`)));
    });
    return dev;
  }

  /** Runs one command to its end. */
  static async run(
    args: readonly string[],
    cwd: string,
    variables: Record<string, string> = {},
  ): Promise<{ status: number | null; stdout: string; stderr: string }> {
    const command = ResealProcess.spawn(args, cwd, variables);
    const status = await command.ended();
    return { status, stdout: command.stdout, stderr: command.stderr };
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  async ended(): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'close');
    return this.child.exitCode;
  }

  end(signal: NodeJS.Signals): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill(signal);
    return this.ended();
  }
}

/** The pids of a process's children and of theirs, as far as they run. */
export function descendantsOf(pid: number): number[] {
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && parentOf(name) === pid)
    .map(Number);
  return children.flatMap((child) => [child, ...descendantsOf(child)]);
}

const parentOf = (pid: string): number | null => runningParent(Number(pid));

/**
 * Whether the process runs. A zombie does not: where pid 1 reaps nothing, as in many containers, the number of a process
 * that nobody waits for stays taken, and signal 0 goes on reaching it.
 */
export const isAlive = (pid: number): boolean => runningParent(pid) !== null;

/** The parent's pid, or null when the process is gone or a zombie whose threads have all ended (proc(5), /proc/PID/stat). */
function runningParent(pid: number): number | null {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return null;
  }
  // The name is in parentheses and may hold anything; the state (field 3) follows it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, parent] = fields;
  const threads = Number(fields[17]);
  return state === 'X' || (state === 'Z' && threads < 2) ? null : Number(parent);
}
