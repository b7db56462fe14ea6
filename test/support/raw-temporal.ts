import type { Payload } from '@temporalio/common';
import proto from '@temporalio/proto';
import { ceremonyWorkflowId } from '../../domain/identifiers.js';
import type { CeremonyStack } from './ceremony-stack.js';

export type HistoryEvent = proto.temporal.api.history.v1.IHistoryEvent;
const { EventType, WorkflowTaskFailedCause } = proto.temporal.api.enums.v1;

const utf8 = (text: string): Uint8Array => Buffer.from(text, 'utf8');

/** A payload byte by byte, in clear unless `data` is something else. */
export function payload(encoding: string | null, data: string | Uint8Array, keyId?: string): Payload {
  const metadata: Record<string, Uint8Array> = {};
  if (encoding !== null) metadata['encoding'] = utf8(encoding);
  if (keyId !== undefined) metadata['reseal-key-id'] = utf8(keyId);
  return { metadata, data: typeof data === 'string' ? utf8(data) : data };
}

/** What anybody with write access to the namespace can do, past every client of ours. With the payload key, but no other key. */
export class RawTemporal {
  constructor(private readonly stack: CeremonyStack) {}

  private get service() {
    return this.stack.stack.connection.workflowService;
  }
  private get namespace(): string {
    return this.stack.stack.dev.temporal_namespace;
  }

  /** Any bytes, encrypted with the payload key as though they were a payload of ours. */
  async encrypted(encoding: string | null, data: string | Uint8Array): Promise<Payload> {
    const [codec] = this.stack.stack.client.options.loadedDataConverter.payloadCodecs;
    const [sealed] = (await codec?.encode([payload(encoding, data)])) ?? [];
    if (sealed === undefined) throw new Error('there is no codec');
    return sealed;
  }

  /** A value as our own clients would send it. */
  value(value: unknown): Promise<Payload> {
    return this.encrypted('json/plain', JSON.stringify(value) ?? 'null');
  }

  /** What a payload holds, read with the payload key. */
  async decoded(sealed: Payload): Promise<unknown> {
    const [codec] = this.stack.stack.client.options.loadedDataConverter.payloadCodecs;
    const [opened] = (await codec?.decode([sealed])) ?? [];
    return opened?.data ? JSON.parse(Buffer.from(opened.data).toString('utf8')) : undefined;
  }

  async signal(event: string, signalName: string, payloads: Payload[] | null): Promise<void> {
    await this.service.signalWorkflowExecution({
      namespace: this.namespace,
      workflowExecution: { workflowId: ceremonyWorkflowId(event) },
      signalName,
      input: payloads === null ? null : { payloads },
    });
  }

  async start(workflowId: string, type: string, taskQueue: string, payloads: Payload[] | null): Promise<void> {
    await this.service.startWorkflowExecution({
      namespace: this.namespace,
      workflowId,
      requestId: workflowId,
      workflowType: { name: type },
      taskQueue: { name: taskQueue },
      input: payloads === null ? null : { payloads },
    });
  }

  /** The activity id under which an activity of this type is pending. */
  async pendingActivity(workflowId: string, type: string, withinMs = 30_000): Promise<string> {
    const giveUpAt = Date.now() + withinMs;
    for (;;) {
      const { pendingActivities } = await this.service.describeWorkflowExecution({
        namespace: this.namespace,
        execution: { workflowId },
      });
      const found = pendingActivities?.find(({ activityType }) => activityType?.name === type)?.activityId;
      if (found) return found;
      if (Date.now() > giveUpAt) throw new Error(`no ${type} is pending in ${workflowId}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Answers an activity in its worker's place. */
  async complete(workflowId: string, activityId: string, answer: Payload): Promise<void> {
    await this.service.respondActivityTaskCompletedById({
      namespace: this.namespace,
      workflowId,
      activityId,
      result: { payloads: [answer] },
      identity: 'somebody',
    });
  }

  /** The whole history of a run, batch by batch: one answer of the server's holds at most 4 MiB. */
  async history(workflowId: string, runId?: string): Promise<HistoryEvent[]> {
    const events: HistoryEvent[] = [];
    let nextPageToken: Uint8Array | undefined;
    do {
      const page = await this.service.getWorkflowExecutionHistory({
        namespace: this.namespace,
        execution: runId === undefined ? { workflowId } : { workflowId, runId },
        maximumPageSize: 1,
        nextPageToken,
      });
      events.push(...(page.history?.events ?? []));
      nextPageToken = page.nextPageToken;
    } while (nextPageToken && nextPageToken.length > 0);
    return events;
  }

  async update(event: string, name: string, payloads: Payload[]): Promise<void> {
    await this.service.updateWorkflowExecution({
      namespace: this.namespace,
      workflowExecution: { workflowId: ceremonyWorkflowId(event) },
      waitPolicy: {
        lifecycleStage:
          proto.temporal.api.enums.v1.UpdateWorkflowExecutionLifecycleStage
            .UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_COMPLETED,
      },
      request: { meta: { updateId: `${name}-${Date.now()}` }, input: { name, args: { payloads } } },
    });
  }

  async query(event: string, queryType: string, payloads: Payload[]) {
    return this.service.queryWorkflow({
      namespace: this.namespace,
      execution: { workflowId: ceremonyWorkflowId(event) },
      query: { queryType, queryArgs: { payloads } },
    });
  }
}

/**
 * Workflow tasks that failed for a reason of ours. The server itself restarts a task when over 2 MiB of signals wait behind
 * it, when something came in while it was being completed, and when its worker was away.
 */
export function failedTasks(events: readonly HistoryEvent[]): string[] {
  const harmless = [
    WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_FORCE_CLOSE_COMMAND,
    WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND,
  ];
  return events.flatMap(({ workflowTaskFailedEventAttributes: failed }) => {
    const cause = failed?.cause ?? null;
    if (cause === null || harmless.includes(cause)) return [];
    return [`${WorkflowTaskFailedCause[cause]}: ${failed?.failure?.message ?? ''}`];
  });
}

/** How often events of this type are in a history. */
export const countOf = (events: readonly HistoryEvent[], type: keyof typeof EventType): number =>
  events.filter(({ eventType }) => eventType === EventType[type]).length;
