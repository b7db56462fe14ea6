import { randomBytes } from 'node:crypto';
import proto from '@temporalio/proto';
import Long from 'long';
import { ceremonyWorkflowId } from '../../domain/identifiers.js';
import { TASK_QUEUES, type Role } from '../../domain/roles.js';
import type { CeremonyStack } from './ceremony-stack.js';
import { RawTemporal, type HistoryEvent } from './raw-temporal.js';

const { CommandType } = proto.temporal.api.enums.v1;
type Command = proto.temporal.api.command.v1.ICommand;

/** How an activity ended that somebody scheduled for themselves. */
export type Got = { completed: unknown } | { failed: string };

/**
 * Somebody with full write access to the namespace and the payload key, and with no role's key: has any role's activity run
 * with any arguments, from a workflow of their own that no code of ours is part of.
 */
export class Attacker {
  private readonly raw: RawTemporal;

  constructor(private readonly stack: CeremonyStack) {
    this.raw = new RawTemporal(stack);
  }

  private get service() {
    return this.stack.stack.connection.workflowService;
  }
  private get namespace(): string {
    return this.stack.stack.dev.temporal_namespace;
  }

  /** What a role answers to these arguments. `afterSeconds` of the attacker's workflow pass first. */
  async run(role: Role, activity: string, input: unknown, afterSeconds = 0): Promise<Got> {
    const workflowId = `attack/${randomBytes(8).toString('hex')}`;
    await this.raw.start(workflowId, 'attack', workflowId, null);
    try {
      if (afterSeconds > 0) {
        await this.take(workflowId, timer(afterSeconds));
        await this.fastForward(workflowId, afterSeconds + 1);
      }
      await this.take(workflowId, await this.scheduling(role, activity, input));
      // A task comes with the answer; skipped time may bring others before it.
      for (;;) {
        const { taskToken } = await this.poll(workflowId);
        const answer = await this.answerIn(await this.raw.history(workflowId));
        if (answer !== undefined) return answer;
        await this.respond(taskToken, []);
      }
    } finally {
      await this.stack.stack.client.workflow.getHandle(workflowId).terminate();
    }
  }

  /** The arguments with which a ceremony's own activity was scheduled, newest last. */
  async inputsOf(event: string, activity: string): Promise<Record<string, unknown>[]> {
    const events = await this.raw.history(ceremonyWorkflowId(event));
    const inputs = events.flatMap(({ activityTaskScheduledEventAttributes: task }) =>
      task?.activityType?.name === activity ? (task.input?.payloads?.slice(0, 1) ?? []) : [],
    );
    return Promise.all(inputs.map(async (input) => (await this.raw.decoded(input)) as Record<string, unknown>));
  }

  private async poll(workflowId: string) {
    const taskQueue = { name: workflowId };
    const { namespace } = this;
    // Asked for without a deadline, the server refuses.
    const task = await this.stack.stack.connection.withDeadline(Date.now() + 40_000, () =>
      this.service.pollWorkflowTaskQueue({ namespace, taskQueue, identity: 'somebody' }),
    );
    if (task.taskToken.length === 0) throw new Error(`no task for ${workflowId}`);
    return task;
  }

  private async take(workflowId: string, command: Command): Promise<void> {
    const { taskToken } = await this.poll(workflowId);
    await this.respond(taskToken, [command]);
  }

  private async respond(taskToken: Uint8Array, commands: Command[]): Promise<void> {
    const { namespace } = this;
    await this.service.respondWorkflowTaskCompleted({ namespace, taskToken, identity: 'somebody', commands });
  }

  private async scheduling(role: Role, activity: string, input: unknown): Promise<Command> {
    return {
      commandType: CommandType.COMMAND_TYPE_SCHEDULE_ACTIVITY_TASK,
      scheduleActivityTaskCommandAttributes: {
        activityId: 'attack',
        activityType: { name: activity },
        taskQueue: { name: TASK_QUEUES[role] },
        input: { payloads: [await this.raw.value(input)] },
        startToCloseTimeout: { seconds: Long.fromNumber(30) },
        scheduleToCloseTimeout: { seconds: Long.fromNumber(40) },
        retryPolicy: { maximumAttempts: 1 },
      },
    };
  }

  private async fastForward(workflowId: string, seconds: number): Promise<void> {
    await this.service.updateWorkflowExecutionOptions({
      namespace: this.namespace,
      workflowExecution: { workflowId },
      workflowExecutionOptions: {
        timeSkippingConfig: {
          enabled: true,
          fastForwardConfig: { id: workflowId, duration: { seconds: Long.fromNumber(seconds) } },
        },
      },
      updateMask: { paths: ['time_skipping_config'] },
    });
  }

  private async answerIn(events: readonly HistoryEvent[]): Promise<Got | undefined> {
    for (const event of events) {
      const answer = event.activityTaskCompletedEventAttributes?.result?.payloads?.[0];
      if (answer) return { completed: await this.raw.decoded(answer) };
      const failure =
        event.activityTaskFailedEventAttributes?.failure ?? event.activityTaskTimedOutEventAttributes?.failure;
      if (failure) return { failed: failure.applicationFailureInfo?.type ?? failure.message ?? 'failed' };
    }
    return undefined;
  }
}

const timer = (seconds: number): Command => ({
  commandType: CommandType.COMMAND_TYPE_START_TIMER,
  startTimerCommandAttributes: { timerId: 'wait', startToFireTimeout: { seconds: Long.fromNumber(seconds) } },
});
