import { MAX_JOBS } from '../../domain/job.js';
import type { Database } from '../register/database.js';
import { takeTurn } from './journal.js';

/**
 * Counts a job, by its statement, as let into its event; false where the event takes no more. One that was counted before
 * goes on, for each of its tokens. `at` is RFC 3339 UTC.
 */
export function countJob(
  database: Database,
  { eventId, digest, at }: { eventId: string; digest: string; at: string },
): Promise<boolean> {
  return database.transaction(async (tx) => {
    await takeTurn(tx, eventId);
    const [row] = await tx.query<{ held: boolean; count: number }>(
      `SELECT count(*)::integer AS count, coalesce(bool_or(statement_digest = $2), false) AS held
       FROM authority.jobs WHERE event_id = $1`,
      [eventId, digest],
    );
    if (row?.held === true) return true;
    if ((row?.count ?? 0) >= MAX_JOBS) return false;
    await tx.query('INSERT INTO authority.jobs (event_id, statement_digest, let_in_at) VALUES ($1, $2, $3)', [
      eventId,
      digest,
      at,
    ]);
    return true;
  });
}
