import { keptTableSql } from '../append-only-sql.js';
import type { Migration } from '../database.js';

/**
 * Incidents, what was reported about them, and their ledgers. One open incident a fingerprint: an identical event joins it.
 * JSON that people's words are part of is kept as text, as everywhere in the register.
 */
const INCIDENTS = `
CREATE TABLE register.incident_numbers (
  second text PRIMARY KEY CHECK (second ~ '^[0-9]{8}-[0-9]{6}$'),
  last integer NOT NULL CHECK (last BETWEEN 1 AND 9999)
);

CREATE TABLE register.incidents (
  incident_id text PRIMARY KEY CHECK (incident_id ~ '^INC-[0-9]{8}-[0-9]{6}-[0-9]{4}$'),
  fingerprint text NOT NULL,
  class text NOT NULL,
  severity text NOT NULL,
  state text NOT NULL,
  host text NOT NULL,
  source text NOT NULL,
  description text NOT NULL,
  evidence text NOT NULL,
  reporter text NOT NULL,
  actions text[] NOT NULL,
  generation integer NOT NULL DEFAULT 1,
  events integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL,
  open boolean NOT NULL DEFAULT true,
  settled boolean NOT NULL DEFAULT false,
  resolved_at timestamptz,
  view text,
  view_seq integer NOT NULL DEFAULT 0,
  ledger_head text NOT NULL,
  ledger_count integer NOT NULL
);
CREATE UNIQUE INDEX one_open_by_fingerprint ON register.incidents (fingerprint) WHERE open;
CREATE INDEX incidents_by_state ON register.incidents (state, created_at DESC);
CREATE INDEX incidents_by_time ON register.incidents (created_at DESC);

CREATE TABLE register.incident_events (
  report_id text PRIMARY KEY CHECK (report_id ~ '^[0-9a-f]{16}$'),
  at timestamptz NOT NULL,
  class text NOT NULL,
  host text NOT NULL,
  source text NOT NULL,
  reporter text NOT NULL,
  incident_id text NOT NULL REFERENCES register.incidents (incident_id),
  opened boolean NOT NULL,
  answer text NOT NULL
);
CREATE INDEX incident_events_by_class ON register.incident_events (class, host, at);
CREATE INDEX incident_events_by_reporter ON register.incident_events (reporter, at) WHERE opened;

CREATE TABLE register.incident_entries (
  incident_id text NOT NULL REFERENCES register.incidents (incident_id),
  seq integer NOT NULL CHECK (seq >= 1),
  transition text NOT NULL,
  type text NOT NULL,
  prev_ledger_hash text NOT NULL,
  ledger_hash text NOT NULL,
  body text NOT NULL,
  appended_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT one_incident_entry_by_seq PRIMARY KEY (incident_id, seq),
  CONSTRAINT one_incident_entry_by_transition UNIQUE (incident_id, transition)
);

CREATE TABLE register.incident_bundles (
  incident_id text PRIMARY KEY REFERENCES register.incidents (incident_id),
  sealed_at timestamptz NOT NULL,
  ledger_count integer NOT NULL,
  bundle text NOT NULL
);
${['incident_events', 'incident_entries'].map((table) => keptTableSql('register', table)).join('\n')}`;

/** An incident is judged by the playbook that it was opened under, null where that was the built-in one. */
const PLAYBOOKS = 'ALTER TABLE register.incidents ADD COLUMN playbook_digest text';

export const INCIDENT_MIGRATIONS: readonly Migration[] = [
  { id: 'register/incidents-001', sql: INCIDENTS },
  { id: 'register/incidents-002-playbooks', sql: PLAYBOOKS },
];
