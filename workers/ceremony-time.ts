import type { Client } from '@temporalio/client';
import { ceremonyWorkflowId } from '../domain/identifiers.js';

/**
 * The time in a ceremony, in epoch milliseconds, on a server that skips time; null where none was skipped. Rejects where
 * Temporal cannot be reached or knows no such ceremony.
 */
export async function ceremonyTime(client: Client, eventId: string): Promise<number | null> {
  const found = await client.workflow.getHandle(ceremonyWorkflowId(eventId)).describe();
  const { seconds, nanos } = found.raw.workflowExtendedInfo?.timeSkippingInfo?.currentTime ?? {};
  if (seconds === null || seconds === undefined) return null;
  return Number(seconds) * 1000 + Math.floor((nanos ?? 0) / 1e6);
}
