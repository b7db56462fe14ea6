import type { Client } from '@temporalio/client';
import proto from '@temporalio/proto';

const { EventType } = proto.temporal.api.enums.v1;
/** What time skipping itself writes: nothing of it is in a real history. */
const SKIPPING: ReadonlySet<number> = new Set([
  EventType.EVENT_TYPE_WORKFLOW_EXECUTION_OPTIONS_UPDATED,
  EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TIME_SKIPPING_TRANSITIONED,
]);

export interface EventCount {
  /** Without types 55 and 60. */
  events: number;
  skipping: number;
  by_type: Record<string, number>;
}

/** Counts the events of a workflow's history by type. */
export async function countEvents(client: Client, workflowId: string): Promise<EventCount> {
  const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
  const counted: EventCount = { events: 0, skipping: 0, by_type: {} };
  for (const { eventType } of events ?? []) {
    if (typeof eventType !== 'number') continue;
    if (SKIPPING.has(eventType)) counted.skipping += 1;
    else counted.events += 1;
    const name = (EventType[eventType] ?? `${eventType}`).replace('EVENT_TYPE_', '').toLowerCase();
    counted.by_type[name] = (counted.by_type[name] ?? 0) + 1;
  }
  return counted;
}

/** `workflow_task_scheduled 12, …`, most frequent first. */
export const listed = ({ by_type }: EventCount): string =>
  Object.entries(by_type)
    .sort(([, a], [, b]) => b - a)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ');
