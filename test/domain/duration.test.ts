import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { durationSchema, formatDuration, parseDuration } from '../../domain/duration.js';

describe('a duration', () => {
  it.each([
    ['45s', 45],
    ['30m', 1800],
    ['4h', 14_400],
    ['1h30m', 5400],
    ['1h0m5s', 3605],
    ['90m', 5400],
  ])('reads %s as %d seconds', (text, seconds) => {
    expect(parseDuration(text)).toBe(seconds);
  });

  it.each([
    '',
    '0s',
    '0h0m',
    '30',
    'm',
    '-5m',
    '+5m',
    '1.5h',
    '30 m',
    ' 30m',
    '30m ',
    '30M',
    '5m1h',
    '1h1h',
    '1d',
    '∞',
    '999999h',
    '30m\n',
  ])('does not read %j', (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });

  it('reads back what it writes, and reads any text without throwing', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 400_000 }), (s) => parseDuration(formatDuration(s)) === s));
    fc.assert(
      fc.property(fc.string(), (text) => {
        const read = parseDuration(text);
        return read === undefined || (Number.isInteger(read) && read > 0);
      }),
    );
  });

  it('writes the shortest form', () => {
    expect([5400, 3600, 61, 0, -3].map(formatDuration)).toEqual(['1h30m', '1h', '1m1s', '0s', '0s']);
  });

  it('is text or whole positive seconds in a policy', () => {
    expect(durationSchema.parse('10m')).toBe(600);
    expect(durationSchema.parse(600)).toBe(600);
    for (const wrong of [0, -1, 1.5, null, true, 'soon', '0s', Number.NaN])
      expect(durationSchema.safeParse(wrong).success).toBe(false);
    expect(durationSchema.safeParse('soon').error?.issues[0]?.message).toContain('30m, 4h or 1h30m');
  });
});
