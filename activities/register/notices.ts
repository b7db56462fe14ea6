import type { EntryPayload, EntryType } from '../../domain/entry.js';
import type { Sql } from './database.js';
import type { Log } from './holdings.js';

/** Entries that somebody must hear of at once. */
const NOTICED: ReadonlySet<EntryType> = new Set(['finding', 'overdue', 'unverified', 'reappeared']);

/** Writes a notice for each entry that calls for one, and answers how to tell of them once they are committed. */
export async function keepNotices(
  tx: Sql,
  eventId: string,
  entries: readonly EntryPayload[],
): Promise<(log: Log) => void> {
  const noticed = entries.filter(({ type }) => NOTICED.has(type));
  for (const entry of noticed) {
    await tx.query(
      `INSERT INTO register.notices (event_id, transition, code, detail, noticed_at) VALUES ($1, $2, $3, $4, $5)
       ON CONFLICT DO NOTHING`,
      [eventId, entry.transition, codeOf(entry), JSON.stringify(entry.data), entry.at],
    );
  }
  return (log) => {
    for (const entry of noticed) {
      log('notice', { event_id: eventId, code: codeOf(entry), transition: entry.transition, at: entry.at });
    }
  };
}

/** A finding's own code, otherwise the entry's type. */
function codeOf({ type, data }: EntryPayload): string {
  return type === 'finding' && typeof data.code === 'string' ? data.code.slice(0, 64) : type;
}
