import type { IncidentRegisterTasks } from '../../../domain/incidents/tasks.js';
import { appendingIncident } from './append-incident.js';
import type { IncidentHoldings } from './incident-holdings.js';
import { incidentStanding } from './incident-standing.js';
import { recordingIncidents } from './record-event.js';

/** The register's part in recoveries. */
export const incidentRegisterTasks = (holdings: IncidentHoldings): IncidentRegisterTasks => ({
  recordIncidentEvent: recordingIncidents(holdings),
  incidentStanding: incidentStanding(holdings),
  appendIncident: appendingIncident(holdings),
});
