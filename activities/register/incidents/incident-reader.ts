import type { IncidentClass, Severity } from '../../../domain/incidents/classes.js';
import type { IncidentState } from '../../../domain/incidents/incident.js';
import type { RegisteredIncident } from '../../../domain/incidents/registered-incident.js';
import { incidentViewSchema } from '../../../domain/incidents/view.js';
import type { Sql } from '../database.js';

/** The same with what only the register counts. */
export interface IncidentRow extends RegisteredIncident {
  /** Events that were the same. */
  events: number;
  resolved_at: string | null;
}

/** What to list, newest first; all of it is optional. */
export interface IncidentQuery {
  class?: IncidentClass | undefined;
  state?: IncidentState | undefined;
  severity?: Severity | undefined;
  open?: boolean | undefined;
  limit?: number | undefined;
}

/** The runbook's statistics. */
export interface IncidentCounts {
  total_incidents: number;
  open_incidents: number;
  contained_count: number;
  resolved_count: number;
  by_class: Record<string, number>;
  open_by_severity: Record<string, number>;
}

type Row = Omit<IncidentRow, 'evidence' | 'view'> & { evidence: string; view: string | null };

const COLUMNS =
  'incident_id, class, severity, state, host, source, description, evidence, events, created_at, resolved_at, view';

const rowOf = ({ evidence, view, ...row }: Row): IncidentRow => ({
  ...row,
  evidence: JSON.parse(evidence) as Record<string, string>,
  view: view === null ? null : (incidentViewSchema.safeParse(JSON.parse(view)).data ?? null),
});

/** Reads incidents for whoever shows them. */
export class IncidentReader {
  constructor(private readonly sql: Sql) {}

  async get(incidentId: string): Promise<IncidentRow | null> {
    const rows = await this.sql.query<Row>(`SELECT ${COLUMNS} FROM register.incidents WHERE incident_id = $1`, [
      incidentId,
    ]);
    return rows[0] === undefined ? null : rowOf(rows[0]);
  }

  async list({ class: incidentClass, state, severity, open, limit = 1000 }: IncidentQuery): Promise<IncidentRow[]> {
    const rows = await this.sql.query<Row>(
      `SELECT ${COLUMNS} FROM register.incidents
       WHERE ($1::text IS NULL OR class = $1) AND ($2::text IS NULL OR state = $2)
         AND ($3::text IS NULL OR severity = $3) AND ($4::boolean IS NULL OR open = $4)
       ORDER BY created_at DESC, incident_id DESC LIMIT $5`,
      [incidentClass ?? null, state ?? null, severity ?? null, open ?? null, limit],
    );
    return rows.map(rowOf);
  }

  /** Ids of open incidents behind this one, oldest first; from the first where it is null. */
  async openAfter(incidentId: string | null, limit: number): Promise<string[]> {
    const rows = await this.sql.query<{ incident_id: string }>(
      `SELECT incident_id FROM register.incidents WHERE open AND ($1::text IS NULL OR incident_id > $1)
       ORDER BY incident_id LIMIT $2`,
      [incidentId, limit],
    );
    return rows.map(({ incident_id }) => incident_id);
  }

  async stats(): Promise<IncidentCounts> {
    const rows = await this.sql.query<{
      class: string;
      severity: string;
      open: boolean;
      settled: boolean;
      count: number;
    }>(
      'SELECT class, severity, open, settled, count(*) AS count FROM register.incidents GROUP BY class, severity, open, settled',
    );
    const sum = (of: typeof rows): number => of.reduce((all, { count }) => all + Number(count), 0);
    const by = (of: typeof rows, name: 'class' | 'severity'): Record<string, number> =>
      Object.fromEntries(
        [...new Set(of.map((row) => row[name]))].map((one) => [one, sum(of.filter((row) => row[name] === one))]),
      );
    const open = rows.filter((row) => row.open);
    return {
      total_incidents: sum(rows),
      open_incidents: sum(open),
      contained_count: sum(rows.filter((row) => row.settled)),
      resolved_count: sum(rows.filter((row) => !row.open)),
      by_class: by(rows, 'class'),
      open_by_severity: by(open, 'severity'),
    };
  }

  /** The sealed bundle of a resolved incident, as the file's text. */
  async bundle(incidentId: string): Promise<string | null> {
    const [row] = await this.sql.query<{ bundle: string }>(
      'SELECT bundle FROM register.incident_bundles WHERE incident_id = $1',
      [incidentId],
    );
    return row?.bundle ?? null;
  }
}
