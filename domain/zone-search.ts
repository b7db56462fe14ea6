import { localTimeBy, offsetAt, type LocalTime } from './zone.js';

const DAY_MS = 24 * 60 * 60 * 1000;
/** A weekly time that one week skips and a changed clock takes from the next comes in the third; one day for the rounding. */
const HORIZON_DAYS = 22;

/** A stretch of time, in epoch milliseconds and without `until`, in which a zone's offset stays the same. */
interface Span {
  from: number;
  until: number;
  offsetMs: number;
}

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
  const inOrder = [...edges].sort((a, b) => a - b);
  for (const { from, until, offsetMs } of spansAfter(zone, afterMs)) {
    if (matches(localTimeBy(offsetMs, from))) return from;
    const midnight = Math.floor((from + offsetMs) / DAY_MS) * DAY_MS - offsetMs;
    for (let day = midnight; day < until; day += DAY_MS) {
      for (const minute of inOrder) {
        const ms = day + minute * 60_000;
        if (ms > from && ms < until && matches(localTimeBy(offsetMs, ms))) return ms;
      }
    }
  }
  return undefined;
}

/** What was last worked out, because many windows of a policy are searched from one moment on. A memory, and no state. */
const known = new Map<string, Span[]>();
const MOST_KNOWN = 64;

function spansAfter(zone: string, afterMs: number): Span[] {
  const key = `${zone} ${afterMs}`;
  const before = known.get(key);
  if (before !== undefined) return before;
  const spans = steadySpans(zone, afterMs + 1, afterMs + 1 + HORIZON_DAYS * DAY_MS);
  if (known.size >= MOST_KNOWN) known.clear();
  known.set(key, spans);
  return spans;
}

/** The spans between two times, looked at day by day: no zone changes its offset twice in a day. */
function steadySpans(zone: string, first: number, end: number): Span[] {
  const spans: Span[] = [];
  let span = { from: first, offsetMs: offsetAt(zone, first) };
  for (let at = first; at < end; at += DAY_MS) {
    const offsetMs = offsetAt(zone, at + DAY_MS);
    if (offsetMs === span.offsetMs) continue;
    const change = changeBetween(zone, at, at + DAY_MS);
    spans.push({ ...span, until: change });
    span = { from: change, offsetMs };
  }
  return [...spans, { ...span, until: end }];
}

/** The first millisecond with the offset that the zone has at `after`, and has not at `before`. */
function changeBetween(zone: string, before: number, after: number): number {
  const offset = offsetAt(zone, before);
  let [same, other] = [before, after];
  while (other - same > 1) {
    const middle = Math.floor((same + other) / 2);
    if (offsetAt(zone, middle) === offset) same = middle;
    else other = middle;
  }
  return other;
}
