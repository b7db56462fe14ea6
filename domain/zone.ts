/** What the clock on the wall shows in a zone. */
export interface LocalTime {
  /** 0 is Sunday. */
  weekday: number;
  /** Of the day, 0 to 1439. */
  minute: number;
  /** Local minus UTC, in milliseconds, at that moment. */
  offsetMs: number;
}

/** Reads the clock of a zone at one moment. */
export type ReadClock = (zone: string) => LocalTime;

/** A zone's formatter takes long to make and says the same for ever: kept, for as many zones as a policy can hardly name. */
const formatters = new Map<string, Intl.DateTimeFormat>();
const MOST_FORMATTERS = 600;

/** Whether the engine's IANA data knows a zone of this name. Never throws: the name comes from a file. Offsets (`+02:00`) are no zones. */
export function isZone(name: string): boolean {
  if (!/^[A-Za-z][A-Za-z0-9_+/-]{0,63}$/.test(name)) return false;
  try {
    formatterOf(name);
    return true;
  } catch {
    return false;
  }
}

/** What the clock of a zone shows at `ms` (epoch milliseconds). The zone is one that `isZone` has accepted. */
export const localTime = (zone: string, ms: number): LocalTime => localTimeBy(offsetAt(zone, ms), ms);

/** The same where the zone's offset at that moment is known. */
export function localTimeBy(offsetMs: number, ms: number): LocalTime {
  const local = new Date(ms + offsetMs);
  return { weekday: local.getUTCDay(), minute: local.getUTCHours() * 60 + local.getUTCMinutes(), offsetMs };
}

/** Local minus UTC, in milliseconds, as the engine's IANA data has it for that moment. */
export function offsetAt(zone: string, ms: number): number {
  const parts: Record<string, number> = {};
  for (const { type, value } of formatterOf(zone).formatToParts(ms)) parts[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(ms / 1000) * 1000;
}

function formatterOf(zone: string): Intl.DateTimeFormat {
  const known = formatters.get(zone);
  if (known !== undefined) return known;
  const formatter = new Intl.DateTimeFormat('en-US-u-ca-gregory-nu-latn', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  if (formatters.size >= MOST_FORMATTERS) formatters.clear();
  formatters.set(zone, formatter);
  return formatter;
}
