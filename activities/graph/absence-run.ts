import { z } from 'zod';

/** A run of agreeing reads after a rollback; times are epoch ms. */
export const absenceRunSchema = z.object({
  /** Absent reads of the current run: how many, the first, and the last few. */
  absent: z.number().int(),
  first_absent_at: z.number().nullable(),
  absent_at: z.array(z.number()).max(16),
  /** Present reads in a row. */
  present: z.number().int(),
  last_at: z.number().nullable(),
});
export type AbsenceRun = z.output<typeof absenceRunSchema>;

export const NOTHING_READ: AbsenceRun = {
  absent: 0,
  first_absent_at: null,
  absent_at: [],
  present: 0,
  last_at: null,
};

/** How many absent reads must agree. */
export const ABSENT_READS = 5;
const LONGEST_DELAY_MS = 120_000;

/** One more read; a read that disagrees starts the count anew. Pure. */
export function count(run: AbsenceRun, present: boolean, nowMs: number): AbsenceRun {
  if (present) return { ...NOTHING_READ, present: run.present + 1, last_at: nowMs };
  return {
    absent: run.absent + 1,
    first_absent_at: run.first_absent_at ?? nowMs,
    absent_at: [...run.absent_at, nowMs].slice(-ABSENT_READS),
    present: 0,
    last_at: nowMs,
  };
}

/**
 * What earlier attempts say that they read, as far as it can be: a read takes an attempt of its own, and the server counts those.
 * The run comes back through the server, where others can write. Attempts count from 1; `attempt` is the one that reads now.
 */
export const believable = (run: AbsenceRun, attempt: number): AbsenceRun =>
  run.absent < attempt && run.present < attempt ? run : NOTHING_READ;

/** Enough agreeing absent reads, and the settle window (epoch ms, if there is one) is over. */
export function isConfirmed(run: AbsenceRun, settleUntil: number | null, nowMs: number): boolean {
  return run.absent >= ABSENT_READS && (settleUntil === null || nowMs >= settleUntil);
}

/**
 * The delay before the next read: `shortest` while reads must agree soon; through a settle window growing to 120 s, and
 * never past its end.
 */
export function nextReadIn(run: AbsenceRun, settleUntil: number | null, nowMs: number, shortest: number): number {
  if (settleUntil === null || run.present > 0 || settleUntil <= nowMs) return shortest;
  const growing = Math.min(LONGEST_DELAY_MS, shortest * 2 ** Math.min(10, Math.max(0, run.absent - 1)));
  return Math.max(shortest, Math.min(growing, settleUntil - nowMs));
}
