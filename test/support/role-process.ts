import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { compiledPath } from '../../workers/compiled.js';
import type { Role } from '../../domain/roles.js';

/** What a process of its own is started with. Its environment holds nothing of the test's but where programs are. */
export interface RoleStart {
  roles: readonly Role[] | string;
  config?: string;
  env?: Readonly<Record<string, string>>;
}

/** Roles in a process of their own, as in production: `reseal worker --roles ROLES --config FILE`. */
export class RoleProcess {
  private constructor(
    private readonly child: ChildProcess,
    private readonly said: { stdout: string; stderr: string },
  ) {}

  /** Starts it without waiting for anything. */
  static spawn({ roles, config, env = {} }: RoleStart): RoleProcess {
    const line = [
      compiledPath('client/cli/main.js'),
      'worker',
      '--roles',
      typeof roles === 'string' ? roles : roles.join(','),
    ];
    const child = spawn(process.execPath, [...line, ...(config === undefined ? [] : ['--config', config])], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'] ?? '', ...env },
    });
    const said = { stdout: '', stderr: '' };
    child.stdout.on('data', (chunk: Buffer) => (said.stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (said.stderr += chunk.toString()));
    return new RoleProcess(child, said);
  }

  /** Starts it and waits until it polls. */
  static async start(started: RoleStart): Promise<RoleProcess> {
    const roles = RoleProcess.spawn(started);
    await new Promise<void>((resolve, reject) => {
      roles.child.stdout?.on('data', () => roles.said.stdout.includes('ready\n') && resolve());
      roles.child.once('exit', (code) => reject(new Error(`ended with ${code} before ready: ${roles.said.stderr}`)));
    });
    return roles;
  }

  get stderr(): string {
    return this.said.stderr;
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** Sends the signal and resolves with the exit status (null for one that a signal ended) when the process is gone. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const gone = once(this.child, 'exit');
      this.child.kill(signal);
      await gone;
    }
    return this.child.exitCode;
  }

  /** Resolves with the exit status when it ends by itself. */
  async ended(): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'exit');
    return this.child.exitCode;
  }
}
