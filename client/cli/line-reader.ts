import { createInterface, type Interface } from 'node:readline';
import { Interrupted } from './interrupted.js';

/** Typed lines, one after the other: what somebody typed ahead answers the next question. */
export class LineReader {
  private readonly lines: Interface;
  private readonly typed: string[] = [];
  private waiting: ((line: string | undefined) => void) | undefined;
  private ended = false;
  private readonly stop = (): void => this.lines.close();

  constructor(
    input: NodeJS.ReadableStream,
    private readonly signal: AbortSignal | undefined,
  ) {
    // The terminal itself edits the line: this also works where no cursor can be moved.
    this.lines = createInterface({ input, terminal: false });
    this.lines.on('line', (line) => {
      if (this.waiting === undefined) this.typed.push(line);
      else this.answer(line);
    });
    this.lines.on('close', () => {
      this.ended = true;
      this.answer(undefined);
    });
    signal?.addEventListener('abort', this.stop, { once: true });
  }

  /** The next line without its end; undefined when there is none to come. Throws `Interrupted` after Ctrl-C. */
  async next(): Promise<string | undefined> {
    const aborted = (): boolean => this.signal?.aborted === true;
    const line = this.typed.shift() ?? (this.ended || aborted() ? undefined : await this.coming());
    if (aborted()) throw new Interrupted('interrupted: nothing was sent');
    return line;
  }

  close(): void {
    this.signal?.removeEventListener('abort', this.stop);
    this.lines.close();
  }

  private async coming(): Promise<string | undefined> {
    this.lines.resume();
    const line = await new Promise<string | undefined>((resolve) => (this.waiting = resolve));
    // Paused, an open standard input does not keep the process.
    if (!this.ended) this.lines.pause();
    return line;
  }

  private answer(line: string | undefined): void {
    const answer = this.waiting;
    this.waiting = undefined;
    answer?.(line);
  }
}
