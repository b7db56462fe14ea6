import { oneLine } from './printable.js';
import { spanText } from './times.js';

/** Nobody is told of what is done sooner than this. */
const PATIENCE_MS = 2_000;
const REDRAW_MS = 500;

interface Task {
  text: () => string;
  began: number;
  told: boolean;
}

/**
 * What takes long, on standard error. On a terminal: one line that is drawn again and taken away when it is over.
 * Elsewhere: one plain line each. Of several tasks the one begun last is shown.
 */
export class StatusLine {
  private readonly tasks = new Set<Task>();
  private timer: NodeJS.Timeout | undefined;
  private drawn = false;

  constructor(
    private readonly to: { write(text: string): unknown },
    private readonly how: { live: boolean; silent: boolean; columns: number },
  ) {}

  /** Begins a task; call what it returns when the task is over. `text` must be safe on one line, and is read again at each drawing. */
  begin(text: string | (() => string)): () => void {
    if (this.how.silent) return () => undefined;
    const task: Task = { text: typeof text === 'string' ? () => text : text, began: performance.now(), told: false };
    this.tasks.add(task);
    this.timer ??= setInterval(() => this.tick(), REDRAW_MS).unref();
    return () => {
      this.tasks.delete(task);
      this.clear();
      if (this.tasks.size > 0) return;
      clearInterval(this.timer);
      this.timer = undefined;
    };
  }

  /** Takes the line away before something else is written. */
  clear(): void {
    if (!this.drawn) return;
    this.to.write('\r\u001b[K');
    this.drawn = false;
  }

  private tick(): void {
    const task = [...this.tasks].at(-1);
    if (task === undefined) return;
    const age = performance.now() - task.began;
    if (age < PATIENCE_MS) return;
    const text = oneLine(task.text());
    if (this.how.live) {
      const line = `${text} (${spanText(Math.floor(age / 1000))})`;
      this.to.write(`\r\u001b[K${[...line].slice(0, Math.max(1, this.how.columns - 1)).join('')}`);
      this.drawn = true;
    } else if (!task.told) {
      task.told = true;
      this.to.write(`${text}\n`);
    }
  }
}
