import type { Client } from '@temporalio/client';

/**
 * The first argument that a workflow was started with, from the first event of its history: readable without any
 * worker, and also after the end. null when there is none.
 */
export async function firstInput(client: Client, workflowId: string): Promise<unknown> {
  const { payloadCodecs, payloadConverter } = client.options.loadedDataConverter;
  const answer = await client.workflowService.getWorkflowExecutionHistory({
    namespace: client.options.namespace,
    execution: { workflowId },
    maximumPageSize: 1,
  });
  const started = answer.history?.events?.[0]?.workflowExecutionStartedEventAttributes;
  let payloads = started?.input?.payloads?.slice(0, 1) ?? [];
  for (const codec of payloadCodecs) payloads = await codec.decode(payloads);
  const [payload] = payloads;
  return payload === undefined ? null : payloadConverter.fromPayload<unknown>(payload);
}
