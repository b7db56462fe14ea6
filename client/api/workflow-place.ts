import type { WorkflowExecutionDescription } from '@temporalio/client';

/** What time it is in a workflow under time skipping, in epoch milliseconds; undefined where time is the clock's. */
export function timeThere(found: WorkflowExecutionDescription): number | undefined {
  const { seconds, nanos } = found.raw.workflowExtendedInfo?.timeSkippingInfo?.currentTime ?? {};
  if (seconds === null || seconds === undefined) return undefined;
  return Number(seconds) * 1000 + Math.floor((nanos ?? 0) / 1e6);
}
