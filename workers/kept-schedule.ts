import { ScheduleAlreadyRunning, ScheduleNotFoundError, ScheduleOverlapPolicy, type Client } from '@temporalio/client';
import { TASK_QUEUES, type Role } from '../domain/roles.js';
import type { Log } from './role-context.js';

/** What is held up (its activity paused, its queue emptied) ends by itself, and the next one is not skipped for it. */
const LONGEST_RUN = '15m';
const LOOK_AGAIN_MS = 30_000;

/** A schedule that starts one workflow without arguments, never beside itself; the same for every worker that keeps it. */
export const scheduleOf = (
  everySeconds: number,
  { role, ...action }: { workflowType: string; workflowId: string; role: Role; staticSummary: string },
) => ({
  spec: { intervals: [{ every: everySeconds * 1000 }] },
  action: {
    type: 'startWorkflow' as const,
    ...action,
    taskQueue: TASK_QUEUES[role] as string,
    args: [],
    workflowExecutionTimeout: LONGEST_RUN,
  },
  policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1m' },
});

export type EnsuredSchedule = 'created' | 'kept' | 'mended' | 'paused';

/**
 * Makes the schedule, or makes it again what it is to be: whoever can write to the namespace can delete it, pause it, or have
 * it start something else. One that is paused is told of and left paused: it may be an operator's doing.
 */
export async function ensureSchedule(
  client: Client,
  scheduleId: string,
  wanted: ReturnType<typeof scheduleOf>,
): Promise<EnsuredSchedule> {
  const handle = client.schedule.getHandle(scheduleId);
  try {
    const found = await handle.describe();
    const { action, spec, state, policies } = found;
    const isOurs =
      action.workflowType === wanted.action.workflowType &&
      action.taskQueue === wanted.action.taskQueue &&
      (action.args ?? []).length === 0 &&
      spec.intervals?.length === 1 &&
      spec.intervals[0]?.every === wanted.spec.intervals[0]?.every &&
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
    await client.schedule.create({ scheduleId, ...wanted });
    return 'created';
  } catch (error) {
    // Another worker of the role was first.
    if (error instanceof ScheduleAlreadyRunning) return 'kept';
    throw error;
  }
}

/**
 * Makes the schedule, and looks twice a minute whether it is still there. A failure is logged, and tried again. `whose` is how
 * the log calls it, `code` how its codes begin.
 */
export function keepSchedule(
  ensure: () => Promise<EnsuredSchedule>,
  log: Log,
  { code, whose }: { code: string; whose: string },
): { stop(): Promise<void> } {
  const stopped = new AbortController();
  const running = (async () => {
    for (let first = true; !stopped.signal.aborted; first = false) {
      try {
        const found = await ensure();
        if (found === 'paused') log(`${whose} is paused: nothing happens by itself`, { code: `${code}_paused` });
        else if (found !== 'kept' && !(first && found === 'created'))
          log(`${whose} was changed or gone, and is as it should be again`, { code: `${code}_${found}` });
      } catch (error) {
        const reason = error instanceof Error ? error.name : 'unknown';
        log(`${whose} will be looked at again`, { code: `${code}_schedule_unknown`, error: reason });
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
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, LOOK_AGAIN_MS);
    signal.addEventListener('abort', done, { once: true });
  });
}
