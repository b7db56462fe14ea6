import {
  ScheduleNotFoundError,
  WorkflowFailedError,
  WorkflowIdConflictPolicy,
  WorkflowNotFoundError,
  type Client,
} from '@temporalio/client';
import { TASK_QUEUES } from '../../domain/roles.js';
import { SWEEP_NOW_WORKFLOW_ID, SWEEP_SCHEDULE_ID } from '../../domain/sweep.js';
import { openSweepReport } from '../../proofs/sweep-report.js';
import { ResealError } from '../api/reseal-error.js';
import { fromTemporal } from '../api/temporal-error.js';
import { connectTemporal } from '../api/temporal-client.js';
import type { ToldSweep } from './told-sweep.js';
import { temporalTarget } from './connect-direct.js';
import type { Session } from './session.js';
import { readTrust } from './trust-file.js';

/** Asks the sweeper through Temporal for a sweep, or joins one that somebody asked for, and waits for its signed report. */
export async function askForSweep(session: Session, seconds: number): Promise<ToldSweep> {
  return withTemporal(session, async (client) => {
    const handle = await client.workflow.start('sweep', {
      workflowId: SWEEP_NOW_WORKFLOW_ID,
      taskQueue: TASK_QUEUES.sweeper,
      args: [],
      workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
      workflowExecutionTimeout: '15m',
      staticSummary: 'a sweep that somebody asked for',
    });
    const envelope: unknown = await before(seconds, handle.result() as Promise<unknown>);
    return { ...(await proven(session, envelope)), schedule: await scheduleOf(client) };
  });
}

/** The newest report of the scheduled sweeps, and of those that somebody asked for. */
export async function lastThere(session: Session): Promise<ToldSweep> {
  return withTemporal(session, async (client) => {
    const schedule = await scheduleOf(client);
    const candidates = [...schedule.recent, { workflowId: SWEEP_NOW_WORKFLOW_ID }];
    const told: Omit<ToldSweep, 'schedule'>[] = [];
    let refusal: Error | undefined;
    for (const { workflowId, runId } of candidates) {
      const handle = client.workflow.getHandle(workflowId, runId);
      const found = await handle.describe().catch(gone);
      if (found?.status.name !== 'COMPLETED') continue;
      await handle
        .result()
        .then((envelope) => proven(session, envelope))
        .then(
          (one) => told.push(one),
          (error: unknown) => (refusal = error instanceof Error ? error : new Error('no usable answer')),
        );
    }
    const [newest] = told.toSorted((a, b) => (a.report.finished_at < b.report.finished_at ? 1 : -1));
    if (newest !== undefined) return { ...newest, schedule };
    if (refusal !== undefined) throw refusal;
    const hint = schedule.exists ? 'look again in a minute, or run one: reseal sweep run' : 'run one: reseal sweep run';
    throw new ResealError('not_found', 'no sweep has ended yet', { hint });
  });
}

type Schedule = NonNullable<ToldSweep['schedule']> & { recent: { workflowId: string; runId?: string }[] };

async function scheduleOf(client: Client): Promise<Schedule> {
  try {
    const { state, info } = await client.schedule.getHandle(SWEEP_SCHEDULE_ID).describe();
    const recent = info.recentActions.slice(-10).flatMap(({ action }) => {
      const { workflowId, firstExecutionRunId } = action.workflow;
      return [{ workflowId, runId: firstExecutionRunId }];
    });
    const next_at = info.nextActionTimes[0]?.toISOString() ?? null;
    return { exists: true, paused: state.paused, next_at, recent };
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return { exists: false, paused: false, next_at: null, recent: [] };
    throw error;
  }
}

/** Anybody who can write to the namespace can answer in the sweeper's place: only its signature counts. */
async function proven(session: Session, envelope: unknown): Promise<Omit<ToldSweep, 'schedule'>> {
  const { trust } = await readTrust(session, undefined);
  const opened = openSweepReport(envelope, trust.keyOf);
  if (opened.ok) return { report: opened.report, envelope, proven: true };
  throw new ResealError(
    'verification_failed',
    `the answer is not the sweeper's word: ${opened.code}: ${opened.message}`,
    {
      hint: 'somebody answered in its place, or its key is not in the trust roots: reseal sweep run --standalone asks nobody',
    },
  );
}

async function withTemporal<T>(session: Session, work: (client: Client) => Promise<T>): Promise<T> {
  const settings = await session.settings();
  const { payloadKeyringPath } = settings;
  if (payloadKeyringPath === undefined) {
    throw new ResealError('config_invalid', 'without the payload key the sweeper’s answer cannot be read', {
      hint: 'set RESEAL_PAYLOAD_KEYRING to the keyring file, or sweep from here: --standalone',
    });
  }
  const client = await connectTemporal({ ...temporalTarget(settings, session.io.env), payloadKeyringPath });
  try {
    return await work(client);
  } catch (error) {
    if (error instanceof ResealError) throw error;
    if (error instanceof WorkflowFailedError) {
      throw new ResealError('no_answer', 'the sweep ended without a report', {
        hint: 'is a worker playing the role sweeper? `reseal doctor`; or sweep from here: --standalone',
        cause: error,
      });
    }
    throw fromTemporal(error);
  } finally {
    await client.connection.close();
  }
}

function gone(error: unknown): null {
  if (error instanceof WorkflowNotFoundError) return null;
  throw error;
}

async function before<T>(seconds: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const hint = 'it goes on there: `reseal sweep status`. Is a worker playing the role sweeper?';
      reject(new ResealError('no_answer', `no answer from the sweeper within ${seconds} s`, { hint }));
    }, seconds * 1000);
  });
  work.catch(() => undefined);
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
