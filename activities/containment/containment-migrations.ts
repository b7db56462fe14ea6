import type { Migration } from '../register/database.js';

/**
 * What the containment role has to remember by itself, because a release must not take anybody's word for it: which
 * incidents hold which action on which host, and what each target was before Reseal touched it.
 */
const JOURNAL = `
CREATE SCHEMA containment;

CREATE TABLE containment.holds (
  host text NOT NULL,
  action text NOT NULL,
  incident_id text NOT NULL,
  taken_at timestamptz NOT NULL,
  let_go_at timestamptz,
  CONSTRAINT one_hold PRIMARY KEY (host, action, incident_id)
);

CREATE TABLE containment.targets (
  host text NOT NULL,
  action text NOT NULL,
  target text NOT NULL,
  before_state text CHECK (before_state IN ('contained', 'released')),
  before_revision text,
  applied boolean NOT NULL,
  shown_revision text,
  releasing boolean NOT NULL,
  settled_by text,
  settled text,
  changed_at timestamptz NOT NULL,
  CONSTRAINT one_target PRIMARY KEY (host, action, target)
);`;

/** The schema of the containment role's journal. An applied migration is never edited: a change is another one. */
export const CONTAINMENT_MIGRATIONS: readonly Migration[] = [{ id: 'containment/001-journal', sql: JOURNAL }];
