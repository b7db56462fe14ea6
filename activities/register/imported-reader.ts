import { importedView, type ImportedFilter, type ImportedView } from '../../domain/imported-history.js';
import { instant } from '../../domain/identifiers.js';
import { sentinelLogEntrySchema } from '../../domain/sentinel.js';
import type { Sql } from './database.js';

interface LineRow extends Record<string, unknown> {
  event_id: string;
  key_id: string;
  line: string;
}

/** The event that this line is the first of has none before it. */
const FIRST = `NOT EXISTS (SELECT 1 FROM register.imported_events AS before
  WHERE before.event_id = found.event_id AND (before.at, before.digest) < (found.at, found.digest))`;

const logged = (event: string): string =>
  `event_id IN (SELECT event_id FROM register.imported_events WHERE event = '${event}')`;
const CLOSED = logged('breakglass.closed');
const EXPIRED = logged('breakglass.expired');

/** The same as `importedView` says of the lines. */
const STATUS = {
  closed: () => CLOSED,
  expired: (now: string) => `NOT (${CLOSED}) AND (${EXPIRED} OR expires_at <= ${now}::timestamptz)`,
  active: (now: string) => `NOT (${CLOSED}) AND NOT (${EXPIRED}) AND expires_at > ${now}::timestamptz`,
};

/** Lists imported events. `nowMs` says which of those whose end nobody logged have expired. */
export async function importedEvents(sql: Sql, filter: ImportedFilter, nowMs: number): Promise<ImportedView[]> {
  const params: unknown[] = [];
  const param = (value: unknown): string => `$${params.push(value)}`;
  const wanted = [FIRST];
  if (filter.invoker !== undefined) wanted.push(`invoker = ${param(filter.invoker.toLowerCase())}`);
  if (filter.profile !== undefined) wanted.push(`profile = ${param(filter.profile)}`);
  if (filter.since !== undefined) wanted.push(`at >= ${param(filter.since)}::timestamptz`);
  if (filter.status === 'closed') wanted.push(STATUS.closed());
  else if (filter.status !== undefined) wanted.push(STATUS[filter.status](param(instant(nowMs))));
  const limit = Math.min(1000, Math.max(1, Math.trunc(filter.limit ?? 100)));
  const rows = await sql.query<{ event_id: string }>(
    `SELECT event_id FROM register.imported_events AS found WHERE ${wanted.join(' AND ')}
     ORDER BY at DESC, event_id LIMIT ${param(limit)}`,
    params,
  );
  const ids = rows.map(({ event_id }) => event_id);
  const lines = ids.length === 0 ? [] : await linesOf(sql, ids);
  return ids.flatMap(
    (id) =>
      viewOfLines(
        lines.filter(({ event_id }) => event_id === id),
        nowMs,
      ) ?? [],
  );
}

/** One imported event by its id. */
export async function importedEvent(sql: Sql, eventId: string, nowMs: number): Promise<ImportedView | undefined> {
  return viewOfLines(await linesOf(sql, [eventId]), nowMs);
}

const linesOf = (sql: Sql, ids: readonly string[]): Promise<LineRow[]> =>
  sql.query<LineRow>(
    `SELECT event_id, key_id, line FROM register.imported_events WHERE event_id = ANY ($1::text[])
     ORDER BY event_id, at, digest`,
    [ids],
  );

function viewOfLines(lines: readonly LineRow[], nowMs: number): ImportedView | undefined {
  const [first] = lines;
  const entries = lines.flatMap(
    ({ line }) => sentinelLogEntrySchema.safeParse((JSON.parse(line) as { entry: unknown }).entry).data ?? [],
  );
  return first === undefined || entries.length === 0 ? undefined : importedView(entries, first.key_id, nowMs);
}
