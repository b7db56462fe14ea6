import { appendOnlySql } from '../register/append-only-sql.js';
import type { Migration } from '../register/database.js';

/**
 * The verifier's journal: its own schema, meant for a database role of its own that may only insert and select. A nonce is
 * minted once and spent once; an attempt has one result; when a reference and each acceptance of it first came is the
 * journal's own time. Nothing is ever changed or removed.
 */
const JOURNAL = `
CREATE SCHEMA verifier;

CREATE TABLE verifier.nonces (
  nonce text PRIMARY KEY CHECK (nonce ~ '^[0-9a-f]{64}$'),
  incident_id text,
  host text NOT NULL,
  attempt integer NOT NULL,
  containment_binding text,
  purpose text NOT NULL CHECK (purpose IN ('baseline', 'recovery', 'scheduled')),
  minted_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL
);
CREATE INDEX nonces_of_incident ON verifier.nonces (incident_id, minted_at);

CREATE TABLE verifier.spent (
  nonce text NOT NULL REFERENCES verifier.nonces,
  outcome text NOT NULL CHECK (outcome IN ('passed', 'refused', 'unreachable', 'tpm_busy', 'torn_read')),
  spent_at timestamptz NOT NULL,
  CONSTRAINT spent_once PRIMARY KEY (nonce)
);

CREATE TABLE verifier.results (
  nonce text PRIMARY KEY REFERENCES verifier.spent,
  incident_id text,
  host text NOT NULL,
  attempt integer NOT NULL,
  containment_binding text,
  purpose text NOT NULL,
  issued_at timestamptz NOT NULL,
  envelope text NOT NULL,
  CONSTRAINT one_result_an_attempt UNIQUE (incident_id, host, containment_binding, purpose, attempt)
);

CREATE TABLE verifier.quotes (
  nonce text PRIMARY KEY REFERENCES verifier.spent,
  incident_id text,
  host text NOT NULL,
  ak_name text NOT NULL,
  containment_binding text,
  purpose text NOT NULL,
  healthy boolean NOT NULL,
  safe boolean NOT NULL,
  quote text NOT NULL,
  signature text NOT NULL,
  taken_at timestamptz NOT NULL
);
CREATE INDEX quotes_of_host ON verifier.quotes (host, ak_name, taken_at);

CREATE TABLE verifier.host_references (
  digest text PRIMARY KEY CHECK (digest ~ '^[0-9a-f]{64}$'),
  host text NOT NULL,
  version integer NOT NULL CHECK (version >= 1),
  reference text NOT NULL,
  recorded_at timestamptz NOT NULL,
  CONSTRAINT one_reference_a_version UNIQUE (host, version)
);

CREATE TABLE verifier.acceptances (
  digest text NOT NULL REFERENCES verifier.host_references,
  person text NOT NULL,
  payload text NOT NULL,
  signature text NOT NULL,
  recorded_at timestamptz NOT NULL,
  CONSTRAINT one_acceptance_a_person PRIMARY KEY (digest, person)
);
${appendOnlySql('verifier', ['nonces', 'spent', 'results', 'quotes', 'host_references', 'acceptances'])}`;

/** The schema of the verifier's journal. An applied migration is never edited: a change is another one. */
export const VERIFIER_MIGRATIONS: readonly Migration[] = [{ id: 'verifier/001-journal', sql: JOURNAL }];
