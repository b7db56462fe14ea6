import type { Asking } from './delivery.js';
import type { QuorumKind } from './quorum.js';
import type { NoticeType } from './notices.js';

/** What was granted: until when, for how many seconds, and by which quorum. Times are RFC 3339 UTC; people are UPNs. */
interface Granted {
  expires_at: string;
  duration_seconds: number;
  quorum: QuorumKind;
}

/** Whom a notice asks for an approval, by UPN, and of what. `receipt`, where the policy wants one of its delivery, is never sent. */
interface Asks {
  to: string[];
  /** Hex SHA-256 of the request's RFC 8785 form: approvals name it. */
  request_digest: string;
  receipt?: DeliveryAsked;
}

/** What a receipt of the delivery will say; `people` are the ids of those whom `to` names, in the same order. */
export interface DeliveryAsked extends Asking {
  people: string[];
  channels: string[] | null;
}

/** A ceremony in which something was granted is over: its removal is confirmed. `end` is its state. */
interface Ended {
  end: string;
  expires_at: string;
  duration_seconds: number;
}

/** Why nothing was granted: the cause, and whose word it was. */
interface Ungranted {
  cause: string | null;
  by: string | null;
  code: string | null;
  message: string | null;
}

/**
 * What each notice carries besides what all of them do. `to` names the people whom it asks or tells, by UPN; where it is
 * missing, the notice is for the invoker or for whoever reads the channel.
 */
export interface NoticeFacts {
  'breakglass.invoked': Granted & { approved_by: string[] };
  /** Whatever ended before its time; by nobody where a finding did. */
  'breakglass.closed': Ended & { closed_by?: string; closed_reason: string };
  'breakglass.expired': Ended;
  requested: Asks & { approvals_wanted: number; approve_by: string; duration_seconds: number };
  escalated: { threshold: number | null };
  refused: Ungranted;
  denied: Ungranted;
  cancelled: Ungranted;
  unapproved: Ungranted;
  not_granted: Ungranted;
  fallback_opened: Asks & { skipped: string[]; min_approvers: number; max_seconds: number; approve_by: string };
  /** More time is asked for: `to` may approve it until a minute before the deadline in force, `approve_by`. */
  extension_requested: Asks & {
    round: number;
    /** Hex SHA-256 of the payload of the invoker's `extend`: approvals name it. */
    extension_digest: string;
    expires_at: string;
    extended_until: string;
    approvals_wanted: number;
    approve_by: string;
  };
  /** The provider took the later end: from now on the grant lasts until `expires_at`. */
  extended: { expires_at: string; round: number };
  /** The deadline stays where it was; `asked_until` was asked for. */
  extension_refused: { code: string; message: string; asked_until: string | null };
  immediate: Granted;
  finding: { code: string; detail: string };
  unverified: Record<string, never>;
  rollback_overdue: { requested_at: string | null };
  reappeared: Record<string, never>;
  workflow_lost: Record<string, never>;
  review_owed: { quorum: QuorumKind; review_by: string };
  review_overdue: { owed_since: string };
  reviewed: { by: string };
  /** An assignment that our application made and no marker of the authority's holds for; `code` is why. Ids as Graph gives them. */
  compromise: {
    code: string;
    tenant_id: string;
    principal_id: string;
    role_template_id: string;
    schedule_id: string;
    request_id: string | null;
    found_at: string;
  };
}

/**
 * One thing that people are told. `transition` is unique within the event, so that whatever writes it twice tells it once;
 * `at` is when it happened, RFC 3339 UTC.
 */
export type Notice = {
  [T in NoticeType]: { type: T; transition: string; at: string; facts: NoticeFacts[T] };
}[NoticeType];

/** Somebody must look at once, whether or not there is a channel: logged and recorded in any case. */
const PRESSING: ReadonlySet<NoticeType> = new Set([
  'finding',
  'unverified',
  'rollback_overdue',
  'reappeared',
  'compromise',
]);
export const isPressing = ({ type }: Notice): boolean => PRESSING.has(type);

/** A finding's own code; otherwise what happened, in a word. */
export function codeOf(notice: Notice): string {
  if (notice.type === 'finding') return notice.facts.code.slice(0, 64);
  return notice.type === 'rollback_overdue' ? 'overdue' : notice.type;
}
