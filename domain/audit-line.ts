import { z } from 'zod';
import { digestSchema, eventIdSchema, instantSchema } from './identifiers.js';
import { sentinelLogEntryShape, type SentinelLogEntry } from './sentinel.js';

export const AUDIT_PAYLOAD_TYPE = 'application/vnd.reseal.audit+json';

/** What is logged besides Sentinel's three events: the same first members, and the rest in `details`. */
const ownEntrySchema = z.strictObject({
  timestamp: z.iso.datetime({ offset: false }),
  event: z.string().regex(/^reseal\.[a-z_]{1,40}$/),
  event_id: eventIdSchema.nullable(),
  invoker: z.string().max(256).nullable(),
  profile: z.string().max(256).nullable(),
  reason_code: z.string().max(64).nullable(),
});
export type OwnAuditEntry = z.output<typeof ownEntrySchema>;

const detailSchema = z.union([z.string().max(4096), z.number(), z.boolean(), z.null()]);
export type AuditDetails = Record<string, z.output<typeof detailSchema>>;

/**
 * The signed part of one line of the audit log, in RFC 8785 form. `seq` counts all lines of a register from 1; `prev_hash`
 * is the SHA-256 of the line before, as it stands in the file without its line feed. `at` is the clock of who said it,
 * `logged_at` the register's. `said_by` is the role that signed the ledger's entry, which `ledger` names.
 */
export const auditPayloadSchema = z.strictObject({
  schema: z.literal('reseal.audit.v1'),
  seq: z.number().int().min(1),
  prev_hash: digestSchema,
  at: instantSchema,
  logged_at: instantSchema,
  said_by: z.string().min(1).max(64),
  ledger: z.strictObject({ seq: z.number().int().min(1), hash: digestSchema }).nullable(),
  entry: z.union([z.strictObject(sentinelLogEntryShape), ownEntrySchema]),
  details: z.record(z.string().max(64), detailSchema),
});
export type AuditPayload = z.output<typeof auditPayloadSchema>;

/** What is to be logged, before it has its place. */
export type AuditDraft = Omit<AuditPayload, 'schema' | 'seq' | 'prev_hash' | 'logged_at'>;

/**
 * Which lines of the audit log; all of it is optional. Times choose where the lines begin and end: none between is left
 * out, because that would break the chain.
 */
export interface AuditFilter {
  /** Those after this sequence number. */
  after?: number | undefined;
  /** The last so many. */
  last?: number | undefined;
  /** RFC 3339: from the first line logged at or after this time on. */
  since?: string | undefined;
  /** RFC 3339: up to the last line logged before this time. */
  until?: string | undefined;
  /** At most 500 (200 when left out). */
  limit?: number | undefined;
}

/** One line: its place, and its exact text without a line feed. */
export interface AuditLine {
  seq: number;
  line: string;
}

/** Whether a line is one of Sentinel's three events. */
export const isSentinelEntry = (entry: AuditPayload['entry']): entry is SentinelLogEntry =>
  entry.event.startsWith('breakglass.');
