import { MockActivityEnvironment } from '@temporalio/testing';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';

import { virtualClock } from '../../activities/clock.js';

const at = (ms: number): MockActivityEnvironment =>
  new MockActivityEnvironment({ currentAttemptScheduledTimestampMs: ms });

describe('the virtual clock', () => {
  it('is the time at which the attempt was scheduled, and runs on from there', async () => {
    const clock = virtualClock();
    const scheduled = Date.parse('2040-01-01T00:00:00Z');
    const read = async (): Promise<[number, number]> => {
      const begin = clock.now();
      await sleep(60);
      return [begin, clock.now()];
    };
    const [first, second] = await at(scheduled).run<[], [number, number], typeof read>(read);
    expect(first).toBe(scheduled);
    expect(second - scheduled).toBeGreaterThanOrEqual(50);
    expect(second - scheduled).toBeLessThan(5000);
  });

  it('begins anew in each attempt, also when two run at once', async () => {
    const clock = virtualClock();
    const read = async (): Promise<number> => {
      const begin = clock.now();
      await sleep(20);
      return begin;
    };
    expect(await Promise.all([at(1_000_000).run(read), at(2_000_000).run(read)])).toEqual([1_000_000, 2_000_000]);
  });

  it("is the machine's outside of an activity", () => {
    expect(Math.abs(virtualClock().now() - Date.now())).toBeLessThan(1000);
  });
});
