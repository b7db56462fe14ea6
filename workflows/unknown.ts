import { ApplicationFailure, workflowInfo } from '@temporalio/workflow';

/** Whatever else somebody starts on this queue: without this, its first workflow task would be tried again for ever. */
export async function unknown(): Promise<never> {
  throw ApplicationFailure.nonRetryable(
    `there is no workflow called ${workflowInfo().workflowType}`,
    'unknown_workflow',
  );
}
