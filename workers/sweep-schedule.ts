import { ScheduleAlreadyRunning, ScheduleNotFoundError, ScheduleOverlapPolicy, type Client } from '@temporalio/client';
import { TASK_QUEUES } from '../domain/roles.js';
import { SWEEP_SCHEDULE_ID } from '../domain/sweep.js';
import type { Log } from './role-context.js';

/** A sweep that is held up (its activity paused, its queue emptied) ends by itself, and the next one is not skipped for it. */
const LONGEST_SWEEP = '15m';
const LOOK_AGAIN_MS = 30_000;

/** What the schedule is to be; the same for every worker that plays the role. */
export const sweepSchedule = (everySeconds: number) => ({
  spec: { intervals: [{ every: everySeconds * 1000 }] },
  action: {
    type: 'startWorkflow' as const,
    workflowType: 'sweep',
    workflowId: 'sweep',
    taskQueue: TASK_QUEUES.sweeper,
    args: [],
    workflowExecutionTimeout: LONGEST_SWEEP,
    staticSummary: 'what ceremonies left behind past their time',
  },
  policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1m' },
});

export type EnsuredSchedule = 'created' | 'kept' | 'mended' | 'paused';

/**
 * Makes the schedule, or makes it again what it is to be: whoever can write to the namespace can delete it, pause it, or have
 * it start something else. One that is paused is told of and left paused: it may be an operator's doing.
 */
export async function ensureSweepSchedule(client: Client, everySeconds: number): Promise<EnsuredSchedule> {
  const wanted = sweepSchedule(everySeconds);
  const handle = client.schedule.getHandle(SWEEP_SCHEDULE_ID);
  try {
    const found = await handle.describe();
    const { action, spec, state, policies } = found;
    const isOurs =
      action.workflowType === wanted.action.workflowType &&
      action.taskQueue === wanted.action.taskQueue &&
      (action.args ?? []).length === 0 &&
      spec.intervals?.length === 1 &&
      spec.intervals[0]?.every === everySeconds * 1000 &&
      (spec.calendars ?? []).length === 0 &&
      (spec.skip ?? []).length === 0 &&
      spec.startAt === undefined &&
      spec.endAt === undefined &&
      policies.overlap === ScheduleOverlapPolicy.SKIP;
    if (!isOurs) {
      await handle.update(({ state: kept }) => ({ ...wanted, state: kept }));
      return 'mended';
    }
    return state.paused ? 'paused' : 'kept';
  } catch (error) {
    if (!(error instanceof ScheduleNotFoundError)) throw error;
  }
  try {
    await client.schedule.create({ scheduleId: SWEEP_SCHEDULE_ID, ...wanted });
    return 'created';
  } catch (error) {
    // Another worker of the role was first.
    if (error instanceof ScheduleAlreadyRunning) return 'kept';
    throw error;
  }
}

/** Makes the schedule, and looks twice a minute whether it is still there. A failure is logged, and tried again. */
export function keepSweepSchedule(client: Client, everySeconds: number, log: Log): { stop(): Promise<void> } {
  const stopped = new AbortController();
  const running = (async () => {
    for (let first = true; !stopped.signal.aborted; first = false) {
      try {
        const found = await ensureSweepSchedule(client, everySeconds);
        if (found === 'paused')
          log('the sweep’s schedule is paused: nothing sweeps by itself', { code: 'sweep_paused' });
        else if (found !== 'kept' && !(first && found === 'created'))
          log('the sweep’s schedule was changed or gone, and is as it should be again', { code: `sweep_${found}` });
      } catch (error) {
        const reason = error instanceof Error ? error.name : 'unknown';
        log('the sweep’s schedule will be looked at again', { code: 'sweep_schedule_unknown', error: reason });
      }
      await rest(stopped.signal);
    }
  })();
  return {
    stop: () => {
      stopped.abort();
      return running;
    },
  };
}

function rest(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = setTimeout(resolve, LOOK_AGAIN_MS);
    signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true });
  });
}
