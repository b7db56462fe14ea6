import { ApplicationFailure, log, proxyActivities } from '@temporalio/workflow';
import { TASK_QUEUES } from '../domain/roles.js';
import { sweepAnswerSchema, type SweeperTasks, type SweepPager, type SweptLedger } from '../domain/sweep.js';
import type { DsseEnvelope } from '../domain/intent.js';

/** Bounded, unlike a ceremony's own steps: the next sweep begins anew, and one that is held up must not be in its way. */
const { sweep: sweepEverything } = proxyActivities<SweeperTasks>({
  taskQueue: TASK_QUEUES.sweeper,
  startToCloseTimeout: '10m',
  scheduleToCloseTimeout: '12m',
  heartbeatTimeout: '30s',
  retry: { initialInterval: '2s', maximumAttempts: 3 },
  summary: 'read what Graph says stands, end what is past its time',
});

/** For the ledger alone, and best effort: the sweep has ended it whether or not anybody writes it down. */
const { append } = proxyActivities<SweptLedger>({
  taskQueue: TASK_QUEUES.register,
  startToCloseTimeout: '15s',
  scheduleToCloseTimeout: '45s',
  retry: { initialInterval: '1s', maximumAttempts: 5 },
  summary: 'the sweeper’s word for the ledger',
});

/** Through the register, which has the channels. A register that is away keeps nobody from reading the report. */
const { page } = proxyActivities<SweepPager>({
  taskQueue: TASK_QUEUES.register,
  startToCloseTimeout: '15s',
  scheduleToCloseTimeout: '45s',
  retry: { initialInterval: '1s', maximumAttempts: 5 },
  summary: 'tell of what our application made and nobody approved',
});

/**
 * One sweep, started by its schedule or by whoever asks. It takes no input and decides nothing: its worker reads Graph with
 * its own identity and checks every marker itself. The result is the signed report; unsigned ones are nobody's word.
 */
export async function sweep(): Promise<DsseEnvelope> {
  const answer = sweepAnswerSchema.safeParse(await sweepEverything());
  if (!answer.success) throw ApplicationFailure.nonRetryable('the sweeper gave no usable answer', 'no_usable_answer');
  const { envelope, receipts, pages } = answer.data;
  if (pages) {
    try {
      await page({ envelope });
    } catch {
      log.warn('nobody could be told of a compromise: the report has it');
    }
  }
  for (const { event_id, receipt } of receipts) {
    try {
      // Without a view: the sweep knows nothing of the ceremony, and the register keeps the one it has.
      await append({ event_id, items: [receipt] });
    } catch {
      log.warn('the ledger does not have the sweep’s word yet', { event_id });
    }
  }
  return envelope;
}
