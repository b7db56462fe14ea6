import { WorkflowExecutionAlreadyStartedError, type Client } from '@temporalio/client';
import type { OpenIntents } from '../activities/register/open-intents.js';
import { ceremonyWorkflowId, resealWorkflowId } from '../domain/identifiers.js';
import { TASK_QUEUES } from '../domain/roles.js';
import { lookAt } from './look-at-workflow.js';

export interface ReconcilerDeps extends OpenIntents {
  client: Client;
  log: (message: string, fields: Record<string, unknown>) => void;
}

/**
 * Finds ceremonies whose own workflow is closed or gone (Terminate, reset, a lost history), is stuck or held up, or believes to have
 * ended, while an intent is recorded and nothing confirmed, or no mark of an end before its deadline, and starts
 * `reseal/<event id>` for each. It is a loop of the register's process and not a Temporal schedule, because whoever can write
 * to the namespace can delete a schedule.
 */
export async function reconcileOnce(deps: ReconcilerDeps): Promise<void> {
  const { client, log } = deps;
  for (const { event_id, intent, unproven } of await deps.unended()) {
    const ceremony = await lookAt(client, ceremonyWorkflowId(event_id), 'breakGlass');
    // Without an intent nothing can stand: a stuck one may go on when its code is mended.
    if (!unproven && (ceremony === 'at_work' || (ceremony !== 'gone' && !intent))) continue;
    if (!intent) {
      await deps.closeRow(event_id, 'workflow_lost');
      log('closed a row that had no intent', { event_id });
      continue;
    }
    const reseal = await lookAt(client, resealWorkflowId(event_id), 'reseal');
    if (reseal === 'at_work' || reseal === 'stuck') continue;
    await startReseal(client, event_id);
    log('started a reseal for a ceremony that is gone', { event_id, ceremony });
  }
}

/** Does its rounds every so often until stopped; a failure of one is logged and it is tried again in the next. */
export function startReconciler(
  rounds: readonly (() => Promise<void>)[],
  log: ReconcilerDeps['log'],
  intervalSeconds: number,
): { stop(): Promise<void> } {
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
      for (const round of rounds) {
        await round().catch((error: unknown) =>
          log('reconciliation will be tried again', { error: error instanceof Error ? error.name : 'unknown' }),
        );
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

async function startReseal(client: Client, event_id: string): Promise<void> {
  try {
    await client.workflow.start('reseal', {
      workflowId: resealWorkflowId(event_id),
      taskQueue: TASK_QUEUES.ceremonies,
      // An impostor under this id is terminated, and one of ours that is held up: it was looked at just before.
      workflowIdConflictPolicy: 'TERMINATE_EXISTING',
      args: [{ event_id }],
      staticSummary: `reseal what ceremony ${event_id} left behind`,
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}
