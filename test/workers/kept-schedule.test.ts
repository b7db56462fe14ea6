import { afterEach, describe, expect, it, vi } from 'vitest';
import { keepSchedule } from '../../workers/kept-schedule.js';

const TWICE_A_MINUTE = 30_000;

afterEach(() => vi.useRealTimers());

describe('a schedule that is kept', () => {
  it('is looked at for hours without a warning on the terminal, and let go at once', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const warnings: string[] = [];
    const onWarning = ({ name }: Error): void => void warnings.push(name);
    process.on('warning', onWarning);
    let looks = 0;
    const ensure = (): Promise<'kept'> => ((looks += 1), Promise.resolve('kept'));
    const kept = keepSchedule(ensure, () => undefined, { code: 'sweep', whose: 'the sweep' });
    try {
      await vi.advanceTimersByTimeAsync(240 * TWICE_A_MINUTE);
      // Warnings are told in a turn of their own.
      await new Promise((resolve) => setImmediate(resolve));
      expect(looks).toBeGreaterThan(200);
      expect(warnings).toEqual([]);
    } finally {
      await kept.stop();
      process.off('warning', onWarning);
    }
  });
});
