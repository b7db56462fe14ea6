import { setTimeout as sleep } from 'node:timers/promises';
import { DatabaseError, sqlState } from './database.js';

const ATTEMPTS = 12;
const LONGEST_WAIT_MS = 250;

/** serialization_failure and deadlock_detected (PostgreSQL manual, appendix A): the whole transaction is to run again. */
const CONFLICTS = new Set(['40001', '40P01']);

/** Runs a whole transaction again after a conflict, with growing random waits. Throws `register_contended` at last. */
export async function withRetries<T>(transaction: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await transaction();
    } catch (error) {
      if (!CONFLICTS.has(sqlState(error) ?? '')) throw error;
      if (attempt === ATTEMPTS) {
        throw new DatabaseError('register_contended', `in conflict ${ATTEMPTS} times in a row`, { cause: error });
      }
      await sleep(Math.random() * Math.min(LONGEST_WAIT_MS, 5 * 2 ** attempt));
    }
  }
}
