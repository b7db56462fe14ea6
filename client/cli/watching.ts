import { setTimeout as sleep } from 'node:timers/promises';
import { EXIT } from '../api/exit-status.js';
import { ResealError } from '../api/reseal-error.js';
import { INTERRUPTED } from './interrupted.js';
import { jsonText, yamlText } from './render.js';
import type { Session } from './session.js';
import { clockText } from './times.js';

const EVERY_MS = 2_000;
/** How long the gateway may be away while somebody watches. */
const PATIENCE_MS = 60_000;

/** Something that is read again and again. */
export interface Watched<T> {
  load: () => Promise<T>;
  /** The whole of it, drawn again on a terminal. */
  frame: (value: T) => string;
  /** Elsewhere: what changed since `before`, one line each. */
  changes: (value: T, before: T | undefined) => string[];
  /** As JSON or YAML: the parts that changed, one document each. */
  parts: (value: T, before: T | undefined) => unknown[];
  /** Nothing more will change. */
  over?: (value: T) => boolean;
}

/** Shows it until it is over, or until Ctrl-C; answers the exit status. A gateway that is away for less than a minute is waited for. */
export async function watch<T>(session: Session, watched: Watched<T>): Promise<number> {
  const { signal } = session.io;
  const show = await showing(session, watched);
  let before: T | undefined;
  let answeredAt = performance.now();
  for (;;) {
    const value = await watched.load().catch((error: unknown) => {
      const passing = error instanceof ResealError && error.exit === EXIT.unreachable;
      if (before === undefined || !passing || performance.now() - answeredAt > PATIENCE_MS) throw error;
      return undefined;
    });
    if (value !== undefined) {
      answeredAt = performance.now();
      show(value, before);
      before = value;
      if (watched.over?.(value) === true) return EXIT.done;
    }
    await sleep(EVERY_MS, undefined, signal ? { signal } : {}).catch(() => undefined);
    if (signal?.aborted === true) {
      session.afterInterrupt();
      return INTERRUPTED;
    }
  }
}

async function showing<T>(
  session: Session,
  { frame, changes, parts }: Watched<T>,
): Promise<(value: T, before: T | undefined) => void> {
  if (session.output === 'json') {
    return (value, before) => parts(value, before).forEach((part) => session.data(jsonText(part)));
  }
  if (session.output === 'yaml') {
    const yaml = await import('yaml');
    return (value, before) => parts(value, before).forEach((part) => session.data(`---\n${yamlText(yaml, part)}`));
  }
  if (session.io.stdoutTTY !== true || session.io.env['TERM'] === 'dumb') {
    return (value, before) => changes(value, before).forEach((line) => session.data(line));
  }
  let drawn = 0;
  return (value) => {
    const at = clockText(new Date(session.now()).toISOString(), session.zone);
    const text = `${frame(value)}\n${session.style('dim', `at ${at}, every 2 s; Ctrl-C ends`)}`;
    const { lines, rows } = fitted(text, session.io.columns ?? 80, session.io.rows ?? 24);
    // Over what was there, line by line: nothing flickers, and nothing is pushed into what can be scrolled back to.
    const over = `${lines.replaceAll('\n', '\u001b[K\n')}\u001b[K\n\u001b[J`;
    session.draw(`${drawn > 0 ? `\u001b[${drawn}A` : ''}${over}`);
    drawn = rows;
  };
}

// eslint-disable-next-line no-control-regex -- the colours that are ours take no room
const COLOURS = /\u001b\[[0-9;]*m/g;

/** As much of the text as the screen has rows for, and how many rows it takes: what scrolled away could not be drawn again. */
export function fitted(text: string, columns: number, rows: number): { lines: string; rows: number } {
  const all = text.split('\n');
  const heights = all.map((line) => Math.max(1, Math.ceil([...line.replace(COLOURS, '')].length / columns)));
  const kept: string[] = [];
  let taken = 0;
  for (const [index, line] of all.entries()) {
    const height = heights[index] ?? 1;
    const last = index === all.length - 1;
    // One row for the cursor, and one to say that there is more.
    if (taken + height > rows - (last ? 1 : 2)) {
      kept.push(`… ${all.length - index} more lines`);
      taken += 1;
      break;
    }
    kept.push(line);
    taken += height;
  }
  return { lines: kept.join('\n'), rows: taken };
}
