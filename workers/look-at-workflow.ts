import { WorkflowNotFoundError, type Client, type WorkflowExecutionDescription } from '@temporalio/client';
import { TASK_QUEUES } from '../domain/roles.js';

/**
 * After this many attempts at one workflow task (ten seconds each) a ceremony is taken for lost: its history does not replay with the code that
 * runs, so it hears no kill and passes no deadline until somebody mends that.
 */
const STUCK_ATTEMPTS = 5;

export type Look = 'at_work' | 'stuck' | 'held_up' | 'gone';

/** How our own workflow under this id is. Anybody may have started another there, which would do nothing. */
export async function lookAt(
  client: Client,
  workflowId: string,
  type: 'breakGlass' | 'reseal' | 'incident',
): Promise<Look> {
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

/**
 * Without these nothing ends: an order is not heard, or what stands is not removed, or not known to be gone. And without
 * the others nothing is contained.
 */
const ENDING: ReadonlySet<unknown> = new Set([
  ...['check', 'mark', 'rollback', 'rollbackOnOrder', 'verifyRolledBack'],
  ...['incidentStanding', 'contain', 'verifyContained', 'bindContainment'],
]);
const QUEUES: ReadonlySet<unknown> = new Set(Object.values(TASK_QUEUES));

type PendingActivity = NonNullable<WorkflowExecutionDescription['raw']['pendingActivities']>[number];

/** Nobody of ours pauses an activity, or moves it to another queue: whoever writes to the namespace can. */
function isHeldUp({ activityType, paused, activityOptions }: PendingActivity): boolean {
  if (!ENDING.has(activityType?.name)) return false;
  const queue = activityOptions?.taskQueue?.name;
  return paused === true || (typeof queue === 'string' && queue !== '' && !QUEUES.has(queue));
}
