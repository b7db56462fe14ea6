import type { SentinelEvent, SentinelLogEntry } from '../domain/sentinel.js';
import { goStruct } from './go-json.js';

/** A log entry as Sentinel's Go writes it, on one line. */
export const sentinelLogEntryJson = (entry: SentinelLogEntry, indent?: string): string =>
  goStruct(
    [
      ['timestamp', entry.timestamp],
      ['event', entry.event],
      ['event_id', entry.event_id],
      ['request_id', entry.request_id],
      ['invoker', entry.invoker],
      ['profile', entry.profile],
      ['reason_code', entry.reason_code],
      ['justification', entry.justification],
      ['status', entry.status],
      ['duration_seconds', entry.duration_seconds],
      ['expires_at', entry.expires_at],
      ['closed_by', entry.closed_by, 'omitempty'],
      ['closed_reason', entry.closed_reason, 'omitempty'],
      ['mfa_verified', entry.mfa_verified, 'omitempty'],
      ['mfa_method', entry.mfa_method, 'omitempty'],
      ['mfa_challenge_id', entry.mfa_challenge_id, 'omitempty'],
    ],
    indent,
  );

/** A BreakGlassEvent as Sentinel's Go writes it; with two spaces of indent, as its commands print it. */
export const sentinelEventJson = (event: SentinelEvent, indent?: string): string =>
  goStruct(
    [
      ['id', event.id],
      ['invoker', event.invoker],
      ['profile', event.profile],
      ['reason_code', event.reason_code],
      ['justification', event.justification],
      ['duration', event.duration],
      ['status', event.status],
      ['created_at', event.created_at],
      ['updated_at', event.updated_at],
      ['expires_at', event.expires_at],
      ['closed_by', event.closed_by, 'omitempty'],
      ['closed_reason', event.closed_reason, 'omitempty'],
      ['request_id', event.request_id, 'omitempty'],
      ['mfa_verified', event.mfa_verified, 'omitempty'],
      ['mfa_method', event.mfa_method, 'omitempty'],
      ['mfa_challenge_id', event.mfa_challenge_id, 'omitempty'],
    ],
    indent,
  );
