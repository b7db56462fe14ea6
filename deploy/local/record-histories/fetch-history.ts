import os from 'node:os';
import type { Connection } from '@temporalio/client';
import type proto from '@temporalio/proto';
import { historyToJson } from './history-json.js';

type HistoryEvent = proto.temporal.api.history.v1.IHistoryEvent;

/**
 * One run's whole history as the JSON that Temporal's own tools read. Batch by batch, because one answer holds at most
 * 4 MiB and a flooded history has more. The name of this machine, which clients and workers sign with, is left out.
 */
export async function fetchHistory(
  connection: Connection,
  namespace: string,
  execution: { workflowId: string; runId?: string },
): Promise<string> {
  const events: HistoryEvent[] = [];
  let nextPageToken: Uint8Array | undefined;
  do {
    const page = await connection.workflowService.getWorkflowExecutionHistory({
      namespace,
      execution,
      maximumPageSize: 1,
      nextPageToken,
    });
    events.push(...(page.history?.events ?? []));
    nextPageToken = page.nextPageToken;
  } while (nextPageToken && nextPageToken.length > 0);
  return historyToJson({ events }).replaceAll(`@${os.hostname()}`, '@recorder');
}
