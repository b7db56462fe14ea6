import { MockActivityEnvironment } from '@temporalio/testing';
import { ApplicationFailure } from '@temporalio/common';
import { DefaultLogger } from '@temporalio/worker';

import type { Clock } from '../../../activities/clock.js';

/** A clock that moves only when it is told to; epoch ms. */
export class FakeClock implements Clock {
  constructor(public ms = Date.parse('2026-06-01T10:00:00.000Z')) {}
  now(): number {
    return this.ms;
  }
  advance(ms: number): void {
    this.ms += ms;
  }
}

export interface Failed {
  attempt: number;
  type: string;
  delayMs: number;
  nonRetryable: boolean;
}

export interface Ran<Result> {
  result: Result;
  attempts: number;
  failures: Failed[];
}

export interface RunOptions {
  /** Before each attempt: change the world, or throw `CRASH` to lose this attempt as SIGKILL before any call would. */
  before?: (attempt: number) => void | Promise<void>;
  maxAttempts?: number;
  /** Begins here, with these details: an activity that others have tried before. */
  from?: { attempt: number; details: unknown };
}

export const CRASH = new Error('the worker is gone');

/** Thrown when the attempts are used up without an outcome. */
export class StillTrying extends Error {
  constructor(readonly failures: Failed[]) {
    super(`no outcome after ${failures.length} attempts: ${failures.map(({ type }) => type).join(', ')}`);
  }
}

/**
 * Runs an activity as the server would: attempt by attempt, each with what the last heartbeat of an earlier one left, after
 * the delay that the failure asked for (1 s where it asked for none).
 */
export async function runAttempts<Input, Result>(
  activity: (input: Input) => Promise<Result>,
  input: Input,
  clock: FakeClock,
  options: RunOptions = {},
): Promise<Ran<Result>> {
  const failures: Failed[] = [];
  const scheduledMs = clock.now();
  let details = options.from?.details;
  const first = options.from?.attempt ?? 1;
  for (let attempt = first; attempt < first + (options.maxAttempts ?? 60); attempt += 1) {
    try {
      await options.before?.(attempt);
    } catch (error) {
      if (error !== CRASH) throw error;
      failures.push({ attempt, type: 'crashed', delayMs: 1000, nonRetryable: false });
      clock.advance(1000);
      continue;
    }
    const environment = environmentOf(attempt, details, clock, scheduledMs);
    environment.on('heartbeat', (left: unknown) => {
      details = structuredClone(left);
    });
    try {
      return { result: await environment.run(activity, input), attempts: attempt, failures };
    } catch (error) {
      if (!(error instanceof ApplicationFailure)) throw error;
      const delay: unknown = error.nextRetryDelay;
      const delayMs = typeof delay === 'number' ? delay : 1000;
      failures.push({ attempt, type: error.type ?? '', delayMs, nonRetryable: error.nonRetryable === true });
      if (error.nonRetryable === true) throw error;
      clock.advance(delayMs);
    }
  }
  throw new StillTrying(failures);
}

/** `scheduledMs`: when the server scheduled the first attempt, epoch ms. */
export function environmentOf(
  attempt: number,
  details: unknown,
  clock: FakeClock,
  scheduledTimestampMs = clock.now(),
): MockActivityEnvironment {
  const currentAttemptScheduledTimestampMs = clock.now();
  const info = { attempt, heartbeatDetails: details, scheduledTimestampMs, currentAttemptScheduledTimestampMs };
  return new MockActivityEnvironment(info, { logger: new DefaultLogger('ERROR') });
}
