import { z } from 'zod';
import { orNull } from './or-null.js';
import { refuse } from './answer.js';
import { graphTime, parseDuration, parseRfc3339 } from './clock.js';
import type { WireSchedule } from './model.js';

const Shape = z.strictObject({
  '@odata.type': z.string().optional(),
  startDateTime: orNull(z.string()),
  recurrence: z.unknown().optional(),
  expiration: orNull(
    z.strictObject({
      '@odata.type': z.string().optional(),
      type: orNull(z.string()),
      endDateTime: orNull(z.string()),
      duration: orNull(z.string()),
    }),
  ),
});

/** The window that was asked for. Times are epoch milliseconds. */
export interface Window {
  readonly startsAt: number;
  /** The start lies ahead, so that the role is not active yet. */
  readonly future: boolean;
  readonly type: WireSchedule['expiration']['type'];
  readonly endsAt: number | null;
  readonly duration: string | null;
}

const NO_EXPIRATION = { type: null, endDateTime: null, duration: null } as const;

const bad = (message: string): Error => refuse('InvalidRoleAssignmentRequestSchedule', message);

/**
 * Reads scheduleInfo. A start that is absent or past means now (the service rewrites it to the actual start); the
 * type of expiration is taken in any letter case, durations only in proper ISO 8601 form, and no recurrence.
 */
export function readWindow(info: unknown, now: number): Window {
  const shape = Shape.safeParse(info);
  if (!shape.success) throw bad(`The schedule info is missing or malformed: ${shape.error.issues[0]?.message ?? ''}`);
  const { startDateTime, recurrence, expiration } = shape.data;
  if (recurrence !== undefined && recurrence !== null) throw bad('Recurring schedules are not supported.');
  const asked = startDateTime === null ? now : parseRfc3339(startDateTime);
  if (asked === null) throw bad(`Invalid start date time '${startDateTime ?? ''}'.`);
  const startsAt = Math.max(asked, now);
  const start = { startsAt, future: asked > now };
  const { type, endDateTime, duration } = expiration ?? NO_EXPIRATION;
  switch (type?.toLowerCase()) {
    case 'noexpiration':
      if (endDateTime !== null || duration !== null) throw bad('A schedule without expiration takes no end.');
      return { ...start, type: 'noExpiration', endsAt: null, duration: null };
    case 'afterdatetime': {
      const endsAt = endDateTime === null ? null : parseRfc3339(endDateTime);
      if (endsAt === null || duration !== null) throw bad('afterDateTime takes an endDateTime and no duration.');
      if (endsAt <= startsAt) throw bad('The end date time must be after the start date time.');
      return { ...start, type: 'afterDateTime', endsAt, duration: null };
    }
    case 'afterduration': {
      const length = duration === null ? null : parseDuration(duration);
      if (duration === null || length === null || endDateTime !== null) {
        throw bad('afterDuration takes an ISO 8601 duration and no endDateTime.');
      }
      return { ...start, type: 'afterDuration', endsAt: startsAt + length, duration };
    }
    default:
      throw bad('The expiration type is missing or unknown.');
  }
}

/** The schedule as the service gives it back, with the actual start. */
export function wireSchedule(window: Pick<Window, 'type' | 'duration'>, startsAt: number, endsAt: number | null) {
  const wire: WireSchedule = {
    startDateTime: graphTime(startsAt),
    recurrence: null,
    expiration: {
      type: window.type,
      endDateTime: window.type === 'afterDateTime' && endsAt !== null ? graphTime(endsAt) : null,
      duration: window.duration,
    },
  };
  return wire;
}
