import type { Phase } from '../../domain/ceremony-state.js';
import { instant } from '../../domain/identifiers.js';
import type { CeremonyView, SentinelStatus } from '../../domain/view.js';
import type { Sql } from './database.js';
import { Conditions } from './conditions.js';
import { listRefusals } from './list-refusals.js';
import { SHOWN, shownView, type ShownRow } from './shown-view.js';

/** Which events are listed, newest first; all of it is optional. */
export interface EventFilter {
  /** `refused` lists what admission refused too, which has no row of its own. */
  state?: Phase | undefined;
  open?: boolean | undefined;
  /** Person id or user principal name. */
  invoker?: string | undefined;
  profile?: string | undefined;
  status?: SentinelStatus | undefined;
  /** RFC 3339: asked for at or after this time. */
  since?: string | undefined;
  /** A rollback or a review is overdue. */
  overdue?: true | undefined;
  /** A review is owed, overdue or not. */
  review_owed?: true | undefined;
  /** Awaits approvals, of the request or of an extension, and this person may give one. */
  waiting_for?: Approver | undefined;
  /** 1 to 1,000; 100 unless told. */
  limit?: number | undefined;
}

/** Whom events may wait for: a person, their object ids, and the parties that name them (`person:…`, `group:…`). */
export interface Approver {
  id: string;
  object_ids: readonly string[];
  parties: readonly string[];
}

const MAX_LISTED = 1000;

/** Lists by one indexed query: only what is asked for becomes part of it. `nowMs` says what is overdue. */
export async function listEvents(sql: Sql, filter: EventFilter, nowMs: number): Promise<CeremonyView[]> {
  const limit = Math.min(MAX_LISTED, Math.max(1, Math.trunc(filter.limit ?? 100)));
  const { text, params } = listQuery(filter, limit, nowMs);
  const views = (await sql.query<ShownRow>(text, params)).map(shownView);
  if (filter.state !== 'refused') return views;
  const refused = concernsRefusals(filter) ? await listRefusals(sql, filter, limit) : [];
  return [...views, ...refused].sort((a, b) => (a.requested_at < b.requested_at ? 1 : -1)).slice(0, limit);
}

/** What was refused at admission is over, was never granted, and waits for nobody. */
const concernsRefusals = ({ open, status, overdue, review_owed, waiting_for }: EventFilter): boolean =>
  open !== true && [status, overdue, review_owed, waiting_for].every((asked) => asked === undefined);

/** The query of a list and its parameters: what `listEvents` runs. */
export function listQuery(filter: EventFilter, limit: number, nowMs: number): { text: string; params: unknown[] } {
  const where = new Conditions();
  where.add((p) => `open = ${p}`, filter.open);
  where.add((p) => `state = ${p}`, filter.state);
  where.add((p) => `profile = ${p}`, filter.profile);
  where.add((p) => `status = ${p}`, filter.status);
  where.add((p) => `admitted_at >= ${p}::timestamptz`, filter.since);
  if (filter.overdue) where.add((p) => `event_id IN (${overdue(p)})`, instant(nowMs));
  if (filter.review_owed) where.always('review_owed IS NOT NULL AND reviewed_at IS NULL');
  if (filter.waiting_for !== undefined) waitingFor(where, filter.waiting_for);
  const branches = where.named(filter.invoker).map(
    (condition) => `
    (SELECT event_id, admitted_at, ${SHOWN} FROM register.events ${condition}
     ORDER BY admitted_at DESC LIMIT ${limit})`,
  );
  const text = `SELECT ${SHOWN} FROM (${branches.join(' UNION ')}) AS found
    ORDER BY admitted_at DESC, event_id LIMIT ${limit}`;
  return { text, params: where.params };
}

const overdue = (now: string): string => `
  SELECT event_id FROM register.events WHERE open AND 'rollback_overdue' = ANY (flags)
  UNION ALL
  SELECT event_id FROM register.events
    WHERE review_owed IS NOT NULL AND reviewed_at IS NULL AND review_overdue_at <= ${now}::timestamptz`;

function waitingFor(where: Conditions, { id, object_ids, parties }: Approver): void {
  // Of an extension that waits the view alone tells. It is a ceremony's own word, kept as text: looked for, never parsed here,
  // so that no odd character in one can break everybody's list. Quotes within its strings are escaped.
  where.always(`open AND (state = 'awaiting_approval'
    OR (state = 'active' AND strpos(view, '"state":"awaiting_approval"') > 0))`);
  where.add((p) => `approvers && ${p}::text[]`, parties);
  where.add((p) => `invoker_person <> ${p}`, id);
  where.add((p) => `principal_id <> ALL (${p}::text[])`, object_ids);
}
