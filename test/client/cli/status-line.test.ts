import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { StatusLine } from '../../../client/cli/status-line.js';
import { fitted } from '../../../client/cli/watching.js';

let written: string;
const lineOn = (how: Partial<{ live: boolean; silent: boolean; columns: number }> = {}): StatusLine =>
  new StatusLine({ write: (text) => (written += text) }, { live: false, silent: false, columns: 40, ...how });

beforeEach(() => {
  written = '';
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('when something takes long', () => {
  it('tells nothing of what is over within two seconds', () => {
    const over = lineOn({ live: true }).begin('waiting for the gateway');
    vi.advanceTimersByTime(1900);
    over();
    vi.advanceTimersByTime(10_000);
    expect(written).toBe('');
  });

  it('draws one line again and again on a terminal, and takes it away', () => {
    const over = lineOn({ live: true }).begin('waiting for the gateway');
    vi.advanceTimersByTime(3000);
    expect(written.split('\r\u001b[K').slice(1)).toEqual([
      'waiting for the gateway (2 s)',
      'waiting for the gateway (2 s)',
      'waiting for the gateway (3 s)',
    ]);
    over();
    expect(written.endsWith('\r\u001b[K')).toBe(true);
  });

  it('writes one plain line elsewhere', () => {
    const over = lineOn().begin('waiting for the gateway');
    vi.advanceTimersByTime(60_000);
    over();
    expect(written).toBe('waiting for the gateway\n');
  });

  it('shows the task that was begun last, then the other again', () => {
    const line = lineOn({ live: true });
    const outer = line.begin('active');
    vi.advanceTimersByTime(2000);
    const inner = line.begin('waiting for the gateway');
    vi.advanceTimersByTime(2000);
    expect(written).toContain('waiting for the gateway (2 s)');
    inner();
    written = '';
    vi.advanceTimersByTime(500);
    expect(written).toContain('active (4 s)');
    outer();
  });

  it('never wraps, never breaks its line, and is silent when asked to', () => {
    const over = lineOn({ live: true, columns: 20 }).begin(`x\n\u001b[2J${'y'.repeat(100)}`);
    vi.advanceTimersByTime(2000);
    expect(written).toBe(`\r\u001b[Kx ?[2J${'y'.repeat(13)}`);
    over();
    written = '';
    lineOn({ silent: true }).begin('anything');
    vi.advanceTimersByTime(60_000);
    expect(written).toBe('');
  });
});

describe('when a screen is drawn again', () => {
  it('counts wrapped lines, and colours as nothing', () => {
    expect(fitted('\u001b[36mabcdefghij\u001b[39m\nk', 10, 24).rows).toBe(2);
    expect(fitted('abcdefghijk\nl', 10, 24).rows).toBe(3);
  });

  it('keeps within the screen and says how much is left out', () => {
    const text = Array.from({ length: 30 }, (_, index) => `line ${index}`).join('\n');
    const { lines, rows } = fitted(text, 80, 10);
    expect(rows).toBeLessThan(10);
    expect(lines.split('\n')).toHaveLength(rows);
    expect(lines).toContain('… 22 more lines');
    expect(fitted('a\nb', 80, 3)).toEqual({ lines: 'a\nb', rows: 2 });
  });
});
