import { untoldView, type RegisteredIncident } from '../../domain/incidents/registered-incident.js';
import type { IncidentFilter, IncidentRecord, IncidentStats } from './incident-api.js';

/** Reads incidents from the register; rejects where that cannot be reached. */
export interface IncidentRegister {
  get(incidentId: string): Promise<RegisteredIncident | null>;
  /** Newest first. */
  list(filter: IncidentFilter): Promise<RegisteredIncident[]>;
  stats(): Promise<IncidentStats>;
  /** The sealed bundle of a resolved incident, as the file's text. */
  bundle(incidentId: string): Promise<string | null>;
}

/** What the register has, as readers see it: one that no workflow has told of yet is open, and nothing has been done. */
export function recordOf(row: RegisteredIncident): IncidentRecord {
  const { description, evidence } = row;
  return { view: row.view ?? untoldView(row), description, evidence };
}
