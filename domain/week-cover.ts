import { minuteOf, WEEKDAYS, type TimeWindow } from './time-window.js';

const DAY_MINUTES = 24 * 60;
const WEEK_MINUTES = 7 * DAY_MINUTES;

/**
 * Whether some of the earlier windows are open whenever one of the later is, by the clock of one zone. Windows of different
 * zones are never compared: their clocks drift apart with the seasons. No windows are always open.
 */
export function coversWeek(earlier: readonly TimeWindow[], later: readonly TimeWindow[]): boolean {
  if (earlier.length === 0) return true;
  if (later.length === 0) return earlier.some(({ zone }) => openMinutes(ofZone(earlier, zone)).every(Boolean));
  return later.every((window) => {
    const open = openMinutes(ofZone(earlier, window.zone));
    return openMinutes([window]).every((inside, minute) => !inside || open[minute]);
  });
}

const ofZone = (windows: readonly TimeWindow[], zone: string): TimeWindow[] =>
  windows.filter((window) => window.zone === zone);

/** One flag a minute of the week, from Sunday 00:00. */
function openMinutes(windows: readonly TimeWindow[]): boolean[] {
  const open = new Array<boolean>(WEEK_MINUTES).fill(false);
  for (const { days, from, until } of windows) {
    const [start, end] = [minuteOf(from), minuteOf(until)];
    const length = end > start ? end - start : end - start + DAY_MINUTES;
    for (const [day, name] of WEEKDAYS.entries()) {
      if (days.length > 0 && !days.includes(name)) continue;
      const first = day * DAY_MINUTES + start;
      for (let minute = first; minute < first + length; minute += 1) open[minute % WEEK_MINUTES] = true;
    }
  }
  return open;
}
