import {
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  type Client,
  type WorkflowExecutionDescription,
} from '@temporalio/client';
import type { OpenIntents } from '../activities/register/open-intents.js';
import { ceremonyWorkflowId, resealWorkflowId } from '../domain/identifiers.js';
import { TASK_QUEUES } from '../domain/roles.js';

export interface ReconcilerDeps extends OpenIntents {
  client: Client;
  log: (message: string, fields: Record<string, unknown>) => void;
}

/**
 * After this many attempts at one workflow task (ten seconds each) a ceremony is taken for lost: its history does not replay with the code that
 * runs, so it hears no kill and passes no deadline until somebody mends that.
 */
const STUCK_ATTEMPTS = 5;

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

type Look = 'at_work' | 'stuck' | 'held_up' | 'gone';

/** How our own workflow under this id is. Anybody may have started another there, which would do nothing. */
async function lookAt(client: Client, workflowId: string, type: 'breakGlass' | 'reseal'): Promise<Look> {
  try {
    const found = await client.workflow.getHandle(workflowId).describe();
    const isOurs = found.type === type && found.taskQueue === TASK_QUEUES.ceremonies;
    if (!isOurs || !OPEN.has(found.status.name)) return 'gone';
    if (found.status.name === 'PAUSED' || found.raw.pendingActivities?.some(isHeldUp) === true) return 'held_up';
    return (found.raw.pendingWorkflowTask?.attempt ?? 0) >= STUCK_ATTEMPTS ? 'stuck' : 'at_work';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return 'gone';
    throw error;
  }
}
const OPEN: ReadonlySet<string> = new Set(['RUNNING', 'PAUSED']);

/** Without these nothing ends: an order is not heard, or what stands is not removed, or not known to be gone. */
const ENDING: ReadonlySet<unknown> = new Set(['check', 'mark', 'rollback', 'rollbackOnOrder', 'verifyRolledBack']);
const QUEUES: ReadonlySet<unknown> = new Set(Object.values(TASK_QUEUES));

type PendingActivity = NonNullable<WorkflowExecutionDescription['raw']['pendingActivities']>[number];

/** Nobody of ours pauses an activity, or moves it to another queue: whoever writes to the namespace can. */
function isHeldUp({ activityType, paused, activityOptions }: PendingActivity): boolean {
  if (!ENDING.has(activityType?.name)) return false;
  const queue = activityOptions?.taskQueue?.name;
  return paused === true || (typeof queue === 'string' && queue !== '' && !QUEUES.has(queue));
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
