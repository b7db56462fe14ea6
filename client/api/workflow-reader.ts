import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import { ceremonyWorkflowId, resealWorkflowId } from '../../domain/identifiers.js';
import type { CeremonyView } from '../../domain/view.js';
import { fromTemporal, isNotFound } from './temporal-error.js';

const QUERY_MS = 3_000;
const CALL_MS = 10_000;

/** What Temporal and the ceremonies' own workflows say. Nothing here changes anything. */
export class WorkflowReader {
  constructor(
    readonly client: Client,
    private readonly queryMs = QUERY_MS,
  ) {}

  /** A call that is given up after `ms` milliseconds. */
  bounded<T>(call: () => Promise<T>, ms = CALL_MS): Promise<T> {
    return this.client.withDeadline(Date.now() + ms, call);
  }

  /** null when there is none. Throws ResealError when Temporal does not answer. */
  async describe(eventId: string): Promise<WorkflowExecutionDescription | null> {
    const handle = this.client.workflow.getHandle(ceremonyWorkflowId(eventId));
    return this.bounded(() => handle.describe()).catch((error: unknown) => {
      if (isNotFound(error)) return null;
      throw fromTemporal(error, eventId);
    });
  }

  /** null when no worker answers in time, or not with something readable. */
  async query<T extends object>(workflowId: string, name: string, ...args: unknown[]): Promise<T | null> {
    const handle = this.client.workflow.getHandle(workflowId);
    const asked = (): Promise<unknown> => handle.query<unknown, unknown[]>(name, ...args);
    const answer = await this.bounded(asked, this.queryMs).catch(() => null);
    return typeof answer === 'object' && answer !== null && !('undecodable' in answer) ? (answer as T) : null;
  }

  /** The view of the workflow that looks after the ceremony now: its own, or the one that took over when it was lost. */
  async view(eventId: string, found: WorkflowExecutionDescription): Promise<CeremonyView | null> {
    const lost = !['RUNNING', 'CONTINUED_AS_NEW', 'PAUSED'].includes(found.status.name);
    const reseal = lost ? await this.query<CeremonyView>(resealWorkflowId(eventId), 'view') : null;
    return reseal ?? this.query<CeremonyView>(ceremonyWorkflowId(eventId), 'view');
  }
}
