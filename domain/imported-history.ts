import { z } from 'zod';
import { cutText } from './cut-text.js';
import { epochMs, instant } from './identifiers.js';
import { viewOfRequest } from './request-view.js';
import { STATUS_AFTER, type SentinelEventName, type SentinelLogEntry } from './sentinel.js';
import type { CeremonyView, SentinelStatus } from './view.js';

/** The most that one batch carries, so that it fits into a payload of Temporal's with room to spare. In characters. */
export const MAX_BATCH_CHARACTERS = 256 * 1024;

/**
 * Some lines of a file of Sentinel's signed log, by their number in the file. `dry_run` verifies and keeps nothing;
 * `skip_invalid` keeps those that verify although others do not.
 */
export const importBatchSchema = z
  .strictObject({
    lines: z
      .array(z.strictObject({ line: z.number().int().min(1), text: z.string().max(64 * 1024) }))
      .min(1)
      .max(2000),
    dry_run: z.boolean(),
    skip_invalid: z.boolean(),
  })
  .refine(
    ({ lines }) => lines.reduce((sum, { text }) => sum + text.length, 0) <= MAX_BATCH_CHARACTERS,
    'more than 256 KiB of lines',
  );
export type ImportBatch = z.output<typeof importBatchSchema>;

const aboutLine = z.strictObject({ line: z.number().int(), code: z.string().max(64), message: z.string().max(500) });

/**
 * What became of a batch. Nothing of it was imported where any line was refused, unless that was asked for. Passed over
 * is what verifies and is no history of somebody else's: another kind of entry, or an event of this register's own.
 */
export const importReportSchema = z.strictObject({
  lines: z.number().int(),
  imported: z.number().int(),
  duplicates: z.number().int(),
  passed_over: z.array(aboutLine),
  refused: z.array(aboutLine),
});
export type ImportReport = z.output<typeof importReportSchema>;
export type LineReport = z.output<typeof aboutLine>;

/** What is said of one line, short enough for a report. */
export const aLineReport = (line: number, code: string, message: string): LineReport => ({
  line,
  code,
  message: cutText(message, 300),
});

/** Import, as the register role does it. */
export interface HistoryTasks {
  /** Verifies each line with the register's own keys, whoever sent it. Idempotent. */
  importHistory(input: ImportBatch): Promise<ImportReport>;
}

/** An event of another system's, as readers see ceremonies. It is history: no workflow, no ledger, no limit knows it. */
export type ImportedView = CeremonyView & { source: 'sentinel'; source_key_id: string };

/** Which imported events, the newest first; all of it is optional. `since` is RFC 3339; `limit` 1 to 1,000 (100). */
export interface ImportedFilter {
  invoker?: string | undefined;
  profile?: string | undefined;
  status?: SentinelStatus | undefined;
  since?: string | undefined;
  limit?: number | undefined;
}

export const isImported = (view: CeremonyView): view is ImportedView => 'source' in view && view.source === 'sentinel';

/**
 * What the lines of one event say, the oldest first and at least one. Where none tells its end, it ended when it expired,
 * because Sentinel's credentials do, and `cause` says that nobody logged it.
 */
export function importedView(entries: readonly SentinelLogEntry[], keyId: string, nowMs: number): ImportedView {
  const [first] = entries;
  if (first === undefined) throw new TypeError('an event has at least one line');
  const at = (time: string): string => instant(epochMs(time));
  const logged = (name: SentinelEventName): SentinelLogEntry | undefined => entries.find(({ event }) => event === name);
  const end = logged('breakglass.closed') ?? logged('breakglass.expired');
  const expires_at = at(first.expires_at);
  const silent = end === undefined && epochMs(expires_at) <= nowMs;
  const state: SentinelStatus = end === undefined ? (silent ? 'expired' : 'active') : STATUS_AFTER[end.event];
  const requested_at = at(first.timestamp);
  return {
    ...viewOfRequest(first.event_id, null, { state, requested_at, flags: ['imported'] }),
    workflow_id: '',
    profile: first.profile,
    reason_code: first.reason_code,
    justification: first.justification,
    invoker: first.invoker,
    duration_seconds: first.duration_seconds,
    status: state,
    cause: silent ? 'end_not_logged' : (end?.closed_reason ?? null),
    ended_by: end?.closed_by ?? null,
    activated_at: first.event === 'breakglass.invoked' ? requested_at : null,
    expires_at,
    ended_at: silent ? expires_at : end === undefined ? null : at(end.timestamp),
    source: 'sentinel',
    source_key_id: keyId,
  };
}
