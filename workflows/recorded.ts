import { ActivityFailure, ApplicationFailure, proxyActivities } from '@temporalio/workflow';
import type { OutboxItem } from '../domain/entry.js';
import { TASK_QUEUES } from '../domain/roles.js';

/** The register's `append` without a view of the ceremony, of which a job knows nothing. */
interface Ledger {
  append(input: { event_id: string; items: OutboxItem[] }): Promise<unknown>;
}

/** Without limit: what was done or refused is answered when the ledger has it. */
const { append } = proxyActivities<Ledger>({
  taskQueue: TASK_QUEUES.register,
  startToCloseTimeout: '15s',
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '20s' },
  summary: 'into the ledger',
});

/** Has one entry recorded. An event that was never admitted has no ledger that could hold it. */
export async function recorded(event_id: string, item: OutboxItem): Promise<void> {
  try {
    await append({ event_id, items: [item] });
  } catch (error) {
    const isUnknown =
      error instanceof ActivityFailure &&
      error.cause instanceof ApplicationFailure &&
      error.cause.type === 'event_unknown';
    if (!isUnknown) throw error;
  }
}
