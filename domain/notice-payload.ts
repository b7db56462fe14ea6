import type { Notice, NoticeFacts } from './notice-facts.js';
import { summaryOf } from './notice-summary.js';
import { SENTINEL_NOTICES, type NoticeType } from './notices.js';
import { requestIdOf, STATUS_AFTER, type SentinelEventName } from './sentinel.js';
import type { CeremonyView } from './view.js';

/** The ceremony that a notice tells of; null is what nobody knows, as of a request that was refused. */
export type NoticeSubject = Pick<
  CeremonyView,
  | 'event_id'
  | 'profile'
  | 'role'
  | 'directory_scope_id'
  | 'invoker'
  | 'principal'
  | 'reason_code'
  | 'justification'
  | 'ticket'
  | 'request_digest'
>;

/** What receivers parse: members in this order, then those of `NoticeFacts`. Snake case; times RFC 3339 UTC. */
export interface NoticePayload extends Record<string, unknown> {
  /** The same in every attempt, and on every channel. */
  id: string;
  type: NoticeType;
  timestamp: string;
  event_id: string;
  summary: string;
  to: string[];
  profile: string | null;
  role: string | null;
  scope: string | null;
  invoker: string | null;
  principal: string | null;
  reason_code: string | null;
  ticket: string | null;
  ui_url: string | null;
  next: string | null;
}

/** Where a notice names nobody, these are for the invoker: peers let them wait without a word. */
const FOR_INVOKER: ReadonlySet<NoticeType> = new Set([
  'breakglass.invoked',
  'breakglass.closed',
  'breakglass.expired',
  'refused',
  'denied',
  'cancelled',
  'unapproved',
  'not_granted',
  'extended',
  'extension_refused',
]);

/**
 * The payload of a notice. Sentinel's three carry all members of Sentinel's log entry as well, and so the justification;
 * no other does: a channel that must not hold people's words leaves those three out.
 */
export function noticePayload(
  notice: Notice,
  about: NoticeSubject,
  of: { id: string; ui_url: string | null },
): NoticePayload {
  const { type, at } = notice;
  const said: { to?: string[]; receipt?: unknown } & Partial<NoticeFacts[NoticeType]> = notice.facts;
  const { to, receipt: _receipt, ...facts } = said;
  const { event_id, profile, role, invoker, principal, reason_code, ticket } = about;
  return {
    id: of.id,
    type,
    timestamp: at,
    event_id,
    summary: summaryOf(notice, about),
    to: to ?? (FOR_INVOKER.has(type) && invoker !== null ? [invoker] : []),
    profile,
    role,
    scope: about.directory_scope_id,
    invoker,
    principal,
    reason_code,
    ticket,
    ui_url: of.ui_url,
    next: nextOf(type, event_id),
    ...(isSentinel(type) ? sentinelMembers(type, about) : {}),
    ...facts,
  };
}

const isSentinel = (type: NoticeType): type is SentinelEventName =>
  (SENTINEL_NOTICES as readonly NoticeType[]).includes(type);

/** Sentinel's names for what the other members do not say. */
function sentinelMembers(type: SentinelEventName, { request_digest, justification }: NoticeSubject) {
  return { event: type, request_id: requestIdOf(request_digest), status: STATUS_AFTER[type], justification };
}

/** The command that helps next, or null. */
function nextOf(type: NoticeType, eventId: string): string | null {
  switch (type) {
    case 'requested':
    case 'fallback_opened':
    case 'extension_requested':
      return `reseal approve ${eventId}`;
    case 'review_owed':
    case 'review_overdue':
      return `reseal breakglass review ${eventId}`;
    case 'refused':
      return null;
    case 'compromise':
      return 'reseal sweep explain';
    default:
      return `reseal breakglass check ${eventId}`;
  }
}
