import type { Client } from '@temporalio/client';
import { ATTEST_SCHEDULE_ID } from '../domain/incidents/attestation-report.js';
import { ensureSchedule, keepSchedule, scheduleOf, type EnsuredSchedule } from './kept-schedule.js';
import type { Log } from './role-context.js';

/** What the schedule is to be: a round that is still waiting for a host is not begun a second time. */
export const attestSchedule = (everySeconds: number): ReturnType<typeof scheduleOf> =>
  scheduleOf(everySeconds, {
    workflowType: 'reattestHosts',
    workflowId: 'reattest-hosts',
    role: 'ceremonies',
    staticSummary: 'what enrolled hosts attest while nothing is wrong',
  });

export const ensureAttestSchedule = (client: Client, everySeconds: number): Promise<EnsuredSchedule> =>
  ensureSchedule(client, ATTEST_SCHEDULE_ID, attestSchedule(everySeconds));

/** Makes the schedule, and looks twice a minute whether it is still there. */
export const keepAttestSchedule = (client: Client, everySeconds: number, log: Log): { stop(): Promise<void> } =>
  keepSchedule(() => ensureAttestSchedule(client, everySeconds), log, {
    code: 'attest',
    whose: 'the schedule of attestations',
  });
