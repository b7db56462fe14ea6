import type { AuditFilter, AuditLine } from '../../domain/audit-line.js';
import type { Sql } from './database.js';

const MAX_LINES = 500;

/**
 * Lines without a gap between them: times choose where they begin and end, since a line that was left out would break the
 * chain. Whoever wants more asks again, after the last one.
 */
export async function auditLines(sql: Sql, filter: AuditFilter = {}): Promise<AuditLine[]> {
  const { after, last, since, until } = filter;
  const limit = Math.min(MAX_LINES, Math.max(1, Math.trunc(filter.limit ?? 200)));
  const params: unknown[] = [];
  const param = (value: unknown): string => `$${params.push(value)}`;
  const wanted = [`seq > ${param(after ?? 0)}::bigint`];
  if (since !== undefined) {
    wanted.push(`seq >= (SELECT min(seq) FROM register.audit_lines WHERE logged_at >= ${param(since)}::timestamptz)`);
  }
  if (until !== undefined) {
    wanted.push(`seq <= (SELECT max(seq) FROM register.audit_lines WHERE logged_at < ${param(until)}::timestamptz)`);
  }
  const text = `SELECT seq, line FROM register.audit_lines WHERE ${wanted.join(' AND ')}`;
  if (last === undefined) return rows(sql, `${text} ORDER BY seq LIMIT ${param(limit)}`, params);
  const most = Math.min(limit, Math.max(1, Math.trunc(last)));
  return rows(
    sql,
    `SELECT seq, line FROM (${text} ORDER BY seq DESC LIMIT ${param(most)}) AS newest ORDER BY seq`,
    params,
  );
}

const rows = (sql: Sql, text: string, params: readonly unknown[]): Promise<AuditLine[]> =>
  sql.query<AuditLine & Record<string, unknown>>(text, params);
