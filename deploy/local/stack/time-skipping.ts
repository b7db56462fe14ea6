import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { isGrpcServiceError, QueryNotRegisteredError, type Client, type ConnectionLike } from '@temporalio/client';
import Long from 'long';
import type { CeremonyView } from '../../../domain/view.js';

/** The server skips at most this many times in one go; a long timebox has a wait every five minutes. */
const MAX_SKIPS = 5000;

interface Execution {
  namespace: string;
  workflowId: string;
}

/** A workflow's own time, which runs ahead of the clock by whatever was skipped; null when nothing was skipped yet. */
export async function virtualNow(
  connection: ConnectionLike,
  { namespace, workflowId }: Execution,
): Promise<Date | null> {
  const answer = await connection.workflowService.describeWorkflowExecution({ namespace, execution: { workflowId } });
  const time = answer.workflowExtendedInfo?.timeSkippingInfo?.currentTime;
  if (!time) return null;
  return new Date(Number(time.seconds ?? 0) * 1000 + Math.floor((time.nanos ?? 0) / 1e6));
}

/** gRPC's status for what is not there (https://grpc.io/docs/guides/status-codes/). */
const GRPC_NOT_FOUND = 5;

/** How long before a time that the workflow waits for a skip stops, so that it passes in real time. */
const MARGIN_MS = 400;

/** What is due so long by the ceremony's own time, with nothing under way, was skipped past: one more skip fires it. */
const OVERDUE_MS = 5_000;
const NUDGE_MS = 1_000;

/**
 * Moves one ceremony's time forward by `seconds` and resolves when it has arrived or the workflow has ended. The server can
 * skip past a timer that lies on the way before firing it (measured: one time in six, by more than a minute), so this
 * stops just before every time the ceremony waits for and lets that pass by itself.
 *
 * Works on a server whose `frontend.WorkflowTimeSkippingEnabled` is on: the local stack's alone. Skipping waits while an
 * activity runs; each skip takes about a second.
 */
export async function advanceCeremony(
  client: Client,
  workflowId: string,
  seconds: number,
  timeoutMs = 120_000,
): Promise<'arrived' | 'ended'> {
  const connection = client.connection;
  const execution = { namespace: client.options.namespace, workflowId };
  const giveUpAt = Date.now() + timeoutMs;
  const handle = client.workflow.getHandle(workflowId);
  const now = async (): Promise<number> => ((await virtualNow(connection, execution)) ?? new Date()).getTime();
  const target = (await now()) + seconds * 1000;
  for (;;) {
    const left = target - (await now());
    if (left <= 0) return 'arrived';
    if ((await handle.describe()).closeTime) return 'ended';
    const view = await handle.query<CeremonyView>('view').catch(notThere);
    const next = Date.parse(view?.next_at ?? '');
    const until = Number.isNaN(next) || next > target ? left : next - MARGIN_MS - (await now());
    const overdue = until < -OVERDUE_MS && (await waitsForNothing(connection, execution));
    const end =
      view !== null && (until > 1000 || overdue)
        ? await skip(connection, execution, overdue ? NUDGE_MS : until, giveUpAt)
        : await sleep(200, 'arrived' as const);
    if (end === 'ended') return end;
    if (Date.now() > giveUpAt) {
      const where = await whereItStands(connection, execution);
      throw new Error(`${workflowId} did not get ${seconds} s further within ${timeoutMs} ms: ${where}`);
    }
  }
}

async function waitsForNothing(connection: ConnectionLike, { namespace, workflowId }: Execution): Promise<boolean> {
  const answer = await connection.workflowService.describeWorkflowExecution({ namespace, execution: { workflowId } });
  return (answer.pendingActivities ?? []).length === 0 && !answer.pendingWorkflowTask;
}

/** What a ceremony that does not move is busy with, in words: its own time, its next time, and what runs. */
async function whereItStands(connection: ConnectionLike, { namespace, workflowId }: Execution): Promise<string> {
  const answer = await connection.workflowService.describeWorkflowExecution({ namespace, execution: { workflowId } });
  const time = answer.workflowExtendedInfo?.timeSkippingInfo?.currentTime;
  const running = (answer.pendingActivities ?? []).map(
    ({ activityType, attempt, lastFailure }) =>
      `${activityType?.name} (attempt ${attempt}${lastFailure?.message ? `, after: ${lastFailure.message}` : ''})`,
  );
  const task = answer.pendingWorkflowTask ? `, a workflow task (attempt ${answer.pendingWorkflowTask.attempt})` : '';
  return `at ${Number(time?.seconds ?? 0)} s of its own time it waits for ${running.join(', ') || 'no activity'}${task}`;
}

/** Moves a workflow that tells no next time forward by `seconds`; a timer on the way may fire late. */
export function skipAhead(
  client: Client,
  workflowId: string,
  seconds: number,
  timeoutMs = 120_000,
): Promise<'arrived' | 'ended'> {
  const execution = { namespace: client.options.namespace, workflowId };
  return skip(client.connection, execution, seconds * 1000, Date.now() + timeoutMs);
}

/** A workflow that has just begun does not answer yet. */
function notThere(error: unknown): null {
  if (error instanceof QueryNotRegisteredError) return null;
  throw error;
}

/**
 * One skip of the server's, which may fire timers late. Asked for once: it goes from timer to timer, and what is asked for in
 * between comes on top of what is left of it.
 */
async function skip(
  connection: ConnectionLike,
  execution: Execution,
  ms: number,
  giveUpAt: number,
): Promise<'arrived' | 'ended'> {
  const { namespace, workflowId } = execution;
  const now = async (): Promise<number> => ((await virtualNow(connection, execution)) ?? new Date()).getTime();
  const target = (await now()) + ms;
  if ((await fastForward(connection, execution, ms)) === 'ended') return 'ended';
  for (;;) {
    const answer = await connection.workflowService.describeWorkflowExecution({ namespace, execution: { workflowId } });
    if (answer.workflowExecutionInfo?.closeTime) return 'ended';
    if ((await now()) >= target - ARRIVED_MS || Date.now() > giveUpAt) return 'arrived';
    await sleep(50);
  }
}

/** So near to where it was to go, a workflow has arrived. */
const ARRIVED_MS = 50;

async function fastForward(
  connection: ConnectionLike,
  { namespace, workflowId }: Execution,
  ms: number,
): Promise<'asked' | 'ended'> {
  const duration = { seconds: Long.fromNumber(Math.floor(ms / 1000)), nanos: (Math.floor(ms) % 1000) * 1e6 };
  const timeSkippingConfig = {
    enabled: true,
    maxSessionSkipCount: MAX_SKIPS,
    fastForwardConfig: { id: randomUUID(), duration },
  };
  try {
    await connection.workflowService.updateWorkflowExecutionOptions({
      namespace,
      workflowExecution: { workflowId },
      workflowExecutionOptions: { timeSkippingConfig },
      updateMask: { paths: ['time_skipping_config'] },
    });
    return 'asked';
  } catch (error) {
    // It may end between being asked and being moved on.
    if (isGrpcServiceError(error) && Number(error.code) === GRPC_NOT_FOUND) return 'ended';
    throw error;
  }
}
