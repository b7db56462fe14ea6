import { z } from 'zod';
import { isZone, localTime, type LocalTime, type ReadClock } from './zone.js';
import { nextMatch } from './zone-search.js';

/** In the order of `Date.prototype.getUTCDay`. */
export const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;
export type Weekday = (typeof WEEKDAYS)[number];

const minuteSchema = z
  .string()
  .regex(/^(([01]\d|2[0-3]):[0-5]\d|24:00)$/, 'expected a time of day such as "08:30", in quotes')
  .describe('time of day, hours and minutes: "22:00"');

/**
 * When something is allowed, by the clock on the wall of a zone. `days` are those on which the window starts; empty means
 * every day. `from` belongs to it and `until` does not; where `until` is not later than `from`, the window crosses midnight
 * and ends on the next calendar day. Since the clock decides, the changes of daylight saving need no rule of their own: an
 * hour that is skipped is skipped here too (a window inside of it does not open that day, one that starts in it opens when
 * the clock has jumped), and an hour that comes twice is inside twice.
 */
export const timeWindowSchema = z
  .strictObject({
    days: z.array(z.enum(WEEKDAYS)).max(7).default([]),
    from: minuteSchema.refine((text) => text !== '24:00', 'a window starts at 23:59 at the latest').default('00:00'),
    until: minuteSchema.default('24:00'),
    zone: z.string().refine(isZone, 'there is no such zone: expected an IANA name such as Europe/Berlin or UTC'),
  })
  .refine(({ from, until }) => from !== until, {
    path: ['until'],
    message: 'the same as from: leave both out for the whole day',
  });
export type TimeWindow = z.output<typeof timeWindowSchema>;

/** Whether the window is open at the moment that `clock` reads. */
export function isOpen(window: TimeWindow, clock: ReadClock): boolean {
  return isOpenAt(window, clock(window.zone));
}

/** Whether any of the windows is open; with none at all there is no restriction, and it is. */
export function isAnyOpen(windows: readonly TimeWindow[], clock: ReadClock): boolean {
  return windows.length === 0 || windows.some((window) => isOpen(window, clock));
}

/**
 * The first millisecond after `afterMs` at which the window opens or is open, or undefined when it does not within some
 * three weeks (a window in an hour that is skipped, on a weekday that a zone skipped, still opens within them).
 */
export function nextOpening(window: TimeWindow, afterMs: number): number | undefined {
  return nextMatch(window.zone, afterMs, [0, minuteOf(window.from)], (local) => isOpenAt(window, local));
}

/** The end of the window that is open at `atMs`: the first millisecond after it at which it is not. */
export function closingOf(window: TimeWindow, atMs: number): number | undefined {
  return nextMatch(window.zone, atMs, [0, minuteOf(window.until)], (local) => !isOpenAt(window, local));
}

/** `mon, tue 22:00 to 06:00 Europe/Berlin`. */
export function windowText({ days, from, until, zone }: TimeWindow): string {
  return `${days.length === 0 ? 'every day' : days.join(', ')} ${from} to ${until} ${zone}`;
}

/** Whether the window is open at a moment, by what the clock of its zone shows then. */
function isOpenAt({ days, from, until }: TimeWindow, { weekday, minute }: LocalTime): boolean {
  const startsOn = (day: number): boolean => days.length === 0 || days.includes(WEEKDAYS[(day + 7) % 7] ?? 'sun');
  const [start, end] = [minuteOf(from), minuteOf(until)];
  if (start < end) return startsOn(weekday) && minute >= start && minute < end;
  return (startsOn(weekday) && minute >= start) || (startsOn(weekday - 1) && minute < end);
}

/** Minutes since midnight of `08:30`, 1440 of `24:00`. By its digits: it is read for every rule of every request. */
export function minuteOf(text: string): number {
  const digit = (index: number): number => text.charCodeAt(index) - 48;
  return (digit(0) * 10 + digit(1)) * 60 + digit(3) * 10 + digit(4);
}

/** What the clocks of the zones show at a moment, each read once. */
export function clockAt(nowMs: number): ReadClock {
  const read = new Map<string, LocalTime>();
  return (zone) => {
    const known = read.get(zone);
    if (known !== undefined) return known;
    const local = localTime(zone, nowMs);
    read.set(zone, local);
    return local;
  };
}
