import { appendOnlySql } from './append-only-sql.js';
import { AUDIT_MIGRATIONS } from './audit-migrations.js';
import { INCIDENT_MIGRATIONS } from './incidents/incident-migrations.js';
import { CONTRACT_MIGRATIONS } from './contract-migrations.js';
import type { Migration } from './database.js';
import { NOTICE_MIGRATIONS } from './notice-migrations.js';
import { LIMITS, LISTS } from './limits-migrations.js';

/**
 * Events with their ledgers, refusals, bundles and notices. JSON that people's words are part of is kept as text: jsonb
 * refuses \\u0000, and an append that can never succeed would keep a ceremony open for ever.
 */
const TABLES = `
CREATE SCHEMA register;

CREATE TABLE register.policies (
  digest text PRIMARY KEY,
  document text NOT NULL
);

CREATE TABLE register.events (
  event_id text PRIMARY KEY CHECK (event_id ~ '^[0-9a-f]{16}$'),
  run_id text NOT NULL,
  request_digest text NOT NULL,
  policy_digest text NOT NULL REFERENCES register.policies (digest),
  profile text NOT NULL,
  invoker_person text NOT NULL,
  invoker_upn text NOT NULL,
  tenant_id text NOT NULL,
  principal_id text NOT NULL,
  role_template_id text NOT NULL,
  directory_scope_id text NOT NULL,
  admitted_at timestamptz NOT NULL,
  open boolean NOT NULL DEFAULT true,
  state text NOT NULL,
  status text,
  flags text[] NOT NULL DEFAULT '{}',
  activated_at timestamptz,
  expires_at timestamptz,
  ended_at timestamptz,
  view text NOT NULL,
  view_seq integer NOT NULL,
  ledger_head text NOT NULL,
  ledger_count integer NOT NULL
);

CREATE UNIQUE INDEX one_open_by_invoker_and_profile ON register.events (invoker_person, profile) WHERE open;
CREATE UNIQUE INDEX one_open_by_target
  ON register.events (tenant_id, principal_id, role_template_id, directory_scope_id) WHERE open;
CREATE INDEX events_by_pair ON register.events (invoker_person, profile, admitted_at);
CREATE INDEX events_by_invoker ON register.events (invoker_person, admitted_at);
CREATE INDEX events_by_profile ON register.events (profile, admitted_at);
CREATE INDEX events_by_status ON register.events (status, admitted_at);
CREATE INDEX events_by_time ON register.events (admitted_at);
CREATE INDEX events_open ON register.events (admitted_at) WHERE open;

CREATE TABLE register.entries (
  event_id text NOT NULL REFERENCES register.events (event_id),
  seq integer NOT NULL CHECK (seq >= 1),
  transition text NOT NULL,
  type text NOT NULL,
  prev_ledger_hash text NOT NULL,
  ledger_hash text NOT NULL,
  body text NOT NULL,
  appended_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT one_entry_by_seq PRIMARY KEY (event_id, seq),
  CONSTRAINT one_entry_by_transition UNIQUE (event_id, transition)
);
CREATE INDEX entries_confirmed ON register.entries (event_id) WHERE type = 'confirmed';

CREATE TABLE register.refusals (
  event_id text NOT NULL,
  digest text NOT NULL,
  proven boolean NOT NULL,
  code text NOT NULL,
  message text NOT NULL,
  refused_at timestamptz NOT NULL,
  PRIMARY KEY (event_id, digest)
);

CREATE TABLE register.bundles (
  event_id text NOT NULL REFERENCES register.events (event_id),
  stage text NOT NULL CHECK (stage IN ('confirmed', 'audited')),
  sealed_at timestamptz NOT NULL,
  ledger_count integer NOT NULL,
  bundle text NOT NULL,
  PRIMARY KEY (event_id, stage)
);

CREATE TABLE register.notices (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  event_id text NOT NULL REFERENCES register.events (event_id),
  transition text NOT NULL,
  code text NOT NULL,
  detail text NOT NULL,
  noticed_at timestamptz NOT NULL,
  UNIQUE (event_id, transition)
);
${appendOnlySql('register', ['entries', 'refusals', 'policies', 'notices'])}`;

/** Dropped again by `003-limits`: what counts is what was granted, and `lookups.ts` asks for it. */
const LOOKUPS = `
CREATE FUNCTION register.active_by_invoker_and_profile(invoker text, wanted text)
  RETURNS SETOF register.events LANGUAGE sql STABLE AS
  $$ SELECT * FROM register.events WHERE invoker_person = invoker AND profile = wanted AND open $$;

CREATE FUNCTION register.active_by_target(tenant text, principal text, role text, scope text)
  RETURNS SETOF register.events LANGUAGE sql STABLE AS
  $$ SELECT * FROM register.events WHERE tenant_id = tenant AND principal_id = principal
       AND role_template_id = role AND directory_scope_id = scope AND open $$;

CREATE FUNCTION register.count_by_invoker_since(invoker text, since timestamptz)
  RETURNS bigint LANGUAGE sql STABLE AS
  $$ SELECT count(*) FROM register.events WHERE invoker_person = invoker AND admitted_at >= since $$;

CREATE FUNCTION register.count_by_profile_since(wanted text, since timestamptz)
  RETURNS bigint LANGUAGE sql STABLE AS
  $$ SELECT count(*) FROM register.events WHERE profile = wanted AND admitted_at >= since $$;

CREATE FUNCTION register.last_by_invoker_and_profile(invoker text, wanted text)
  RETURNS SETOF register.events LANGUAGE sql STABLE AS
  $$ SELECT * FROM register.events WHERE invoker_person = invoker AND profile = wanted
       ORDER BY admitted_at DESC LIMIT 1 $$;

CREATE FUNCTION register.by_status(wanted text, most integer)
  RETURNS SETOF register.events LANGUAGE sql STABLE AS
  $$ SELECT * FROM register.events WHERE status = wanted ORDER BY admitted_at DESC LIMIT most $$;
`;

/** The register's schema. An applied migration is never edited: a change is another one. */
export const REGISTER_MIGRATIONS: readonly Migration[] = [
  { id: 'register/001-tables', sql: TABLES },
  { id: 'register/002-lookups', sql: LOOKUPS },
  { id: 'register/003-limits', sql: LIMITS },
  { id: 'register/004-lists', sql: LISTS },
  ...AUDIT_MIGRATIONS,
  ...NOTICE_MIGRATIONS,
  ...CONTRACT_MIGRATIONS,
  ...INCIDENT_MIGRATIONS,
];
