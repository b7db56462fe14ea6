import type { Client } from '@temporalio/client';
import { SWEEP_SCHEDULE_ID } from '../domain/sweep.js';
import { ensureSchedule, keepSchedule, scheduleOf, type EnsuredSchedule } from './kept-schedule.js';
import type { Log } from './role-context.js';

/** What the schedule is to be. */
export const sweepSchedule = (everySeconds: number): ReturnType<typeof scheduleOf> =>
  scheduleOf(everySeconds, {
    workflowType: 'sweep',
    workflowId: 'sweep',
    role: 'sweeper',
    staticSummary: 'what ceremonies left behind past their time',
  });

export const ensureSweepSchedule = (client: Client, everySeconds: number): Promise<EnsuredSchedule> =>
  ensureSchedule(client, SWEEP_SCHEDULE_ID, sweepSchedule(everySeconds));

/** Makes the schedule, and looks twice a minute whether it is still there. */
export const keepSweepSchedule = (client: Client, everySeconds: number, log: Log): { stop(): Promise<void> } =>
  keepSchedule(() => ensureSweepSchedule(client, everySeconds), log, { code: 'sweep', whose: 'the sweep’s schedule' });
