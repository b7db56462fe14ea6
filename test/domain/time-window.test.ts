import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  clockAt,
  closingOf,
  isAnyOpen,
  isOpen,
  nextOpening,
  timeWindowSchema,
  WEEKDAYS,
  windowText,
  type TimeWindow,
} from '../../domain/time-window.js';

const window = (over: Partial<TimeWindow>): TimeWindow => timeWindowSchema.parse({ zone: 'Europe/Berlin', ...over });
const openAt = (of: TimeWindow, at: string | number): boolean =>
  isOpen(of, clockAt(typeof at === 'number' ? at : Date.parse(at)));
const opening = (of: TimeWindow, after: string): string | undefined => {
  const at = nextOpening(of, Date.parse(after));
  return at === undefined ? undefined : new Date(at).toISOString();
};

/** Zones with a whole, a half and a quarter of an hour, with half-hour daylight saving, at midnight, and a day that was skipped. */
const ZONES = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'Australia/Lord_Howe',
  'Asia/Kathmandu',
  'Africa/Cairo',
  'Pacific/Apia',
];
/** Around the changes of each: 2011 has Apia's skipped Friday, 2026 the others'. */
const CHANGES = [
  '2011-12-29T00:00:00Z',
  '2026-03-07T00:00:00Z',
  '2026-03-28T12:00:00Z',
  '2026-04-04T00:00:00Z',
  '2026-04-23T12:00:00Z',
  '2026-10-03T12:00:00Z',
  '2026-10-24T12:00:00Z',
  '2026-10-29T12:00:00Z',
  '2026-10-31T20:00:00Z',
].map((at) => Date.parse(at));

/** The wall clock by another road than the code under test takes: the engine's own text of it. */
const writers = new Map(
  ZONES.map((zone) => [
    zone,
    new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'medium' }),
  ]),
);
function wallClock(zone: string, ms: number): { weekday: number; minute: number } {
  const text = writers.get(zone)?.format(ms) ?? '';
  const [date = '', time = ''] = text.split(' ');
  const [h = 0, m = 0] = time.split(':').map(Number);
  return { weekday: new Date(`${date}T00:00:00Z`).getUTCDay(), minute: h * 60 + m };
}
function openByHand({ days, from, until, zone }: TimeWindow, ms: number): boolean {
  const at = (text: string): number => Number(text.slice(0, 2)) * 60 + Number(text.slice(3));
  const { weekday, minute } = wallClock(zone, ms);
  const on = (day: number): boolean => days.length === 0 || days.includes(WEEKDAYS[day] as 'mon');
  if (at(from) < at(until)) return on(weekday) && minute >= at(from) && minute < at(until);
  return minute >= at(from) ? on(weekday) : minute < at(until) && on((weekday + 6) % 7);
}

const minute = fc
  .nat(1439)
  .map((m) => `${String(Math.floor(m / 60)).padStart(2, '0')}:${String(m % 60).padStart(2, '0')}`);
const windows = fc
  .record({
    days: fc.uniqueArray(fc.constantFrom(...WEEKDAYS), { maxLength: 3 }),
    from: minute,
    until: fc.oneof({ weight: 5, arbitrary: minute }, { weight: 1, arbitrary: fc.constant('24:00') }),
    zone: fc.constantFrom(...ZONES),
  })
  .filter(({ from, until }) => from !== until);
const moments = fc
  .tuple(fc.constantFrom(...CHANGES), fc.integer({ min: -36 * 60, max: 60 * 60 }))
  .map(([change, minutes]) => change + minutes * 60_000 + 12_345);

describe('a time window', () => {
  it('holds from its first minute up to, and without, its last', () => {
    const office = window({ days: ['mon', 'tue', 'wed', 'thu', 'fri'], from: '09:00', until: '17:00' });
    expect(openAt(office, '2026-02-02T07:59:59.999Z')).toBe(false);
    expect(openAt(office, '2026-02-02T08:00:00.000Z')).toBe(true);
    expect(openAt(office, '2026-02-02T15:59:59.999Z')).toBe(true);
    expect(openAt(office, '2026-02-02T16:00:00.000Z')).toBe(false);
    expect(openAt(office, '2026-02-01T12:00:00.000Z')).toBe(false);
  });

  it('crosses midnight, and its days are those on which it starts', () => {
    const night = window({ days: ['fri'], from: '22:00', until: '06:00', zone: 'UTC' });
    expect(openAt(night, '2026-02-06T21:59:59Z')).toBe(false);
    expect(openAt(night, '2026-02-06T22:00:00Z')).toBe(true);
    expect(openAt(night, '2026-02-07T05:59:59Z')).toBe(true);
    expect(openAt(night, '2026-02-07T06:00:00Z')).toBe(false);
    expect(openAt(night, '2026-02-06T03:00:00Z')).toBe(false);
    expect(openAt(night, '2026-02-07T23:00:00Z')).toBe(false);
  });

  it('is the whole day where it names no times, and every day where it names none', () => {
    const sunday = window({ days: ['sun'], zone: 'Asia/Kathmandu' });
    expect(sunday).toMatchObject({ from: '00:00', until: '24:00' });
    expect(openAt(sunday, '2026-02-07T18:15:00Z')).toBe(true);
    expect(openAt(sunday, '2026-02-07T18:14:59Z')).toBe(false);
    expect(openAt(sunday, '2026-02-08T18:15:00Z')).toBe(false);
    expect(openAt(window({}), '2026-02-08T18:15:00Z')).toBe(true);
  });

  it('opens when the clock has jumped, where it starts in the hour that daylight saving skips', () => {
    const early = window({ from: '02:30', until: '05:00' });
    expect(opening(early, '2026-03-28T12:00:00Z')).toBe('2026-03-29T01:00:00.000Z');
    expect(opening(early, '2026-03-29T12:00:00Z')).toBe('2026-03-30T00:30:00.000Z');
  });

  it('does not open on the day whose clock skips all of it', () => {
    const inside = window({ days: ['sun'], from: '02:10', until: '02:50' });
    expect(opening(inside, '2026-03-28T12:00:00Z')).toBe('2026-04-05T00:10:00.000Z');
  });

  it('opens late where daylight saving skips midnight itself', () => {
    const friday = window({ days: ['fri'], from: '00:00', until: '06:00', zone: 'Africa/Cairo' });
    expect(opening(friday, '2026-04-23T12:00:00Z')).toBe('2026-04-23T22:00:00.000Z');
    expect(new Date('2026-04-23T22:00:00Z').toLocaleTimeString('sv-SE', { timeZone: 'Africa/Cairo' })).toBe('01:00:00');
  });

  it('is open twice in the hour that comes twice', () => {
    const half = window({ days: ['sun'], from: '02:00', until: '02:30' });
    expect(openAt(half, '2026-10-25T00:10:00Z')).toBe(true);
    expect(openAt(half, '2026-10-25T00:40:00Z')).toBe(false);
    expect(opening(half, '2026-10-25T00:10:00Z')).toBe('2026-10-25T00:10:00.001Z');
    expect(opening(half, '2026-10-25T00:40:00Z')).toBe('2026-10-25T01:00:00.000Z');
    expect(openAt(half, '2026-10-25T01:29:59Z')).toBe(true);
  });

  it('follows a daylight saving of half an hour', () => {
    const dawn = window({ days: ['sun'], from: '01:45', until: '02:15', zone: 'Australia/Lord_Howe' });
    expect(opening(dawn, '2026-04-04T12:00:00Z')).toBe('2026-04-04T14:45:00.000Z');
    expect(closingOf(dawn, Date.parse('2026-04-04T14:45:00Z'))).toBe(Date.parse('2026-04-04T15:00:00Z'));
    expect(opening(dawn, '2026-04-04T15:00:00Z')).toBe('2026-04-04T15:15:00.000Z');
    expect(opening(dawn, '2026-10-03T12:00:00Z')).toBe('2026-10-03T15:15:00.000Z');
    expect(closingOf(dawn, Date.parse('2026-10-03T15:15:00Z'))).toBe(Date.parse('2026-10-03T15:30:00Z'));
  });

  it('does not come in the week whose day a zone skipped', () => {
    const friday = window({ days: ['fri'], from: '09:00', until: '10:00', zone: 'Pacific/Apia' });
    expect(opening(friday, '2011-12-29T08:00:00Z')).toBe('2012-01-05T19:00:00.000Z');
  });

  it('starts and ends on calendar days where a zone skipped the one between', () => {
    const thursday = window({ days: ['thu'], from: '22:00', until: '06:00', zone: 'Pacific/Apia' });
    const friday = window({ days: ['fri'], from: '22:00', until: '06:00', zone: 'Pacific/Apia' });
    const lastSecond = Date.parse('2011-12-30T09:59:59Z');
    expect(openAt(thursday, lastSecond)).toBe(true);
    expect(openAt(thursday, lastSecond + 1000)).toBe(false);
    expect(openAt(friday, lastSecond + 1000)).toBe(true);
  });

  it('says itself in one line', () => {
    expect(windowText(window({ days: ['fri', 'sat'], from: '22:00', until: '06:00' }))).toBe(
      'fri, sat 22:00 to 06:00 Europe/Berlin',
    );
    expect(windowText(window({ zone: 'UTC' }))).toBe('every day 00:00 to 24:00 UTC');
  });

  it.each([
    ['a zone nobody knows', { zone: 'Mars/Olympus' }],
    ['an offset for a zone', { zone: '+02:00' }],
    ['an empty zone', { zone: '' }],
    ['no zone', { zone: undefined }],
    ['another spelling of a day', { days: ['Monday'] }],
    ['a time without its zero', { from: '9:00' }],
    ['minute sixty', { until: '23:60' }],
    ['hour twenty-five', { until: '25:00' }],
    ['a start at the end of the day', { from: '24:00', until: '06:00' }],
    ['no time between from and until', { from: '06:00', until: '06:00' }],
    ['a number', { from: 900 }],
    ['a member nobody knows', { to: '06:00' }],
  ])('refuses %s', (_, over) => {
    expect(timeWindowSchema.safeParse({ zone: 'UTC', ...over }).success).toBe(false);
  });
});

describe('properties of time windows', () => {
  it('agrees with the wall clock at any moment, changes of daylight saving included', () => {
    fc.assert(
      fc.property(windows, moments, (of, at) => {
        expect(openAt(of, at)).toBe(openByHand(of, at));
      }),
      { numRuns: 2000 },
    );
  });

  it('the next opening is open, the millisecond before it is not, and no minute on the way is', () => {
    fc.assert(
      fc.property(windows, moments, (of, at) => {
        fc.pre(!openByHand(of, at));
        const next = nextOpening(of, at);
        expect(next).toBeDefined();
        if (next === undefined) return;
        expect(openByHand(of, next)).toBe(true);
        expect(openByHand(of, next - 1)).toBe(false);
        const before: number[] = [];
        for (let ms = at; ms < next; ms += 60_000) if (openByHand(of, ms)) before.push(ms);
        expect(before).toEqual([]);
      }),
      { numRuns: 150 },
    );
  });

  it('the closing is closed, the millisecond before it is open, and so is every minute on the way', () => {
    fc.assert(
      fc.property(windows, moments, (of, at) => {
        fc.pre(openByHand(of, at));
        const end = closingOf(of, at);
        if (end === undefined) {
          expect(of.days).toEqual([]);
          return;
        }
        expect(openByHand(of, end)).toBe(false);
        expect(openByHand(of, end - 1)).toBe(true);
        const before: number[] = [];
        for (let ms = at; ms < end; ms += 60_000) if (!openByHand(of, ms)) before.push(ms);
        expect(before).toEqual([]);
      }),
      { numRuns: 150 },
    );
  });

  it('several windows are open when any is, and none at all are always open', () => {
    fc.assert(
      fc.property(fc.array(windows, { minLength: 1, maxLength: 4 }), moments, (many, at) => {
        expect(isAnyOpen(many, clockAt(at))).toBe(many.some((of) => openByHand(of, at)));
        expect(isAnyOpen([], clockAt(at))).toBe(true);
      }),
      { numRuns: 200 },
    );
  });
});
