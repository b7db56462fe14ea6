import { ApplicationFailure, proxyActivities } from '@temporalio/workflow';
import {
  importBatchSchema,
  importReportSchema,
  type HistoryTasks,
  type ImportBatch,
  type ImportReport,
} from '../domain/imported-history.js';
import { TASK_QUEUES } from '../domain/roles.js';

/** Bounded, unlike a ceremony's own steps: whoever imports waits for the answer, and may run the same import again. */
const { importHistory: importBatch } = proxyActivities<HistoryTasks>({
  taskQueue: TASK_QUEUES.register,
  startToCloseTimeout: '30s',
  scheduleToCloseTimeout: '5m',
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '20s' },
  summary: 'verify and keep lines of history',
});

/**
 * Carries lines of another system's log to the register, which alone may write there and verifies each of them with its
 * own keys. What it answers is for the reader; nothing rests on it.
 */
export async function importHistory(raw: ImportBatch): Promise<ImportReport> {
  const input = importBatchSchema.safeParse(raw);
  if (!input.success) throw ApplicationFailure.nonRetryable('expected a batch of lines', 'invalid_input');
  const report = importReportSchema.safeParse(await importBatch(input.data));
  if (report.success) return report.data;
  throw ApplicationFailure.nonRetryable('the register gave no usable answer', 'no_usable_answer');
}
