import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { compiledPath } from '../../../workers/compiled.js';

/** A worker in a process of its own, whose memory is nobody else's. It says `ready` on standard output. */
export class ChildWorker {
  private constructor(private readonly child: ChildProcess) {}

  /** @param script below `dist/`. */
  static async start(script: string, args: readonly string[]): Promise<ChildWorker> {
    const child = spawn(process.execPath, [compiledPath(script), ...args], { stdio: ['ignore', 'pipe', 'ignore'] });
    let said = '';
    await new Promise<void>((resolve, reject) => {
      child.stdout.on('data', (chunk: Buffer) => {
        said += chunk.toString();
        if (said.includes('ready\n')) resolve();
      });
      child.once('exit', (code) => reject(new Error(`${script} ended with ${code} before it was ready`)));
    });
    return new ChildWorker(child);
  }

  /** Resident memory in bytes (proc_pid_status(5), VmRSS); NaN where there is no /proc. */
  async resident(): Promise<number> {
    const status = await readFile(`/proc/${this.child.pid}/status`, 'utf8').catch(() => '');
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? Number.NaN) * 1024;
  }

  async end(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    await gone;
  }
}
