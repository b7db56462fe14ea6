import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { ApplicationFailure, getExternalWorkflowHandle, ParentClosePolicy, startChild } from '@temporalio/workflow';
import { incidentWorkflowId } from '../domain/incidents/incident-id.js';
import { incidentReportSchema, type IncidentReport } from '../domain/incidents/incident.js';
import { recordedEventSchema, type RecordedEvent } from '../domain/incidents/tasks.js';
import { incident } from './incident.js';
import { escalateSignal } from './incident-protocol.js';
import { incidentRegister } from './incident-tasks.js';

/**
 * Carries one event to the register, which alone says whether it opens an incident, joins one or makes one worse, and sees
 * to it that the incident's workflow runs: one that somebody ended is begun again by the next event of its kind.
 */
export async function reportIncident(raw: IncidentReport): Promise<RecordedEvent> {
  const report = incidentReportSchema.safeParse(raw);
  if (!report.success) throw ApplicationFailure.nonRetryable('expected a report of an incident', 'invalid_input');
  const answer = recordedEventSchema.safeParse(
    await incidentRegister('record the event').recordIncidentEvent(report.data),
  );
  if (!answer.success) throw ApplicationFailure.nonRetryable('the register gave no usable answer', 'no_usable_answer');
  const recorded = answer.data;
  if (recorded.outcome === 'refused') return recorded;
  const { incident_id, escalated } = recorded;
  const workflowId = incidentWorkflowId(incident_id);
  try {
    await startChild(incident, {
      workflowId,
      args: [{ incident_id }],
      staticSummary: `${recorded.severity} ${report.data.class} on ${report.data.host}`,
      parentClosePolicy: ParentClosePolicy.ABANDON,
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    if (escalated)
      await getExternalWorkflowHandle(workflowId)
        .signal(escalateSignal)
        .catch(() => undefined);
  }
  return recorded;
}
