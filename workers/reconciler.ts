import { WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { OpenIntents } from '../activities/register/open-intents.js';
import { ceremonyWorkflowId, resealWorkflowId } from '../domain/identifiers.js';
import { TASK_QUEUES } from '../domain/roles.js';

export interface ReconcilerDeps extends OpenIntents {
  client: Client;
  log: (message: string, fields: Record<string, unknown>) => void;
}

/**
 * Finds ceremonies whose own workflow is closed or gone (Terminate, reset, a lost history), or believes to have ended,
 * while an intent is recorded and nothing confirmed, and starts `reseal/<event id>` for each. It is a loop of the
 * register's process and not a Temporal schedule, because whoever can write to the namespace can delete a schedule.
 */
export async function reconcileOnce(deps: ReconcilerDeps): Promise<void> {
  const { client, log } = deps;
  for (const { event_id, intent, unproven } of await deps.unended()) {
    if (!unproven && (await isRunning(client, ceremonyWorkflowId(event_id), 'breakGlass'))) continue;
    if (!intent) {
      await deps.closeRow(event_id, 'workflow_lost');
      log('closed a row that had no intent', { event_id });
      continue;
    }
    if (await isRunning(client, resealWorkflowId(event_id), 'reseal')) continue;
    await startReseal(client, event_id);
    log('started a reseal for a ceremony that is gone', { event_id });
  }
}

/** Runs `reconcileOnce` every so often until stopped; a failure is logged and the next round tries again. */
export function startReconciler(deps: ReconcilerDeps, intervalSeconds: number): { stop(): Promise<void> } {
  let stopped = false;
  let wake = (): void => undefined;
  const rest = (): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, intervalSeconds * 1000);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  const running = (async () => {
    while (!stopped) {
      try {
        await reconcileOnce(deps);
      } catch (error) {
        deps.log('reconciliation will be tried again', { error: error instanceof Error ? error.name : 'unknown' });
      }
      if (!stopped) await rest();
    }
  })();
  return {
    stop: () => {
      stopped = true;
      wake();
      return running;
    },
  };
}

/** Whether our own workflow runs under this id. Anybody may have started another there, which would do nothing. */
async function isRunning(client: Client, workflowId: string, type: 'breakGlass' | 'reseal'): Promise<boolean> {
  try {
    const found = await client.workflow.getHandle(workflowId).describe();
    const isOurs = found.type === type && found.taskQueue === TASK_QUEUES.ceremonies;
    return isOurs && (found.status.name === 'RUNNING' || found.status.name === 'PAUSED');
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}

async function startReseal(client: Client, event_id: string): Promise<void> {
  try {
    await client.workflow.start('reseal', {
      workflowId: resealWorkflowId(event_id),
      taskQueue: TASK_QUEUES.ceremonies,
      // An impostor under this id is terminated: ours was looked for just before.
      workflowIdConflictPolicy: 'TERMINATE_EXISTING',
      args: [{ event_id }],
      staticSummary: `reseal what ceremony ${event_id} left behind`,
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}
