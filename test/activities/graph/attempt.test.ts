import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

import { Attempt } from '../../../activities/graph/attempt.js';
import { environmentOf, FakeClock } from './attempts.js';

const schema = z.object({ count: z.number() });

function run(details: unknown, work: (attempt: Attempt<{ count: number }>) => Promise<number>) {
  const environment = environmentOf(1, details, new FakeClock());
  const beats: unknown[] = [];
  environment.on('heartbeat', (left: unknown) => beats.push(left));
  const result = environment.run<[], number, () => Promise<number>>(() => Attempt.run(schema, { count: 0 }, work));
  return { beats, result };
}

describe('an attempt', () => {
  it('takes up what an earlier one left, and sends what it keeps at once', async () => {
    const { beats, result } = run({ count: 7 }, (attempt) => {
      attempt.keep({ count: attempt.details.count + 1 });
      return Promise.resolve(attempt.details.count);
    });
    expect(await result).toBe(8);
    expect(beats).toEqual([{ count: 8 }]);
  });

  it('takes details of another shape for none, and still knows that it is not the first', async () => {
    const { result } = run({ count: 'many' }, (attempt) => {
      expect(attempt.resumed).toBe(true);
      return Promise.resolve(attempt.details.count);
    });
    expect(await result).toBe(0);
  });

  it('beats while a call takes long, and stops with it', async () => {
    const { beats, result } = run(undefined, async (attempt) => {
      expect(attempt.resumed).toBe(false);
      await sleep(1700);
      return 1;
    });
    await result;
    expect(beats).toHaveLength(1);
    await sleep(1700);
    expect(beats).toHaveLength(1);
  });
});
