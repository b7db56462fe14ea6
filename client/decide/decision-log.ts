import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { decisionLogEntrySchema, logEntryOf, type Decision } from '../../domain/decision.js';
import { instant } from '../../domain/identifiers.js';
import { ResealError } from '../api/reseal-error.js';

/** Where decisions are written, allowed and refused ones. */
export interface DecisionLog {
  /** Resolves when the line is on the disk. Rejects with `log_unwritable`: then nobody may be given the answer. */
  write(decision: Decision): Promise<void>;
}

/**
 * A decision log in a file, one JSON text a line, appended to. Whoever configures one wants to know who was let in: a
 * decision that cannot be written is not given (Sentinel's logger goes on without a line instead: facts, origins.md). The
 * file is opened for each line, so that it may be moved away and another one begins. `now` is epoch milliseconds.
 */
export function decisionLog(path: string, now: () => number = Date.now): DecisionLog {
  let last: Promise<unknown> = Promise.resolve();
  return {
    write(decision) {
      const line = `${JSON.stringify(decisionLogEntrySchema.parse(logEntryOf(decision, instant(now()))))}\n`;
      const written = last.then(() => append(path, line));
      last = written.catch(() => undefined);
      return written;
    },
  };
}

/** Non-blocking, or a named pipe that nobody reads would hold everything up; it is no regular file and is refused. */
const FLAGS = constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK;

async function append(path: string, line: string): Promise<void> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, FLAGS, 0o600);
    const stat = await file.stat();
    if (!stat.isFile()) throw Object.assign(new Error('not a regular file'), { code: 'not a regular file' });
    await file.appendFile(`${await tornEnd(file, stat.size)}${line}`);
    await file.datasync();
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new ResealError('log_unwritable', `the decision log cannot be written: ${code ?? 'unknown error'}`, {
      hint: 'nothing is allowed without a line in it: mend it, or configure another',
      cause,
    });
  } finally {
    await file?.close().catch(() => undefined);
  }
}

/** Longer than a line that somebody else is writing stands there in part. */
const LOOK_AGAIN_MS = 50;

/**
 * What ends the line before: a full disk may have torn it, and the next one must not become part of it. A file that grows
 * meanwhile is another process's line on its way, and no torn one.
 */
async function tornEnd(file: FileHandle, size: number): Promise<string> {
  if (size === 0) return '';
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1);
  if (buffer.toString('latin1') === '\n') return '';
  await sleep(LOOK_AGAIN_MS);
  const { size: now } = await file.stat();
  return now === size ? '\n' : tornEnd(file, now);
}
