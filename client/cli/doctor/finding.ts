import { EXIT } from '../../api/exit-status.js';
import { ResealError } from '../../api/reseal-error.js';

/** What one check found. `-` could not be asked, or concerns nobody here. */
export interface Finding {
  name: string;
  verdict: 'ok' | 'warn' | 'fail' | '-';
  detail: string;
  /** What to do about it. */
  todo: string | null;
  /** The exit status when this is the first failure. */
  exit: number;
}

export const ok = (name: string, detail: string): Finding => ({
  name,
  verdict: 'ok',
  detail,
  todo: null,
  exit: EXIT.done,
});
export const warn = (name: string, detail: string, todo: string): Finding => ({
  name,
  verdict: 'warn',
  detail,
  todo,
  exit: EXIT.done,
});
export const fail = (name: string, detail: string, todo: string, exit: number): Finding => ({
  name,
  verdict: 'fail',
  detail,
  todo,
  exit,
});
export const unasked = (name: string, why: string): Finding => ({
  name,
  verdict: '-',
  detail: why,
  todo: null,
  exit: EXIT.done,
});

/** A failure in its own words; what is no failure of ours is thrown on. */
export function failed(name: string, error: unknown): Finding {
  if (!(error instanceof ResealError)) throw error;
  return fail(name, error.message, error.hint ?? 'set RESEAL_DEBUG=1 to see where', error.exit);
}
