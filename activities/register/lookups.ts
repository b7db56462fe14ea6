import type { Tuple } from '../../domain/intent.js';
import type { Sql } from './database.js';

/** What the look-ups say of an event. `admitted_at` is RFC 3339 UTC. */
export interface EventRow extends Record<string, unknown> {
  event_id: string;
  request_digest: string;
  admitted_at: string;
  open: boolean;
}

const COLUMNS = 'event_id, request_digest, admitted_at, open';

/** The open event of an invoker and profile, if there is one. */
export async function activeByInvokerAndProfile(
  sql: Sql,
  invoker: string,
  profile: string,
): Promise<EventRow | undefined> {
  const text = `SELECT ${COLUMNS} FROM register.active_by_invoker_and_profile($1, $2)`;
  return (await sql.query<EventRow>(text, [invoker, profile]))[0];
}

/** The open event that concerns the same principal, role and scope, if there is one. */
export async function activeByTarget(sql: Sql, tuple: Tuple): Promise<EventRow | undefined> {
  const { tenant_id, principal_id, role_template_id, directory_scope_id } = tuple;
  const text = `SELECT ${COLUMNS} FROM register.active_by_target($1, $2, $3, $4)`;
  return (await sql.query<EventRow>(text, [tenant_id, principal_id, role_template_id, directory_scope_id]))[0];
}

/** How many events of an invoker were admitted since (RFC 3339). */
export async function countByInvokerSince(sql: Sql, invoker: string, since: string): Promise<number> {
  const text = 'SELECT register.count_by_invoker_since($1, $2) AS count';
  return Number((await sql.query<{ count: number }>(text, [invoker, since]))[0]?.count ?? 0);
}

/** How many events of a profile were admitted since (RFC 3339). */
export async function countByProfileSince(sql: Sql, profile: string, since: string): Promise<number> {
  const text = 'SELECT register.count_by_profile_since($1, $2) AS count';
  return Number((await sql.query<{ count: number }>(text, [profile, since]))[0]?.count ?? 0);
}

/** The newest event of an invoker and profile, open or not. */
export async function lastByInvokerAndProfile(
  sql: Sql,
  invoker: string,
  profile: string,
): Promise<EventRow | undefined> {
  const text = `SELECT ${COLUMNS} FROM register.last_by_invoker_and_profile($1, $2)`;
  return (await sql.query<EventRow>(text, [invoker, profile]))[0];
}

/** The newest events of a status, at most `most`. */
export async function byStatus(sql: Sql, status: string, most: number): Promise<EventRow[]> {
  return sql.query<EventRow>(`SELECT ${COLUMNS} FROM register.by_status($1, $2)`, [status, most]);
}
