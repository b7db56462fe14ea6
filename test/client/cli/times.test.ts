import { describe, expect, it } from 'vitest';
import { clockText, otherClockText, readerZone, relative, spanText, timeText } from '../../../client/cli/times.js';

const NOW = Date.parse('2026-01-31T13:20:00.000Z');

describe('when a time is shown', () => {
  it.each([
    ['Europe/Berlin', 'in 12 min (14:32 CET)'],
    ['America/New_York', 'in 12 min (08:32 EST)'],
    ['Asia/Kolkata', 'in 12 min (19:02 IST)'],
    ['Australia/Sydney', 'in 12 min (00:32 AEDT)'],
    ['Asia/Tokyo', 'in 12 min (22:32 GMT+9)'],
    ['UTC', 'in 12 min (13:32 UTC)'],
  ])('says how far it is, and the time in %s', (zone, text) => {
    expect(timeText('2026-01-31T13:32:00.000Z', NOW, zone)).toBe(text);
  });

  it("says the reader's day when it is another", () => {
    expect(timeText('2026-01-31T23:10:00.000Z', NOW, 'Europe/Berlin')).toBe('in 9 h 50 min (2026-02-01 00:10 CET)');
    expect(timeText('2026-01-31T23:10:00.000Z', NOW, 'UTC')).toBe('in 9 h 50 min (23:10 UTC)');
    expect(timeText('2026-01-27T13:20:00.000Z', NOW, 'UTC')).toBe('4 days ago (2026-01-27 13:20 UTC)');
  });

  it('says what another clock shows, and how far it is from here', () => {
    expect(otherClockText('2026-01-31T13:51:00.000Z', NOW, 'Europe/Berlin')).toBe('14:51 CET, 31 min ahead of here');
    expect(otherClockText('2026-01-31T23:20:00.000Z', NOW, 'Europe/Berlin')).toBe(
      '2026-02-01 00:20 CET, 10 h ahead of here',
    );
    expect(otherClockText('2026-01-31T13:29:59.000Z', NOW, 'UTC')).toBe('13:29 UTC, 10 min ahead of here');
    expect(otherClockText('2026-01-31T13:19:15.000Z', NOW, 'UTC')).toBe('13:19 UTC, 45 s behind here');
    expect(otherClockText('2026-01-31T13:20:00.400Z', NOW, 'UTC')).toBe('13:20 UTC, as here');
    expect(otherClockText('soon', NOW, 'UTC')).toBe('unknown');
  });

  it('follows daylight saving', () => {
    expect(clockText('2026-03-29T00:59:59.000Z', 'Europe/Berlin')).toBe('01:59:59 CET');
    expect(clockText('2026-03-29T01:00:00.000Z', 'Europe/Berlin')).toBe('03:00:00 CEST');
    expect(clockText('2026-07-01T12:00:00.000Z', 'Europe/London')).toBe('13:00:00 BST');
  });

  it('leaves the zone out where it is asked to, and never throws', () => {
    expect(clockText('2026-01-31T13:32:05.000Z', 'UTC', { zoned: false })).toBe('13:32:05');
    expect(clockText('soon', 'UTC')).toBe('unknown');
    expect(timeText('soon', NOW, 'UTC')).toBe('unknown');
    expect(relative('soon', NOW)).toBe('unknown');
  });
});

describe('when a span is shown', () => {
  it.each([
    [0, '0 s'],
    [59, '59 s'],
    [60, '1 min'],
    [270, '4 min 30 s'],
    [599, '9 min 59 s'],
    [765, '12 min'],
    [3600, '1 h'],
    [5400, '1 h 30 min'],
    [172_799, '47 h 59 min'],
    [172_800, '2 days'],
  ])('says %i s in at most two units', (seconds, text) => {
    expect(spanText(seconds)).toBe(text);
  });

  it('says now', () => {
    expect(relative('2026-01-31T13:20:00.400Z', NOW)).toBe('now');
    expect(relative('2026-01-31T13:19:15.000Z', NOW)).toBe('45 s ago');
  });
});

describe("when the reader's zone is looked for", () => {
  it('takes TZ where it names one, and else what the machine says', () => {
    expect(readerZone({ TZ: 'America/Sao_Paulo' })).toBe('America/Sao_Paulo');
    expect(readerZone({ TZ: ':Europe/Paris' })).toBe('Europe/Paris');
    const own = readerZone({});
    expect(readerZone({ TZ: 'Mars/Olympus' })).toBe(own);
    expect(readerZone({ TZ: '' })).toBe(own);
  });
});
