import { GraphError } from '@microsoft/microsoft-graph-client';
import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';

import type { SentRecord } from './sent-watch.js';

/**
 * What an unsuccessful call means for a write:
 * `not_sent` it never left; `throttled` and `conflict` it had no effect and may be sent again; `ambiguous` nobody knows;
 * `exists`, `pending`, `does_not_exist`, `too_short` are PIM's words about the tuple; `not_found` may be replication lag;
 * `unauthenticated` the token was refused; `denied` and `refused` are final for this input.
 */
export type GraphFailureKind =
  | 'not_sent'
  | 'throttled'
  | 'conflict'
  | 'ambiguous'
  | 'exists'
  | 'pending'
  | 'does_not_exist'
  | 'too_short'
  | 'not_found'
  | 'unauthenticated'
  | 'denied'
  | 'refused';

export interface GraphFailure {
  readonly kind: GraphFailureKind;
  /** Graph's error.code, or a code of ours in snake_case where there was none. Never taken from a message. */
  readonly code: string;
  /** HTTP status, -1 where no answer came. */
  readonly status: number;
  /** The service's own wish, at most 60 s. */
  readonly retryAfterMs?: number;
  readonly clientRequestId: string;
  /** The service's message, for people only: printable, at most 300 characters. */
  readonly said: string;
}

/** PIM's codes (HTTP 400). */
const PIM_KINDS: Readonly<Record<string, GraphFailureKind>> = {
  RoleAssignmentExists: 'exists',
  PendingRoleAssignmentRequest: 'pending',
  RoleAssignmentDoesNotExist: 'does_not_exist',
  ActiveDurationTooShort: 'too_short',
};

const MAX_DELAY_MS = 60_000;

/** Reads an error of the Graph client. Whatever cannot be told apart is ambiguous, and so counts as if it had happened. */
export function readGraphFailure(
  error: unknown,
  call: { record: SentRecord; clientRequestId: string; nowMs: number },
): GraphFailure {
  const { record, clientRequestId, nowMs } = call;
  const status = error instanceof GraphError ? error.statusCode : -1;
  const told = error instanceof GraphError && status >= 400 && isODataError(error.body) ? error : undefined;
  const code = codeOf(told?.code) ?? (status === -1 ? networkCode(error) : `http_${status}`);
  const kind = record.sent ? kindOf(status, told === undefined ? undefined : code) : 'not_sent';
  const wish = retryAfterMs(record.retryAfter, nowMs);
  const said = (told?.message ?? '').replace(/[^\x20-\x7e]/g, ' ').slice(0, 300);
  return { kind, code, status, clientRequestId, said, ...(wish === undefined ? {} : { retryAfterMs: wish }) };
}

/** An answer that is not what its description promises: for a write nobody knows what happened. */
export function unreadable(clientRequestId: string, status = 200): GraphFailure {
  return { kind: 'ambiguous', code: 'unreadable_answer', status, clientRequestId, said: '' };
}

function kindOf(status: number, code: string | undefined): GraphFailureKind {
  if (status === 429) return 'throttled';
  // No answer, a server error, or a body that is not Graph's (a proxy's page): nobody knows who answered, or what was done.
  if (status < 400 || status >= 500 || status === 408 || code === undefined) return 'ambiguous';
  if (status === 400 && Object.hasOwn(PIM_KINDS, code)) return PIM_KINDS[code] ?? 'refused';
  switch (status) {
    case 401:
      return 'unauthenticated';
    case 403:
      return 'denied';
    case 404:
      return 'not_found';
    case 409:
      return 'conflict';
    default:
      return 'refused';
  }
}

/** The client gives the error member back as JSON text; for a body it could not read, something else. */
function isODataError(body: unknown): boolean {
  if (typeof body !== 'string') return false;
  try {
    const parsed: unknown = JSON.parse(body);
    return typeof parsed === 'object' && parsed !== null;
  } catch {
    return false;
  }
}

function codeOf(code: string | null | undefined): string | undefined {
  return typeof code === 'string' && /^[A-Za-z0-9_.-]{1,100}$/.test(code) ? code : undefined;
}

function networkCode(error: unknown): string {
  const name = error instanceof GraphError ? error.code : null;
  return name === 'TimeoutError' ? 'timed_out' : name === 'TypeError' ? 'connection_failed' : 'no_answer';
}

/** Retry-After in seconds or as an HTTP date (RFC 9110 §10.2.3), at most 60 s; undefined where there is none. */
export function retryAfterMs(header: string | null, nowMs: number): number | undefined {
  if (header === null) return undefined;
  const ms = /^\d{1,9}$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - nowMs;
  return Number.isNaN(ms) ? undefined : Math.min(MAX_DELAY_MS, Math.max(0, ms));
}

/** The delay before the next attempt: what the service asked for, else 1 s doubled with each attempt, at most 60 s. */
export function backoffMs(failure: GraphFailure, attempt: number): number {
  return failure.retryAfterMs ?? Math.min(MAX_DELAY_MS, 1000 * 2 ** Math.min(10, attempt - 1));
}

const STABLE_TYPES: Readonly<Record<GraphFailureKind, string>> = {
  not_sent: 'graph_not_sent',
  throttled: 'graph_throttled',
  conflict: 'graph_conflict',
  ambiguous: 'graph_ambiguous',
  exists: 'graph_assignment_exists',
  pending: 'graph_request_pending',
  does_not_exist: 'graph_assignment_does_not_exist',
  too_short: 'graph_active_duration_too_short',
  not_found: 'graph_not_found',
  unauthenticated: 'graph_unauthenticated',
  denied: 'graph_denied',
  refused: 'graph_refused',
};

/**
 * The failure as Temporal sees it: always retryable, after `delayMs`. What is final becomes an outcome instead, and in a
 * rollback nothing is. Details carry codes and ids, never a token or a body.
 */
export function toApplicationFailure(failure: GraphFailure, delayMs: number): ApplicationFailure {
  const { kind, code, status, clientRequestId } = failure;
  return ApplicationFailure.create({
    type: STABLE_TYPES[kind],
    message: `${code} (HTTP ${status}, client-request-id ${clientRequestId})`,
    details: [{ code, status, client_request_id: clientRequestId }],
    nextRetryDelay: delayMs,
  });
}

/** Not an error: the next attempt has to wait. `type` is a stable code in snake_case. */
export function waitFor(type: string, message: string, delayMs: number): ApplicationFailure {
  const category = ApplicationFailureCategory.BENIGN;
  return ApplicationFailure.create({ type, message, nextRetryDelay: delayMs, category });
}
