import type { Settings } from '../config/settings.js';
import type { ResealApi } from '../api/reseal-api.js';

/** All that a command touches of the process it runs in. */
export interface Io {
  stdout: { write(text: string): unknown };
  stderr: { write(text: string): unknown };
  /** Read only when a person is asked something. */
  stdin: NodeJS.ReadableStream;
  env: Readonly<Record<string, string | undefined>>;
  cwd: string;
  /** Whether a person sits in front of it: standard input and standard error are terminals. */
  isTTY: boolean;
  /** Whether standard output is a terminal, and how wide. */
  stdoutTTY?: boolean;
  columns?: number;
  rows?: number;
  /** Whether standard error is a terminal: a line on it can be drawn again. */
  stderrTTY?: boolean;
  /** Aborted by Ctrl-C. */
  signal?: AbortSignal;
  /** Epoch milliseconds; the system's clock. */
  now?: () => number;
  /** Where ceremonies are; made from the settings when left out. */
  connect?: (settings: Settings) => Promise<ResealApi>;
}
