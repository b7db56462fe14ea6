/** Stored form of a tenant's clock; times are epoch milliseconds. */
export interface StoredClock {
  followed: { caller_time: number; real_time: number } | null;
  offset_ms: number;
}

/**
 * A tenant's clock. It follows the last caller that named its time (and may so go backwards), runs on with real
 * time between callers, and is real time while no caller has named one; an offset is added to either.
 */
export class TenantClock {
  constructor(private state: StoredClock = { followed: null, offset_ms: 0 }) {}

  now(): number {
    const real = Date.now();
    const { followed, offset_ms } = this.state;
    return (followed === null ? real : followed.caller_time + (real - followed.real_time)) + offset_ms;
  }

  follow(callerTime: number): void {
    this.state.followed = { caller_time: callerTime, real_time: Date.now() };
  }

  advance(ms: number): void {
    this.state.offset_ms += ms;
  }

  toJSON(): StoredClock {
    return this.state;
  }
}

const RFC3339 = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,12})?([Zz]|[+-]\d\d:\d\d)$/;

/** Epoch milliseconds of an RFC 3339 date-time, or null where the text is none. */
export function parseRfc3339(text: string): number | null {
  if (!RFC3339.test(text)) return null;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? null : ms;
}

/** A date-time as Graph prints it: UTC, trailing zeros of the fraction dropped ("…:05.95Z", "…:00Z"). */
export function graphTime(ms: number): string {
  return new Date(ms).toISOString().replace(/\.?0+Z$/, 'Z');
}

const DURATION = /^P(?=\d|T\d)(?:(\d+)D)?(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/;

/** Milliseconds of an ISO 8601 duration of days and time parts ("PT1H"); null for anything else ("P1H"). */
export function parseDuration(text: string): number | null {
  const match = DURATION.exec(text);
  if (match === null) return null;
  const part = (i: number): number => Number(match[i] ?? 0);
  return (((part(1) * 24 + part(2)) * 60 + part(3)) * 60 + part(4)) * 1000;
}
