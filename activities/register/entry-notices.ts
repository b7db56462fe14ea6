import type { EntryPayload } from '../../domain/entry.js';
import type { Intent } from '../../domain/intent.js';
import { intentOfEntry, noticesOfEntry } from '../../domain/notices-of-entry.js';
import { findPerson, upnOf } from '../../domain/roster.js';
import type { Sql } from './database.js';
import { extensionNotices, intentExtended } from './extension-notices.js';
import type { Log, RegisterHoldings } from './holdings.js';
import { entryOf } from './ledger-rows.js';
import { isTold, keepNotices } from './notices.js';

type Holdings = Pick<RegisterHoldings, 'policy' | 'roster' | 'clock'>;

/**
 * Keeps the notices that fresh ledger entries call for, in the transaction that appends them. Answers how to log the
 * pressing ones after the commit.
 */
export async function noticeEntries(
  tx: Sql,
  holdings: Holdings,
  eventId: string,
  entries: readonly EntryPayload[],
): Promise<(log: Log) => void> {
  const reading = { intent: await intentFor(tx, holdings, eventId, entries), nameOf: nameIn(holdings) };
  const told = entries.flatMap((entry) => noticesOfEntry(entry, reading));
  return keepNotices(tx, holdings, eventId, [...told, ...(await extensionNotices(tx, holdings, eventId, entries))]);
}

/** A person's UPN; the id itself where the roster knows them no more. */
export const nameIn =
  ({ roster }: Pick<Holdings, 'roster'>) =>
  (person: string): string => {
    const known = findPerson(roster(), person);
    return known === undefined ? person : upnOf(known);
  };

/**
 * The intent behind an end that is to be told: among the entries themselves, or in the ledger already. Of a ceremony that was
 * extended it says the later deadline.
 */
async function intentFor(
  tx: Sql,
  holdings: Holdings,
  eventId: string,
  entries: readonly EntryPayload[],
): Promise<Intent | null> {
  const here = entries.map(intentOfEntry).find((intent) => intent !== null);
  if (here !== undefined) return here;
  const ends = entries.some(({ transition }) => transition === 'ended');
  if (!ends || !(isTold(holdings, 'breakglass.closed') || isTold(holdings, 'breakglass.expired'))) return null;
  // Rows that were tampered with must not keep a ceremony from ending.
  const held = await entryOf(tx, eventId, 'intent').catch(() => undefined);
  const first = held === undefined ? null : intentOfEntry(held);
  const later = await extendedIn(tx, eventId, entries);
  return first === null || later === null ? first : { ...first, deadline: later.deadline };
}

/** The latest intent that the provider took in the place of the first one's end. */
async function extendedIn(tx: Sql, eventId: string, entries: readonly EntryPayload[]): Promise<Intent | null> {
  const [row] = await tx.query<{ transition: string }>(
    `SELECT transition FROM register.entries WHERE event_id = $1 AND type = 'extended' ORDER BY seq DESC LIMIT 1`,
    [eventId],
  );
  const held = row && (await entryOf(tx, eventId, row.transition).catch(() => undefined));
  return held === undefined ? null : intentExtended(tx, held, entries);
}
