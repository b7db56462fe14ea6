import { keptTableSql } from '../../register/append-only-sql.js';
import type { Migration } from '../../register/database.js';

/**
 * The authority's journal of recoveries: one settled containment a generation, the first for ever, and every warrant that
 * was given to release one.
 */
const RECOVERIES = `
CREATE TABLE authority.containments (
  incident_id text NOT NULL CHECK (incident_id ~ '^INC-[0-9]{8}-[0-9]{6}-[0-9]{4}$'),
  generation integer NOT NULL,
  containment_binding text NOT NULL,
  settled_at timestamptz NOT NULL,
  settled text NOT NULL,
  receipt text NOT NULL,
  CONSTRAINT one_containment PRIMARY KEY (incident_id, generation)
);

CREATE TABLE authority.releases (
  incident_id text NOT NULL,
  generation integer NOT NULL,
  evidence_digest text NOT NULL,
  issued_at timestamptz NOT NULL,
  receipt text NOT NULL,
  CONSTRAINT one_release PRIMARY KEY (incident_id, generation, evidence_digest),
  FOREIGN KEY (incident_id, generation) REFERENCES authority.containments
);
${['containments', 'releases'].map((table) => keptTableSql('authority', table)).join('\n')}`;

export const RECOVERY_MIGRATIONS: readonly Migration[] = [{ id: 'authority/recoveries-001', sql: RECOVERIES }];
