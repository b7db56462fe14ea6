import type { Migration } from './database.js';

/** A contract as its signers signed it, kept when the first request under it is admitted, so that no seal needs a registry. */
const CONTRACTS = `
CREATE TABLE register.contracts (
  digest text PRIMARY KEY REFERENCES register.policies (digest),
  envelope text NOT NULL
);
CREATE TRIGGER append_only_rows BEFORE UPDATE OR DELETE ON register.contracts
  FOR EACH ROW EXECUTE FUNCTION register.refuse_change();
CREATE TRIGGER append_only_table BEFORE TRUNCATE ON register.contracts
  FOR EACH STATEMENT EXECUTE FUNCTION register.refuse_change();`;

/** Rosters as their signers signed them, by digest, for the same reason. */
const ROSTERS = `
CREATE TABLE register.rosters (
  digest text PRIMARY KEY CHECK (digest ~ '^[0-9a-f]{64}$'),
  envelope text NOT NULL
);
CREATE TRIGGER append_only_rows BEFORE UPDATE OR DELETE ON register.rosters
  FOR EACH ROW EXECUTE FUNCTION register.refuse_change();
CREATE TRIGGER append_only_table BEFORE TRUNCATE ON register.rosters
  FOR EACH STATEMENT EXECUTE FUNCTION register.refuse_change();`;

/** What signers published to this register, as a registry shows it: rows gain signatures, and are never removed. */
const PUBLISHED = `
CREATE TABLE register.published_documents (
  kind text NOT NULL CHECK (kind IN ('contract', 'roster', 'revocations')),
  name text NOT NULL CHECK (name ~ '^[0-9a-f]{1,64}$'),
  digest text NOT NULL CHECK (digest ~ '^[0-9a-f]{64}$'),
  envelope text NOT NULL,
  signers text[] NOT NULL,
  complete boolean NOT NULL,
  put_at timestamptz NOT NULL,
  PRIMARY KEY (kind, name, digest)
);`;

export const CONTRACT_MIGRATIONS: readonly Migration[] = [
  { id: 'register/contracts-001', sql: CONTRACTS },
  { id: 'register/contracts-002-rosters', sql: ROSTERS },
  { id: 'register/contracts-003-published', sql: PUBLISHED },
];
