import type { Database } from './database.js';

/** Which lines of the audit log, in their order; all of it is optional. */
export interface AuditFilter {
  /** Those after this sequence number. */
  after?: number | undefined;
  /** The last so many of what the rest asks for. */
  last?: number | undefined;
  /** RFC 3339: from the first line logged at or after this time on. */
  since?: string | undefined;
  /** RFC 3339: up to the last line logged before this time. */
  until?: string | undefined;
  /** 1 to 500; 200 unless told. */
  limit?: number | undefined;
}

/** One line: its place, and its exact text without a line feed. */
export interface AuditLine {
  seq: number;
  line: string;
}

const MAX_LINES = 500;

/**
 * Lines without a gap between them: times choose where they begin and end, since a line that was left out would break the
 * chain. Whoever wants more asks again, after the last one.
 */
export async function auditLines(database: Database, filter: AuditFilter = {}): Promise<AuditLine[]> {
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
  if (last === undefined) return rows(database, `${text} ORDER BY seq LIMIT ${param(limit)}`, params);
  const most = Math.min(limit, Math.max(1, Math.trunc(last)));
  return rows(
    database,
    `SELECT seq, line FROM (${text} ORDER BY seq DESC LIMIT ${param(most)}) AS newest ORDER BY seq`,
    params,
  );
}

const rows = (database: Database, text: string, params: readonly unknown[]): Promise<AuditLine[]> =>
  database.query<AuditLine & Record<string, unknown>>(text, params);
