import { ApplicationFailure, continueAsNew, workflowInfo } from '@temporalio/workflow';
import { z } from 'zod';
import { newIncident, type IncidentMachine } from '../domain/incidents/incident-state.js';
import { incidentIdSchema } from '../domain/incidents/incident-id.js';
import { incidentSaidSchema } from '../domain/incidents/statements.js';
import { standingOutcomeSchema } from '../domain/incidents/tasks.js';
import { INCIDENT_SIGNALS, type IncidentInput } from './incident-protocol.js';
import { incidentRegister } from './incident-tasks.js';
import { runIncident } from './run-incident.js';

const MAX_EVENTS = 2000;

const inputSchema = z.strictObject({
  incident_id: incidentIdSchema,
  state: z
    .custom<IncidentMachine>((value) => typeof value === 'object' && value !== null && 'phase' in value)
    .optional(),
  waiting: z.array(z.strictObject({ signal: z.enum(INCIDENT_SIGNALS), said: incidentSaidSchema })).default([]),
  max_events: z.number().int().min(50).default(MAX_EVENTS),
});

/**
 * One incident: contained at once, kept so until the gate is passed, released in reverse, and over when the host calls itself
 * trusted. The machine in `domain/incidents/incident-machine.ts` decides; this keeps under way what it wants. What the
 * incident is it asks of the register: whoever starts this workflow says only which.
 */
export async function incident(raw: IncidentInput): Promise<{ incident_id: string; end: 'resolved' }> {
  const continued = workflowInfo().continuedFromExecutionRunId !== undefined;
  const parsed = inputSchema.safeParse(raw);
  if (!parsed.success) throw ApplicationFailure.nonRetryable('expected {incident_id}', 'invalid_input');
  const { incident_id, max_events } = parsed.data;
  const state = continued && parsed.data.state !== undefined ? parsed.data.state : await opened(incident_id);
  const run = await runIncident(state, continued ? parsed.data.waiting : [], max_events);
  if (!run.finished)
    await continueAsNew<typeof incident>({ incident_id, max_events, state: run.state, waiting: run.waiting });
  return { incident_id, end: 'resolved' };
}

async function opened(incident_id: string): Promise<IncidentMachine> {
  const answer = standingOutcomeSchema.parse(
    await incidentRegister('what the incident is').incidentStanding({ incident_id }),
  );
  if (answer.incident.incident_id !== incident_id)
    throw ApplicationFailure.nonRetryable('the register spoke of another incident', 'no_usable_answer');
  return newIncident(answer.incident, answer.receipt);
}
