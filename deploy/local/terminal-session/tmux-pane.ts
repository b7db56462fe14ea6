import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface PaneOptions {
  /** What runs in it, such as `bash --norc`; a shell's word splitting applies. */
  command: string;
  cwd: string;
  env?: Readonly<Record<string, string>>;
  columns?: number;
  rows?: number;
}

/** Whether there is a tmux to open panes with. */
export const hasTmux = (): Promise<boolean> =>
  run('tmux', ['-V']).then(
    () => true,
    () => false,
  );

/** A real terminal: a pane of a tmux server of its own, typed into and read as a person would. */
export class TmuxPane {
  private constructor(
    private readonly socket: string,
    private readonly env: NodeJS.ProcessEnv,
  ) {}

  static async open({ command, cwd, env = {}, columns = 100, rows = 40 }: PaneOptions): Promise<TmuxPane> {
    // Whatever is given with -e, tmux takes PATH from whoever calls it (tmux 3.3a, spawn.c).
    const pane = new TmuxPane(`reseal-${process.pid}-${randomBytes(4).toString('hex')}`, { ...process.env, ...env });
    const variables = Object.entries(env).flatMap(([name, value]) => ['-e', `${name}=${value}`]);
    const size = ['-x', String(columns), '-y', String(rows)];
    await pane.tmux('-f', '/dev/null', 'new-session', '-d', ...size, '-c', cwd, ...variables, command);
    return pane;
  }

  /** Types the text as it is. */
  async type(text: string): Promise<void> {
    await this.tmux('send-keys', '-l', '--', text);
  }

  /** Presses keys by tmux's names, such as `Enter`, `Tab`, `C-c`. */
  async press(...keys: string[]): Promise<void> {
    await this.tmux('send-keys', ...keys);
  }

  /** What is on the screen, or with `history` all that was; with `colours` as escape sequences. */
  async screen({ colours = false, history = false } = {}): Promise<string> {
    const options = [...(colours ? ['-e'] : []), ...(history ? ['-S', '-'] : [])];
    return (await this.tmux('capture-pane', '-p', ...options)).replace(/\n+$/, '\n');
  }

  /** Waits until the screen matches; throws with the last screen after `patienceMs`. */
  async until(pattern: RegExp, patienceMs = 60_000): Promise<string> {
    const giveUpAt = performance.now() + patienceMs;
    for (;;) {
      const screen = await this.screen({ history: true });
      if (pattern.test(screen)) return screen;
      if (performance.now() > giveUpAt) throw new Error(`${String(pattern)} did not come to this screen:\n${screen}`);
      await sleep(100);
    }
  }

  /** Ends what runs in it. */
  async close(): Promise<void> {
    await this.tmux('kill-server').catch(() => undefined);
  }

  private async tmux(...args: string[]): Promise<string> {
    const { stdout } = await run('tmux', ['-L', this.socket, ...args], { encoding: 'utf8', env: this.env });
    return stdout;
  }
}
