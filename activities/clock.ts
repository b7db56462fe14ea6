import { Context } from '@temporalio/activity';

/** The time, in epoch milliseconds. */
export interface Clock {
  now(): number;
}

/** The machine's clock: what production uses. */
export const systemClock: Clock = { now: () => Date.now() };

/**
 * The clock of a server that skips time: inside an activity the time at which the server scheduled this attempt plus what
 * has really passed since, outside of one the machine's. The first reading in an attempt is taken as its beginning, and
 * every attempt has a context of its own.
 */
export function virtualClock(): Clock {
  const began = new WeakMap<Context, number>();
  return {
    now(): number {
      const context = currentContext();
      if (context === undefined) return Date.now();
      const real = performance.now();
      const begin = began.get(context) ?? real;
      began.set(context, begin);
      return context.info.currentAttemptScheduledTimestampMs + Math.round(real - begin);
    },
  };
}

function currentContext(): Context | undefined {
  try {
    return Context.current();
  } catch {
    return undefined;
  }
}
