import { z } from 'zod';
import type { Receipt } from './entry.js';
import { digestSchema, epochMs } from './identifiers.js';
import { channelNameSchema } from './notices.js';
import { roundSchema } from './round.js';

/** The notices that ask for an approval: what is received of others proves nothing. */
export const ASKING_NOTICES = ['requested', 'fallback_opened', 'extension_requested'] as const;

/**
 * A policy's `approvals.delivery`: an approval counts only with the register's receipt that a channel had taken the notice
 * asking that person before they signed. `channels` are those whose word counts; left out: all.
 */
export const deliveryPolicySchema = z.strictObject({
  required: z.literal(true, 'is true: leave delivery out where no receipts are wanted'),
  channels: z.array(channelNameSchema).min(1, 'name a channel, or leave channels out').max(16).optional(),
});
export type DeliveryPolicy = z.output<typeof deliveryPolicySchema>;

/** What was asked of somebody: the request itself (round 1), or the extension of that digest. */
export interface Asking {
  request_digest: string;
  round: number;
  extension_digest: string | null;
}

/** People whom one entry names: more of them get another, so that evidence stays small. */
export const MAX_DELIVERED_TO = 32;

/**
 * What the register's entry `delivered` says: which channel took which notice, whom that asked, and for what. `status` is
 * the channel's answer where it has one; `body_sha256` is of the very bytes that were sent, hex; `to` are the addresses of
 * `people` in the same order.
 */
export const deliveredDataSchema = z.strictObject({
  notice_id: z.string().min(1).max(120),
  notice: z.enum(ASKING_NOTICES),
  channel: channelNameSchema,
  status: z.number().int().nullable(),
  body_sha256: digestSchema,
  request_digest: digestSchema,
  round: roundSchema,
  extension_digest: digestSchema.nullable(),
  people: z.array(z.string().min(1).max(64)).min(1).max(MAX_DELIVERED_TO),
  to: z.array(z.string().max(256)).max(MAX_DELIVERED_TO),
});
export type DeliveredData = z.output<typeof deliveredDataSchema>;

/** A receipt with what the register says is in it. `at` is RFC 3339 UTC, on the register's clock. */
export interface Delivered extends Asking {
  receipt: Receipt;
  people: string[];
  at: string;
}

/** Whether this is about what was asked. */
export const isAbout = (said: Asking, asked: Asking): boolean =>
  said.request_digest === asked.request_digest &&
  said.round === asked.round &&
  said.extension_digest === asked.extension_digest;

/** Whether it says that this person had been asked when they signed. No clock's error is allowed for: signing again is easy. */
export const reachedBefore = (
  { people, at }: Pick<Delivered, 'people' | 'at'>,
  personId: string,
  signedAt: string,
): boolean => people.includes(personId) && epochMs(at) <= epochMs(signedAt);

/** The receipts under which approvals count, each once, as evidence carries them; nothing where none is wanted. */
export function deliveriesOf(approvals: readonly { delivery?: Receipt | undefined }[]): { deliveries?: Receipt[] } {
  const receipts = new Map(
    approvals.flatMap(({ delivery }): [string, Receipt][] =>
      delivery === undefined ? [] : [[delivery.transition, delivery]],
    ),
  );
  return receipts.size === 0 ? {} : { deliveries: [...receipts.values()] };
}
