import { viewOfRequest } from '../../domain/request-view.js';
import { refusalOf } from '../../domain/refusal.js';
import type { CeremonyView } from '../../domain/view.js';
import { Conditions } from './conditions.js';
import type { Sql } from './database.js';

interface ListedRow extends Record<string, unknown> {
  event_id: string;
  view: string | null;
  code: string;
  message: string;
  refused_at: string;
}

/** What admission refused, the newest first; what nothing proves to be anybody's request shows its refusal alone. */
export async function listRefusals(
  sql: Sql,
  filter: { invoker?: string | undefined; profile?: string | undefined; since?: string | undefined },
  limit: number,
): Promise<CeremonyView[]> {
  const where = new Conditions();
  where.add((p) => `profile = ${p}`, filter.profile);
  where.add((p) => `refused_at >= ${p}::timestamptz`, filter.since);
  const branches = where.named(filter.invoker).map(
    (condition) => `
    (SELECT event_id, digest, view, code, message, refused_at FROM register.refusals ${condition}
     ORDER BY refused_at DESC LIMIT ${limit})`,
  );
  const rows = await sql.query<ListedRow>(
    `SELECT event_id, view, code, message, refused_at FROM (${branches.join(' UNION ')}) AS found
     ORDER BY refused_at DESC, event_id LIMIT ${limit}`,
    where.params,
  );
  return rows.map(listedView);
}

function listedView(row: ListedRow): CeremonyView {
  if (row.view !== null) return JSON.parse(row.view) as CeremonyView;
  const known = { state: 'refused' as const, requested_at: row.refused_at, refusal: refusalOf(row) };
  return { ...viewOfRequest(row.event_id, null, known), ended_at: row.refused_at };
}
