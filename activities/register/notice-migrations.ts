import { keptTableSql } from './append-only-sql.js';
import type { Migration } from './database.js';

/**
 * What people are told (`notices`, written in the transaction that it tells of), on which channel it has to go out
 * (`notice_deliveries`), and what came of each attempt. A refused request has no row among the events: then `about` and
 * `person` say whose it was. `fallbacks` says when fewer approvers will suffice: `opens_at` by the ceremony's clock,
 * `due_at` by the database's.
 *
 * The table of that name before it held only what some ledger entries say, and no address: those entries stand.
 */
const OUTBOX = `
DROP TABLE register.notices;

CREATE TABLE register.notices (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  event_id text NOT NULL,
  transition text NOT NULL,
  type text NOT NULL,
  code text NOT NULL,
  facts text NOT NULL,
  about text,
  person text,
  noticed_at timestamptz NOT NULL,
  recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT one_notice UNIQUE (event_id, transition)
);
CREATE INDEX notices_of_refused ON register.notices (person, recorded_at) WHERE person IS NOT NULL;

CREATE TABLE register.notice_deliveries (
  notice_id bigint NOT NULL REFERENCES register.notices (id),
  channel text NOT NULL,
  state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'delivered', 'dead')),
  attempts integer NOT NULL DEFAULT 0,
  due_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (notice_id, channel)
);
CREATE INDEX notice_deliveries_due ON register.notice_deliveries (channel, due_at) WHERE state = 'waiting';

CREATE TABLE register.notice_attempts (
  notice_id bigint NOT NULL,
  channel text NOT NULL,
  attempt integer NOT NULL,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  code text,
  status integer,
  PRIMARY KEY (notice_id, channel, attempt),
  FOREIGN KEY (notice_id, channel) REFERENCES register.notice_deliveries (notice_id, channel)
);

CREATE TABLE register.fallbacks (
  event_id text PRIMARY KEY REFERENCES register.events (event_id),
  opens_at timestamptz NOT NULL,
  due_at timestamptz NOT NULL,
  settled_at timestamptz
);
CREATE INDEX fallbacks_due ON register.fallbacks (due_at) WHERE settled_at IS NULL;
${keptTableSql('register', 'notices')}
${keptTableSql('register', 'notice_attempts')}`;

/** The outbox of notices. An applied migration is never edited: a change is another one. */
export const NOTICE_MIGRATIONS: readonly Migration[] = [{ id: 'register/notices-001-outbox', sql: OUTBOX }];
