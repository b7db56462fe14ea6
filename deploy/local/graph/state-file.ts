import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

const QUIET_MS = 250;

/**
 * Keeps a JSON document in a file across restarts: written beside it and renamed over it, some time after a change
 * and once more at the end. A large document is written less often, so that writing never takes much of a core.
 */
export class StateFile {
  private timer: NodeJS.Timeout | null = null;
  private writing: Promise<void> = Promise.resolve();
  private lastMs = 0;
  private dirty = false;

  constructor(
    private readonly path: string,
    private readonly snapshot: () => unknown,
  ) {}

  /** The stored document; undefined where there is none yet. A file that is no JSON is an error, never overwritten. */
  static async read(path: string): Promise<unknown> {
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw error;
    }
    try {
      return JSON.parse(text) as unknown;
    } catch {
      throw new Error(`the simulator's state file ${path} is not JSON: move it away to start anew`);
    }
  }

  touch(): void {
    this.dirty = true;
    if (this.timer !== null) return;
    this.timer = setTimeout(
      () => {
        this.timer = null;
        // A failed write is tried again with the next change, and told by the flush at the end.
        this.write().catch(() => undefined);
      },
      Math.max(QUIET_MS, this.lastMs * 20),
    );
    this.timer.unref();
  }

  /** Writes what is not yet written; rejects where that fails. */
  async flush(): Promise<void> {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    await this.write();
  }

  private write(): Promise<void> {
    this.writing = this.writing.catch(() => undefined).then(() => this.writeOnce());
    return this.writing;
  }

  private async writeOnce(): Promise<void> {
    if (!this.dirty) return;
    this.dirty = false;
    const began = performance.now();
    try {
      const text = JSON.stringify(this.snapshot());
      this.lastMs = performance.now() - began;
      await mkdir(dirname(this.path), { recursive: true });
      await writeFile(`${this.path}.new`, text, { mode: 0o600 });
      await rename(`${this.path}.new`, this.path);
    } catch (error) {
      this.dirty = true;
      throw error;
    }
  }
}
