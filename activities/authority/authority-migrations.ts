import type { Migration } from '../register/database.js';
import { RECOVERY_MIGRATIONS } from './incidents/release-migrations.js';
import { appendOnlySql, keptTableSql } from '../register/append-only-sql.js';

/**
 * The authority's journal: its own schema, meant for a database role of its own that may only insert and select. An intent
 * is unique by event and round, an end mark by event; nothing is ever changed or removed.
 */
const JOURNAL = `
CREATE SCHEMA authority;

CREATE TABLE authority.intents (
  event_id text NOT NULL CHECK (event_id ~ '^[0-9a-f]{16}$'),
  round integer NOT NULL,
  issued_at timestamptz NOT NULL,
  deadline timestamptz NOT NULL,
  evidence_digest text NOT NULL,
  signed text NOT NULL,
  evidence text NOT NULL,
  receipt text NOT NULL,
  CONSTRAINT one_intent PRIMARY KEY (event_id, round)
);

CREATE TABLE authority.end_marks (
  event_id text NOT NULL CHECK (event_id ~ '^[0-9a-f]{16}$'),
  cause text NOT NULL,
  marked_by text,
  marked_at timestamptz NOT NULL,
  receipt text NOT NULL,
  CONSTRAINT one_end_mark PRIMARY KEY (event_id)
);
${appendOnlySql('authority', ['intents', 'end_marks'])}`;

/**
 * The highest version of each series under which anything was ever asked of this authority while it was in force. A lower
 * one, or another document of the same version, carries nothing any more, whatever a registry shows after a restart.
 */
const SERIES_SEEN = `
CREATE TABLE authority.series_seen (
  kind text NOT NULL CHECK (kind IN ('contract', 'roster', 'revocations')),
  series text NOT NULL,
  version integer NOT NULL CHECK (version >= 1),
  digest text NOT NULL CHECK (digest ~ '^[0-9a-f]{64}$'),
  seen_at timestamptz NOT NULL,
  CONSTRAINT one_document_a_version PRIMARY KEY (kind, series, version)
);
CREATE TRIGGER append_only_rows BEFORE UPDATE OR DELETE ON authority.series_seen
  FOR EACH ROW EXECUTE FUNCTION authority.refuse_change();
CREATE TRIGGER append_only_table BEFORE TRUNCATE ON authority.series_seen
  FOR EACH STATEMENT EXECUTE FUNCTION authority.refuse_change();`;

/** The jobs that were let into an event, each by the statement that let it in: so many, and no more. */
const JOBS = `
CREATE TABLE authority.jobs (
  event_id text NOT NULL CHECK (event_id ~ '^[0-9a-f]{16}$'),
  statement_digest text NOT NULL CHECK (statement_digest ~ '^[0-9a-f]{64}$'),
  let_in_at timestamptz NOT NULL,
  CONSTRAINT one_job PRIMARY KEY (event_id, statement_digest)
);
${keptTableSql('authority', 'jobs')}`;

/** The journal's schema. An applied migration is never edited: a change is another one. */
export const AUTHORITY_MIGRATIONS: readonly Migration[] = [
  { id: 'authority/001-journal', sql: JOURNAL },
  { id: 'authority/002-series-seen', sql: SERIES_SEEN },
  ...RECOVERY_MIGRATIONS,
  { id: 'authority/003-jobs', sql: JOBS },
];
