import type { Receipt } from '../../domain/entry.js';
import { payloadIn } from './entry-payload.js';
import { noticeEntries } from './entry-notices.js';
import { openedFallbacks, settleFallback, type TimeOf } from './fallback-notices.js';
import type { RegisterHoldings } from './holdings.js';
import { isTold } from './notices.js';
import { owedReviews } from './review-notices.js';

/** At most so many of a kind in one round; the rest waits for the next. */
export const BATCH = 100;

/**
 * Writes the notices that nobody appends: those that become due with time, and the intent, which the journal has seconds
 * before the ledger gets it with the verified grant. Each row by itself: one that fails leaves the others their turn, and
 * is thrown at the end.
 */
export async function keepOwedNotices(holdings: RegisterHoldings, timeOf: TimeOf | null): Promise<void> {
  const failures: unknown[] = [];
  const each = async <T>(rows: readonly T[], write: (row: T) => Promise<unknown>): Promise<void> => {
    for (const row of rows) await write(row).catch((error: unknown) => failures.push(error));
  };
  await each(await journalled(holdings), ({ event_id, receipt }) =>
    holdings.database.transaction((tx) => noticeEntries(tx, holdings, event_id, [payloadIn(receipt.envelope)])),
  );
  await each(await openedFallbacks(holdings, timeOf), (eventId) =>
    holdings.database.transaction((tx) => settleFallback(tx, holdings, eventId)),
  );
  await each(await owedReviews(holdings), (write) => holdings.database.transaction(write));
  if (failures.length > 0) throw failures[0];
}

/** Intents of open events that nobody was told of yet. */
async function journalled(holdings: RegisterHoldings): Promise<{ event_id: string; receipt: Receipt }[]> {
  if (!isTold(holdings, 'breakglass.invoked')) return [];
  const rows = await holdings.database.query<{ event_id: string; receipt: string }>(
    `SELECT intents.event_id, intents.receipt FROM register.events JOIN authority.intents USING (event_id)
      WHERE events.open AND NOT EXISTS (
        SELECT 1 FROM register.notices WHERE notices.event_id = events.event_id AND notices.transition = 'invoked')
      LIMIT ${BATCH}`,
  );
  return rows.map(({ event_id, receipt }) => ({ event_id, receipt: JSON.parse(receipt) as Receipt }));
}
