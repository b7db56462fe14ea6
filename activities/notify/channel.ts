import { timeLimit } from '../time-limit.js';

/** One message as a channel sends it. `id` is the same in every attempt and holds no full stop; `body` is JSON. */
export interface NoticeMessage {
  id: string;
  type: string;
  event_id: string;
  summary: string;
  body: string;
}

/**
 * What came of one attempt. `code` is null when it arrived; otherwise `http_status`, `redirected`, `timeout`,
 * `interrupted`, `channel_unusable`, or what the operating system, TLS or Amazon calls it. `retry_after` is in seconds,
 * where the receiver named one; `final` says that the receiver wants no more of it.
 */
export interface SendOutcome {
  code: string | null;
  status: number | null;
  retry_after?: number;
  final?: boolean;
}

/** Where notices go. */
export interface NoticeChannel {
  /** One attempt, within `SEND_MS`: never throws, never tries again by itself. `stop` interrupts it. */
  send(message: NoticeMessage, stop: AbortSignal): Promise<SendOutcome>;
  /** What keeps it from working at all (a secret that cannot be read), or null. Never holds the address or the secret. */
  fault(): Promise<string | null>;
}

/** The longest that one attempt takes, all in all. */
export const SEND_MS = 15_000;

/**
 * Does the work with a signal that ends it after `ms` or with the process, whichever comes first, and rejects then whether
 * or not the work heeds the signal.
 */
export async function within<T>(
  { stop, ms }: { stop: AbortSignal; ms: number },
  work: (limit: AbortSignal) => Promise<T>,
): Promise<T> {
  const { signal, clear } = timeLimit(ms, stop);
  const ended = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
  try {
    return await Promise.race([work(signal), ended]);
  } finally {
    clear();
  }
}

/** Why an attempt failed, by the error it threw: the first code among its causes. */
export function failureCode(error: unknown, stop: AbortSignal): string {
  if (stop.aborted) return 'interrupted';
  for (let cause = error, depth = 0; cause instanceof Error && depth < 5; cause = cause.cause, depth += 1) {
    const { code, errors } = cause as { code?: unknown; errors?: unknown };
    if (typeof code === 'string' && /^[A-Z][A-Z0-9_]{2,63}$/.test(code)) return code;
    if (cause.name === 'TimeoutError') return 'timeout';
    // Every address of a name was tried, and each failed in its own way.
    if (Array.isArray(errors) && errors.length > 0) return failureCode(errors[0], stop);
  }
  return 'unreachable';
}
