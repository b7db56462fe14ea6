import { localTime, offsetAt, type LocalTime } from './zone.js';

const DAY_MS = 24 * 60 * 60 * 1000;
/** A weekly time that one week skips and a changed clock takes from the next comes in the third; one day for the rounding. */
const HORIZON_DAYS = 22;

/**
 * The first millisecond after `afterMs` at which `matches` is true of what the clock of the zone shows, or undefined when
 * there is none within three weeks. `matches` may change its answer at `edges` (minutes of the local day) and where the
 * zone changes its offset, and nowhere else.
 */
export function nextMatch(
  zone: string,
  afterMs: number,
  edges: readonly number[],
  matches: (local: LocalTime) => boolean,
): number | undefined {
  const first = afterMs + 1;
  let start = first;
  for (let day = 0; day < HORIZON_DAYS; day += 1) {
    for (const [from, until] of steadySpans(zone, start, start + DAY_MS)) {
      const offsetMs = offsetAt(zone, from);
      const midnight = Math.floor((from + offsetMs) / DAY_MS) * DAY_MS - offsetMs;
      const times = [0, 1].flatMap((days) => edges.map((minute) => midnight + days * DAY_MS + minute * 60_000));
      const found = [from, ...times.filter((ms) => ms > from && ms < until).sort((a, b) => a - b)].find((ms) =>
        matches(localTime(zone, ms)),
      );
      if (found !== undefined) return found;
    }
    start += DAY_MS;
  }
  return undefined;
}

/** The parts of [from, until), at most a day, in which the zone's offset stays the same. No zone changes it twice in a day. */
function steadySpans(zone: string, from: number, until: number): [number, number][] {
  const before = offsetAt(zone, from);
  if (offsetAt(zone, until - 1) === before) return [[from, until]];
  let [same, other] = [from, until - 1];
  while (other - same > 1) {
    const middle = Math.floor((same + other) / 2);
    if (offsetAt(zone, middle) === before) same = middle;
    else other = middle;
  }
  return [
    [from, other],
    [other, until],
  ];
}
