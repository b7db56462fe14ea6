import { z } from 'zod';

/** The names and fields of Sentinel's three events are kept; they alone carry the justification. */
export const SENTINEL_NOTICES = ['breakglass.invoked', 'breakglass.closed', 'breakglass.expired'] as const;

/** Everything that people are told of. A policy's `notices` pick from these; an empty list means all of them. */
export const NOTICE_TYPES = [
  ...SENTINEL_NOTICES,
  'requested',
  'escalated',
  'refused',
  'denied',
  'cancelled',
  'unapproved',
  'not_granted',
  'fallback_opened',
  'extension_requested',
  'extended',
  'extension_refused',
  'immediate',
  'finding',
  'unverified',
  'rollback_overdue',
  'reappeared',
  'workflow_lost',
  'review_owed',
  'review_overdue',
  'reviewed',
  'compromise',
] as const;
export type NoticeType = (typeof NOTICE_TYPES)[number];

/** Told on every channel of the policy, whatever its list of events says: nobody may grant themselves a role unseen. */
export const ALWAYS_TOLD: ReadonlySet<NoticeType> = new Set(['immediate', 'compromise']);

/** The name of a channel. Its address and its secret are in the register role's settings, never in a policy. */
export const channelNameSchema = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'expected 1 to 64 of a-z 0-9 . _ -');

/** A policy's `notices`: which channel hears of what. An empty `events` means all; no entry at all means nobody is told. */
export const noticeRoutesSchema = z
  .array(z.strictObject({ channel: channelNameSchema, events: z.array(z.enum(NOTICE_TYPES)).default([]) }))
  .max(16)
  .superRefine((routes, context) => {
    const named = new Set<string>();
    for (const [index, { channel }] of routes.entries()) {
      const message = `channel ${channel} is named twice: put its events into one list`;
      if (named.has(channel)) context.addIssue({ code: 'custom', path: [index, 'channel'], message });
      named.add(channel);
    }
  });
export type NoticeRoute = z.output<typeof noticeRoutesSchema>[number];

/** The channels that hear of this. */
export function channelsFor(routes: readonly NoticeRoute[], type: NoticeType): string[] {
  const hears = ({ events }: NoticeRoute): boolean =>
    events.length === 0 || events.includes(type) || ALWAYS_TOLD.has(type);
  return routes.filter(hears).map(({ channel }) => channel);
}
