import type { EntryPayload } from '../../domain/entry.js';
import type { Intent } from '../../domain/intent.js';
import { intentOfEntry, noticesOfEntry } from '../../domain/notices-of-entry.js';
import { findPerson, upnOf } from '../../domain/roster.js';
import type { Sql } from './database.js';
import type { Log, RegisterHoldings } from './holdings.js';
import { entryOf } from './ledger-rows.js';
import { isTold, keepNotices } from './notices.js';

type Holdings = Pick<RegisterHoldings, 'policy' | 'roster'>;

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
  return keepNotices(
    tx,
    holdings,
    eventId,
    entries.flatMap((entry) => noticesOfEntry(entry, reading)),
  );
}

/** A person's UPN; the id itself where the roster knows them no more. */
export const nameIn =
  ({ roster }: Pick<Holdings, 'roster'>) =>
  (person: string): string => {
    const known = findPerson(roster(), person);
    return known === undefined ? person : upnOf(known);
  };

/** The intent behind an end that is to be told: among the entries themselves, or in the ledger already. */
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
  return held === undefined ? null : intentOfEntry(held);
}
