import { WorkflowExecutionAlreadyStartedError, type Client } from '@temporalio/client';
import { incidentWorkflowId } from '../domain/incidents/incident-id.js';
import { TASK_QUEUES } from '../domain/roles.js';
import { lookAt } from './look-at-workflow.js';

export interface IncidentReconcilerDeps {
  client: Client;
  /** Ids of open incidents behind this one, in their order; from the first where it is null. */
  openAfter: (incidentId: string | null, limit: number) => Promise<string[]>;
  log: (message: string, fields: Record<string, unknown>) => void;
}

/** A round asks after no more than these; the next one goes on behind them. */
const AT_A_TIME = 100;

/**
 * A round that begins incidents again which the register holds to be open and whose workflow somebody ended, keeps from
 * containing, or made believe that it was over. What begins again asks the register what it is, and contains again; the
 * binding is the one that was given before. Whoever acknowledged has to say so again.
 */
export function incidentReconciler({ client, openAfter, log }: IncidentReconcilerDeps): () => Promise<void> {
  let last: string | null = null;
  return async () => {
    const ids = await openAfter(last, AT_A_TIME);
    last = ids.length < AT_A_TIME ? null : (ids.at(-1) ?? null);
    for (const incident_id of ids) {
      const workflow = await lookAt(client, incidentWorkflowId(incident_id), 'incident');
      if (workflow === 'at_work' || workflow === 'stuck') continue;
      await begin(client, incident_id);
      log('began an incident again whose workflow is gone', { incident_id, workflow });
    }
  };
}

async function begin(client: Client, incident_id: string): Promise<void> {
  try {
    await client.workflow.start('incident', {
      workflowId: incidentWorkflowId(incident_id),
      taskQueue: TASK_QUEUES.ceremonies,
      // An impostor under this id is terminated, and one of ours that is held up: it was looked at just before.
      workflowIdConflictPolicy: 'TERMINATE_EXISTING',
      args: [{ incident_id }],
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}
