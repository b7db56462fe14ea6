import { deliveredDataSchema, isAbout, reachedBefore, type Asking, type DeliveryPolicy } from '../domain/delivery.js';
import type { DeliveredData } from '../domain/delivery.js';
import type { Evidence } from '../domain/tasks.js';
import { readEntry, type RoleKeys } from './receipt.js';

/** A receipt whose signature holds: what the register says, and when. */
export type ProvenDelivery = DeliveredData & { at: string };

/** Verdict on the delivery receipts that evidence carries. */
export type ReadDeliveries =
  { ok: true; deliveries: ProvenDelivery[] } | { ok: false; code: 'delivery_not_authentic'; message: string };

/**
 * The register's signed word on whom a channel had been given what was asked: each receipt of this event, of this very
 * request or extension, and by a channel whose word the policy counts. One that is anything else refuses the evidence.
 *
 * The receipts are attacker-controlled: never throws.
 */
export function readDeliveries(
  evidence: Evidence,
  asked: Asking,
  policy: DeliveryPolicy,
  keys: RoleKeys,
): ReadDeliveries {
  const deliveries: ProvenDelivery[] = [];
  for (const [index, { envelope }] of (evidence.deliveries ?? []).entries()) {
    const refused = (message: string): ReadDeliveries => ({
      ok: false,
      code: 'delivery_not_authentic',
      message: `delivery receipt ${index + 1}: ${message}`,
    });
    const read = readEntry(envelope, evidence.event_id, keys);
    if (!read.ok) return refused(`${read.code}: ${read.message}`);
    const data = read.entry.type === 'delivered' ? deliveredDataSchema.safeParse(read.entry.data) : undefined;
    if (data?.success !== true) return refused('it is not the entry of a delivery');
    if (!isAbout(data.data, asked)) return refused('it is of another request, round or extension');
    const { channel } = data.data;
    if (!(policy.channels?.includes(channel) ?? true)) return refused(`the policy does not count channel ${channel}`);
    deliveries.push({ ...data.data, at: read.entry.at });
  }
  return { ok: true, deliveries };
}

/** Why an approval does not count for want of a receipt, or undefined. */
export function deliveryObjection(
  deliveries: readonly ProvenDelivery[],
  personId: string,
  signedAt: string,
): string | undefined {
  if (deliveries.some((delivery) => reachedBefore(delivery, personId, signedAt))) return undefined;
  return `not_delivered, no receipt says that this was delivered to ${personId} before it was approved at ${signedAt}`;
}
