import type { z } from 'zod';
import { targetOutcomeSchema, type seenSchema, type TargetOutcome } from '../../domain/incidents/containment.js';
import { jsonOrNull } from '../../domain/json-or-null.js';
import type { Database, Sql } from '../register/database.js';

/** An action on a host. */
export interface Place {
  host: string;
  action: string;
}

type Seen = z.output<typeof seenSchema>;

/** What is known of a target that Reseal has touched and not let go. */
export interface StandingTarget {
  /** Before our first call; null where it could not be read. */
  before: Seen | null;
  /** Whether a call of ours went through. */
  applied: boolean;
  /** What it showed once it was contained. */
  shown: string | null;
  /** Whether a release of ours was begun. */
  releasing: boolean;
  /** The release that is over, and what came of it. */
  settled: { by: string; outcome: TargetOutcome } | null;
}

interface Row extends Record<string, unknown> {
  before_state: Seen['state'] | null;
  before_revision: string | null;
  applied: boolean;
  shown_revision: string | null;
  releasing: boolean;
  settled_by: string | null;
  settled: string | null;
}

/**
 * The containment role's own memory. It rests on no activity's argument but the incident's id: an id that somebody made up
 * can add containment and never take any away.
 */
export class ContainmentJournal {
  constructor(
    private readonly database: Database,
    private readonly now: () => string,
  ) {}

  /** From here on this incident holds the action, until it lets go. */
  async take({ host, action }: Place, incidentId: string): Promise<void> {
    await this.database.query(
      `INSERT INTO containment.holds (host, action, incident_id, taken_at) VALUES ($1, $2, $3, $4)
       ON CONFLICT (host, action, incident_id) DO UPDATE SET let_go_at = NULL`,
      [host, action, incidentId, this.now()],
    );
  }

  /** Whether this incident ever held the action. */
  async held({ host, action }: Place, incidentId: string): Promise<boolean> {
    const rows = await this.database.query(
      'SELECT 1 AS found FROM containment.holds WHERE host = $1 AND action = $2 AND incident_id = $3',
      [host, action, incidentId],
    );
    return rows.length > 0;
  }

  /** Lets go; answers the other incidents that still hold the action. */
  async letGo({ host, action }: Place, incidentId: string): Promise<string[]> {
    return this.database.transaction(async (tx) => {
      await tx.query(
        `UPDATE containment.holds SET let_go_at = $4
         WHERE host = $1 AND action = $2 AND incident_id = $3 AND let_go_at IS NULL`,
        [host, action, incidentId, this.now()],
      );
      return holders(tx, { host, action });
    });
  }

  /** The incidents that hold the action now. */
  holders(place: Place): Promise<string[]> {
    return holders(this.database, place);
  }

  async read({ host, action }: Place, target: string): Promise<StandingTarget | null> {
    const [row] = await this.database.query<Row>(
      `SELECT before_state, before_revision, applied, shown_revision, releasing, settled_by, settled
       FROM containment.targets WHERE host = $1 AND action = $2 AND target = $3`,
      [host, action, target],
    );
    return row === undefined ? null : standing(row);
  }

  async write({ host, action }: Place, target: string, now: StandingTarget): Promise<void> {
    await this.database.query(
      `INSERT INTO containment.targets
         (host, action, target, before_state, before_revision, applied, shown_revision, releasing, settled_by, settled, changed_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
       ON CONFLICT (host, action, target) DO UPDATE SET before_state = $4, before_revision = $5, applied = $6,
         shown_revision = $7, releasing = $8, settled_by = $9, settled = $10, changed_at = $11`,
      [
        host,
        action,
        target,
        now.before?.state ?? null,
        now.before?.revision ?? null,
        now.applied,
        now.shown,
        now.releasing,
        now.settled?.by ?? null,
        now.settled === null ? null : JSON.stringify(now.settled.outcome),
        this.now(),
      ],
    );
  }
}

async function holders(sql: Sql, { host, action }: Place): Promise<string[]> {
  const rows = await sql.query<{ incident_id: string }>(
    `SELECT incident_id FROM containment.holds WHERE host = $1 AND action = $2 AND let_go_at IS NULL
     ORDER BY incident_id`,
    [host, action],
  );
  return rows.map(({ incident_id }) => incident_id);
}

function standing(row: Row): StandingTarget {
  const { before_state: state, before_revision: revision, settled_by } = row;
  const outcome = targetOutcomeSchema.safeParse(jsonOrNull(row.settled ?? 'null')).data;
  return {
    before: state === null ? null : { state, revision },
    applied: row.applied,
    shown: row.shown_revision,
    releasing: row.releasing,
    settled: settled_by === null || outcome === undefined ? null : { by: settled_by, outcome },
  };
}
