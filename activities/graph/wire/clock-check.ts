import { CLOCK_SKEW_MS } from '../../../domain/statement.js';

/**
 * Why this machine's clock must not grant: every deadline of a grant is kept by clocks, so one that is more than a minute
 * off Graph's own time (the Date header of its latest answer, whole seconds), or that cannot be compared, refuses. A removal
 * never asks. Both times are epoch milliseconds; undefined when they agree.
 */
export function clockRefusal(
  nowMs: number,
  serviceMs: number | null,
): { code: 'clock_unchecked' | 'clock_off'; message: string } | undefined {
  if (serviceMs === null)
    return {
      code: 'clock_unchecked',
      message: 'Graph answered without its time (Date header): is a proxy in between?',
    };
  const ahead = nowMs - serviceMs;
  if (Math.abs(ahead) <= CLOCK_SKEW_MS) return undefined;
  const seconds = Math.round(Math.abs(ahead) / 1000);
  const message = `this machine's clock is ${seconds} s ${ahead > 0 ? 'ahead of' : 'behind'} Graph's: set it right first`;
  return { code: 'clock_off', message };
}
