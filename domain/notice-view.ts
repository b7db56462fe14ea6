import type { NoticeType } from './notices.js';

/**
 * One attempt to deliver. `code` is null for one that arrived; `http_status`, with the status beside it, for an answer other
 * than 2xx; otherwise what kept it from arriving: `timeout`, `redirected`, `interrupted`, `channel_unusable`,
 * `channel_missing`, a code of the operating system or of TLS, or a code of Amazon's.
 */
export interface NoticeAttempt {
  attempt: number;
  at: string;
  code: string | null;
  status: number | null;
}

/** A notice on one channel. `dead`: given up after its last attempt. `next_at`: the next attempt; null where there is none. */
export interface NoticeDelivery {
  channel: string;
  state: 'waiting' | 'delivered' | 'dead';
  attempts: NoticeAttempt[];
  next_at: string | null;
}

/** What people were told of an event, and what came of it. `deliveries` is empty where the policy had no channel for it. */
export interface NoticeView {
  id: string;
  type: NoticeType;
  at: string;
  deliveries: NoticeDelivery[];
}
