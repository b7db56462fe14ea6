import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { timeLimit } from '../../activities/time-limit.js';
import { collectGarbage } from '../support/collect-garbage.js';

/** Resolves with the reason: nothing but its listener is left to hold the signal. */
const reasonOf = (signal: AbortSignal): Promise<unknown> =>
  new Promise((resolve) => {
    signal.addEventListener('abort', ({ target }) => resolve((target as AbortSignal).reason));
  });

describe('a time limit, while memory is collected', () => {
  let collecting: NodeJS.Timeout;
  beforeEach(() => (collecting = setInterval(collectGarbage, 20)));
  afterEach(() => clearInterval(collecting));

  it('comes after its time, as a TimeoutError', async () => {
    expect(await reasonOf(timeLimit(300, new AbortController().signal).signal)).toMatchObject({ name: 'TimeoutError' });
  });

  it('comes with what stops it, for its reason', async () => {
    const stop = new AbortController();
    const reason = reasonOf(timeLimit(60_000, stop.signal).signal);
    setTimeout(() => stop.abort('enough'), 200);
    expect(await reason).toBe('enough');
    expect(timeLimit(60_000, AbortSignal.abort('before')).signal.reason).toBe('before');
  });

  it('comes later when it is restarted, and never once it is cleared', async () => {
    const stop = new AbortController();
    const [again, cleared] = [timeLimit(400), timeLimit(100, stop.signal)];
    again.restart(60_000);
    cleared.clear();
    stop.abort();
    await sleep(800);
    expect([again.signal.aborted, cleared.signal.aborted]).toEqual([false, false]);
    again.restart(0);
    expect(await reasonOf(again.signal)).toMatchObject({ name: 'TimeoutError' });
  });
});
