import { keptTableSql } from './append-only-sql.js';
import type { Migration } from './database.js';

/** The audit log: one signed line a ledger entry, numbered and chained over all ceremonies. */
const AUDIT_LINES = `
CREATE TABLE register.audit_lines (
  seq bigint PRIMARY KEY CHECK (seq >= 1),
  event text NOT NULL,
  event_id text,
  transition text,
  logged_at timestamptz NOT NULL,
  line_hash text NOT NULL,
  line text NOT NULL,
  CONSTRAINT one_line_by_transition UNIQUE (event_id, transition)
);
CREATE INDEX audit_lines_by_time ON register.audit_lines (logged_at, seq);
${keptTableSql('register', 'audit_lines')}`;

/** Verified lines of other systems' logs. No ceremony, no limit and no quota looks here. */
const IMPORTED_EVENTS = `
CREATE TABLE register.imported_events (
  digest text PRIMARY KEY,
  source text NOT NULL CHECK (source = 'sentinel'),
  key_id text NOT NULL,
  event_id text NOT NULL,
  event text NOT NULL,
  at timestamptz NOT NULL,
  invoker text NOT NULL,
  profile text NOT NULL,
  expires_at timestamptz NOT NULL,
  line text NOT NULL,
  imported_at timestamptz NOT NULL
);
CREATE INDEX imported_by_event ON register.imported_events (event_id, at, digest);
CREATE INDEX imported_by_time ON register.imported_events (at);
${keptTableSql('register', 'imported_events')}`;

/** Few lines tell an end that a list asks for: it begins with them. */
const IMPORTED_ENDS = `
CREATE INDEX imported_ends ON register.imported_events (event, event_id) WHERE event <> 'breakglass.invoked';`;

export const AUDIT_MIGRATIONS: readonly Migration[] = [
  { id: 'register/audit-001-lines', sql: AUDIT_LINES },
  { id: 'register/audit-002-imported', sql: IMPORTED_EVENTS },
  { id: 'register/audit-003-imported-ends', sql: IMPORTED_ENDS },
];
