/** Short zone names such as CET or EST come from the English of where they are used; elsewhere it is `GMT+9`. */
const ENGLISH = ['en-US', 'en-GB', 'en-AU', 'en-IN', 'en-ZA'];

/** The IANA zone of whoever reads: `TZ` where it names one, else the machine's, else UTC. */
export function readerZone(env: Readonly<Record<string, string | undefined>>): string {
  const named = env['TZ']?.replace(/^:/, '') ?? '';
  for (const zone of [named, Intl.DateTimeFormat().resolvedOptions().timeZone]) {
    try {
      if (zone !== '') return new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone;
    } catch {
      continue;
    }
  }
  return 'UTC';
}

/** `in 12 min (14:32 CET)`: how far it is from `nowMs`, and the time in the reader's zone, with its day when that is another. */
export function timeText(at: string, nowMs: number, zone: string): string {
  const ms = Date.parse(at);
  if (!Number.isFinite(ms)) return 'unknown';
  const [then, now] = [partsIn(zone, ms), partsIn(zone, nowMs)];
  const day = then.day === now.day ? '' : `${then.day} `;
  return `${relative(at, nowMs)} (${day}${then.time.slice(0, 5)} ${then.zone})`;
}

/** `14:32:05 CET`; `zoned: false` leaves the zone to what is around it. */
export function clockText(at: string, zone: string, { zoned = true } = {}): string {
  const ms = Date.parse(at);
  if (!Number.isFinite(ms)) return 'unknown';
  const { time, zone: name } = partsIn(zone, ms);
  return zoned ? `${time} ${name}` : time;
}

/** `14:32 CET, 31 min ahead of here`: what a clock shows that does not go as the reader's at `nowMs` does, with its day as above. */
export function otherClockText(at: string, nowMs: number, zone: string): string {
  const ms = Date.parse(at);
  if (!Number.isFinite(ms)) return 'unknown';
  const [there, here] = [partsIn(zone, ms), partsIn(zone, nowMs)];
  const exact = Math.round((ms - nowMs) / 1000);
  // Two clocks are never read at one moment.
  const seconds = Math.abs(exact) < 60 ? exact : Math.round(exact / 60) * 60;
  const apart =
    seconds === 0 ? 'as here' : `${spanText(Math.abs(seconds))} ${seconds > 0 ? 'ahead of' : 'behind'} here`;
  return `${there.day === here.day ? '' : `${there.day} `}${there.time.slice(0, 5)} ${there.zone}, ${apart}`;
}

/** `29 min ago`, `in 1 h 30 min` or `now`; two units at most. */
export function relative(at: string, nowMs: number): string {
  const seconds = Math.round((Date.parse(at) - nowMs) / 1000);
  if (!Number.isFinite(seconds)) return 'unknown';
  if (seconds === 0) return 'now';
  const span = spanText(Math.abs(seconds));
  return seconds > 0 ? `in ${span}` : `${span} ago`;
}

/** Whole seconds as people say them: `45 s`, `4 min 30 s`, `30 min`, `1 h 30 min`, `3 days`. */
export function spanText(seconds: number): string {
  const days = Math.floor(seconds / 86_400);
  const h = Math.floor(seconds / 3600);
  const min = Math.floor(seconds / 60) % 60;
  const s = Math.floor(seconds % 60);
  if (days >= 2) return `${days} days`;
  if (h >= 1) return min > 0 ? `${h} h ${min} min` : `${h} h`;
  if (min < 1) return `${s} s`;
  return min < 10 && s > 0 ? `${min} min ${s} s` : `${min} min`;
}

interface Parts {
  /** `2026-01-31` */
  day: string;
  /** `09:15:00` */
  time: string;
  /** `CET` */
  zone: string;
}

const formats = new Map<string, Intl.DateTimeFormat[]>();

function partsIn(timeZone: string, ms: number): Parts {
  const known = formats.get(timeZone) ?? ENGLISH.map((locale) => formatOf(locale, timeZone));
  formats.set(timeZone, known);
  let parts: Parts | undefined;
  for (const format of known) {
    const part = Object.fromEntries(format.formatToParts(ms).map(({ type, value }) => [type, value]));
    const { year, month, day, hour, minute, second, timeZoneName: zone = '' } = part;
    parts ??= { day: `${year}-${month}-${day}`, time: `${hour}:${minute}:${second}`, zone };
    if (!/^GMT[+-]/.test(zone)) return { ...parts, zone };
  }
  return parts ?? { day: '', time: '', zone: '' };
}

function formatOf(locale: string, timeZone: string): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat(locale, {
    timeZone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
    timeZoneName: 'short',
  });
}
