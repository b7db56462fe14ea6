import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { ceremonyWorkflowId, resealWorkflowId } from '../../domain/identifiers.js';
import type { CeremonyStack } from './ceremony-stack.js';

/** WORKFLOW_TASK_COMPLETED in `temporal.api.enums.v1.EventType`. */
const TASK_COMPLETED = 7;

/** What anybody with write access to the namespace can do to a ceremony besides talking to it. */
export class Tampering {
  constructor(private readonly stack: CeremonyStack) {}

  terminate = async (event: string): Promise<void> => {
    await this.handle(event).terminate('test');
  };

  cancel = async (event: string): Promise<void> => {
    await this.handle(event).cancel();
  };

  /** As `temporal workflow delete` does; resolves when the server knows it no more. */
  remove = async (event: string): Promise<void> => {
    const workflowExecution = { workflowId: ceremonyWorkflowId(event) };
    await this.service.deleteWorkflowExecution({ namespace: this.namespace, workflowExecution });
    while ((await this.runs(event)) !== null) await sleep(50);
  };

  /**
   * Resets to the end of the first workflow task: everything that was decided is forgotten, and what was said is heard
   * again unless `withoutSignals`. Answers the new run's id.
   */
  reset = async (event: string, { withoutSignals = false } = {}): Promise<string> => {
    const { runId } = await this.handle(event).describe();
    const { events } = await this.handle(event).fetchHistory();
    const first = (events ?? []).find(({ eventType }) => Number(eventType) === TASK_COMPLETED);
    const answer = await this.service.resetWorkflowExecution({
      namespace: this.namespace,
      workflowExecution: { workflowId: ceremonyWorkflowId(event), runId },
      reason: 'test',
      workflowTaskFinishEventId: first?.eventId ?? null,
      requestId: randomUUID(),
      // RESET_REAPPLY_EXCLUDE_TYPE_SIGNAL
      resetReapplyExcludeTypes: withoutSignals ? [1] : [],
    });
    return answer.runId;
  };

  /** The status of the ceremony's last run, or null when there is none. */
  async runs(event: string): Promise<string | null> {
    const found = await this.handle(event)
      .describe()
      .catch(() => null);
    return found?.status.name ?? null;
  }

  /** Waits for the reconciler's workflow. */
  async untilResealing(event: string, withinMs = 30_000): Promise<void> {
    const handle = this.stack.stack.client.workflow.getHandle(resealWorkflowId(event));
    for (const giveUpAt = Date.now() + withinMs; Date.now() < giveUpAt; await sleep(100)) {
      if ((await handle.describe().catch(() => null)) !== null) return;
    }
    throw new Error(`nobody started reseal/${event}`);
  }

  private get service() {
    return this.stack.stack.connection.workflowService;
  }

  private get namespace(): string {
    return this.stack.stack.dev.temporal_namespace;
  }

  private handle(event: string) {
    return this.stack.stack.client.workflow.getHandle(ceremonyWorkflowId(event));
  }
}
