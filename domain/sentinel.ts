import { z } from 'zod';
import { eventIdSchema, epochMs, instant } from './identifiers.js';
import { REASON_CODES } from './request.js';
import type { CeremonyView, SentinelStatus } from './view.js';

/** The events of Sentinel's audit log (its phase 29); names and fields are kept. */
export const SENTINEL_EVENTS = ['breakglass.invoked', 'breakglass.closed', 'breakglass.expired'] as const;
export type SentinelEventName = (typeof SENTINEL_EVENTS)[number];

/** Sentinel's status after each event. */
export const STATUS_AFTER: Readonly<Record<SentinelEventName, SentinelStatus>> = {
  'breakglass.invoked': 'active',
  'breakglass.closed': 'closed',
  'breakglass.expired': 'expired',
};

/** No break-glass of Sentinel's lasts longer, in seconds. */
const MAX_SECONDS = 4 * 3600;
const time = z.iso.datetime({ offset: true });
const name = z
  .string()
  .max(256)
  // eslint-disable-next-line no-control-regex -- control characters are exactly what is refused
  .regex(/^[^\u0000-\u001f\u007f]+$/, 'expected 1 to 256 characters, none of them a control character');
const word = z.string().max(256);

/** Members of a log entry, in the order in which Sentinel writes them. Times are RFC 3339, the duration in seconds. */
export const sentinelLogEntryShape = {
  timestamp: time,
  event: z.enum(SENTINEL_EVENTS),
  event_id: eventIdSchema,
  request_id: word,
  invoker: name,
  profile: name,
  reason_code: z.enum(REASON_CODES),
  justification: z.string().max(4096),
  status: z.enum(['active', 'closed', 'expired']),
  duration_seconds: z.number().int().min(0).max(MAX_SECONDS),
  expires_at: time,
  closed_by: word.optional(),
  closed_reason: z.string().max(4096).optional(),
  mfa_verified: z.boolean().optional(),
  mfa_method: word.optional(),
  mfa_challenge_id: word.optional(),
};
/** A log entry of anybody's: members that are not known here are left out, since a newer Sentinel may write more. */
export const sentinelLogEntrySchema = z.object(sentinelLogEntryShape);
export type SentinelLogEntry = z.output<typeof sentinelLogEntrySchema>;

/**
 * Sentinel's BreakGlassEvent, members in its order. `duration` is in nanoseconds here, while a log entry counts seconds;
 * times have fractions without trailing zeros here (Go's RFC3339Nano), and none in a log entry (RFC3339).
 */
export interface SentinelEvent {
  id: string;
  invoker: string;
  profile: string;
  reason_code: string;
  justification: string;
  duration: number;
  status: SentinelStatus;
  created_at: string;
  updated_at: string;
  expires_at: string;
  closed_by?: string;
  closed_reason?: string;
  request_id?: string;
  mfa_verified?: boolean;
  mfa_method?: string;
  mfa_challenge_id?: string;
}

/** Go's `time.RFC3339` of a time: whole seconds, the rest cut off. */
export const goTime = (at: string): string => `${instant(epochMs(at)).slice(0, 19)}Z`;

/** Go's `time.RFC3339Nano`: fractions without trailing zeros. Ours are milliseconds. */
export const goTimeNano = (at: string): string =>
  instant(epochMs(at)).replace(/\.(\d*?)0*Z$/, (_, digits: string) => (digits === '' ? 'Z' : `.${digits}Z`));

/** Sentinel's `request_id` has 16 hex characters: here the first of the digest that invoker and approvers signed. */
export const requestIdOf = (requestDigest: string | null): string => requestDigest?.slice(0, 16) ?? '';

/**
 * A ceremony as Sentinel's event. Undefined where Sentinel has none: it knows no request that waits, is refused or comes
 * to nothing, and its events begin active, which here is from the authority's intent on. `nameOf` says how a person's id
 * is written as `closed_by`: as the invoker is, if possible.
 */
export function sentinelEventOf(
  view: CeremonyView,
  nameOf: (person: string) => string = (person) => person,
): SentinelEvent | undefined {
  const { invoker, profile, reason_code, justification, status, expires_at, duration_seconds } = view;
  if (status === null || expires_at === null || invoker === null || profile === null) return undefined;
  const request_id = requestIdOf(view.request_digest);
  return {
    id: view.event_id,
    invoker,
    profile,
    reason_code: reason_code ?? 'other',
    justification: justification ?? '',
    duration: (duration_seconds ?? 0) * 1e9,
    status,
    created_at: goTimeNano(view.requested_at),
    updated_at: goTimeNano(view.ended_at ?? view.activated_at ?? view.requested_at),
    expires_at: goTimeNano(expires_at),
    ...(status === 'closed' && view.ended_by !== null ? { closed_by: nameOf(view.ended_by) } : {}),
    ...(status === 'closed' && view.cause !== null ? { closed_reason: view.cause } : {}),
    ...(request_id === '' ? {} : { request_id }),
  };
}
