import { ApplicationFailure, proxyActivities } from '@temporalio/workflow';
import { jobInputSchema, jobOutcomeSchema, type JobAnswer, type JobInput, type JobTasks } from '../domain/job-tasks.js';
import { TASK_QUEUES } from '../domain/roles.js';
import { recorded } from './recorded.js';

/** Bounded, unlike a ceremony's own steps: whoever runs a job waits for the answer, and asks again. */
const { job: letIn } = proxyActivities<JobTasks>({
  taskQueue: TASK_QUEUES.authority,
  startToCloseTimeout: '15s',
  scheduleToCloseTimeout: '45s',
  retry: { initialInterval: '1s', maximumAttempts: 5 },
  summary: 'judge everything again, give a token',
});

/** Carries one signed statement to the authority, and its word to the ledger. The token is useless without the job's key. */
export async function job(raw: JobInput): Promise<JobAnswer> {
  const input = jobInputSchema.safeParse(raw);
  if (!input.success) throw ApplicationFailure.nonRetryable('expected {event_id, envelope}', 'invalid_input');
  const outcome = jobOutcomeSchema.safeParse(await letIn(input.data));
  if (!outcome.success)
    throw ApplicationFailure.nonRetryable('the authority gave no usable answer', 'no_usable_answer');
  const { receipt, ...answer } = outcome.data;
  await recorded(input.data.event_id, receipt);
  return answer;
}
