import { setMaxListeners } from 'node:events';

import type { SweepDeps } from './sweep-deps.js';
import { backoffMs, type GraphFailureKind } from '../graph/wire/graph-error.js';
import type { GraphAnswer } from '../graph/wire/graph-session.js';

/** How often one call is made in a sweep; the next sweep asks again. */
const TRIES = 4;
/** From so long after its start on, a sweep waits for nothing that is throttled: the next one begins where this one ends. */
const MAX_RUN_MS = 6 * 60_000;

/** One sweep's waiting: what it may still spend, and how it is stopped. */
export class Patience {
  private readonly until: number;

  constructor(
    private readonly deps: Pick<SweepDeps, 'clock' | 'pause'>,
    readonly signal: AbortSignal,
  ) {
    // As many wait on it as there are tenants and assignments under way.
    setMaxListeners(0, signal);
    this.until = deps.clock.now() + MAX_RUN_MS;
  }

  /** Waits for so long; false, at once, where the sweep has no such time left. */
  async wait(ms: number): Promise<boolean> {
    if (this.deps.clock.now() + ms > this.until) return false;
    await this.deps.pause(ms, this.signal);
    return true;
  }

  /**
   * Asks until there is an answer, a failure that waiting does not mend, or no time. Between tries as long as the service
   * asked for (Retry-After, at most 60 s), else 1 s, doubled each time. Only for calls that may be made twice.
   */
  async ask<T>(call: () => Promise<GraphAnswer<T>>): Promise<GraphAnswer<T>> {
    for (let tried = 1; ; tried += 1) {
      const answer = await call();
      if (answer.ok || tried >= TRIES || !PASSING.has(answer.failure.kind)) return answer;
      if (!(await this.wait(backoffMs(answer.failure, tried)))) return answer;
    }
  }
}

const PASSING: ReadonlySet<GraphFailureKind> = new Set(['not_sent', 'throttled', 'conflict', 'ambiguous']);
