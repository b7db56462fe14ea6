import { spawn, type ChildProcess } from 'node:child_process';
import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { ResealError } from '../api/reseal-error.js';

/** How a process ended: by itself with a status, or by a signal. */
export interface ChildEnd {
  status: number | null;
  signal: NodeJS.Signals | null;
}

/** What is handed on to the child; the terminal's own Ctrl-C reaches it without us. */
const FORWARDED: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'];

/** A job's process. Without a terminal it leads a group of its own, so that its own children are halted with it. */
export class Child {
  private readonly process: ChildProcess;
  private readonly onSignal = (signal: NodeJS.Signals): void => this.signal(signal);
  /** Resolves when it has ended. Rejects with ResealError `usage` where it cannot be started. */
  readonly ended: Promise<ChildEnd>;

  constructor(
    [command = '', ...args]: readonly string[],
    private readonly options: { env: NodeJS.ProcessEnv; cwd: string; isTTY: boolean },
  ) {
    const { env, cwd, isTTY } = options;
    this.process = spawn(command, args, { stdio: 'inherit', env, cwd, detached: !isTTY });
    this.ended = new Promise<ChildEnd>((resolve, reject) => {
      this.process.once('error', (cause) => {
        reject(new ResealError('usage', `${command} cannot be run`, { hint: 'is it there, and executable?', cause }));
      });
      this.process.once('exit', (status, signal) => resolve({ status, signal }));
    }).finally(() => {
      for (const name of FORWARDED) process.off(name, this.onSignal);
    });
    for (const name of FORWARDED) process.on(name, this.onSignal);
  }

  /** SIGTERM, and SIGKILL for whatever is left after `graceMs`. Resolves when it has ended. */
  async halt(graceMs: number): Promise<ChildEnd> {
    this.send('SIGTERM');
    const late = new AbortController();
    const killed = sleep(graceMs, undefined, { signal: late.signal }).then(
      () => this.send('SIGKILL'),
      () => undefined,
    );
    const end = await this.ended;
    late.abort();
    await killed;
    // The leader may be gone, and somebody of its group not.
    if (!this.options.isTTY) this.send('SIGKILL');
    return end;
  }

  private signal(name: NodeJS.Signals): void {
    // On a terminal the whole foreground group has had it already.
    if (this.options.isTTY && (name === 'SIGINT' || name === 'SIGQUIT')) return;
    this.send(name);
  }

  private send(name: NodeJS.Signals): void {
    const { pid } = this.process;
    if (pid === undefined) return;
    try {
      if (this.options.isTTY) this.process.kill(name);
      else process.kill(-pid, name);
    } catch {
      // It has ended in between.
    }
  }
}

/** As shells report it: the status, or 128 and the signal's number. */
export const statusOf = ({ status, signal }: ChildEnd): number =>
  status ?? 128 + (signal === null ? 0 : constants.signals[signal]);
