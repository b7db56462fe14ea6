import { z } from 'zod';
import { EFFECT_KINDS, roleOfKind } from './effects/effects.js';
import { digestSchema, eventIdSchema, instantSchema } from './identifiers.js';
import { dsseEnvelopeSchema } from './intent.js';
import type { SigningRole } from './roles.js';

export const ENTRY_PAYLOAD_TYPE = 'application/vnd.reseal.entry+json';

/** Who may make which entry; of an effect's, see `makerOf`. A verifier refuses an entry that another role signed. */
export const ENTRY_ROLES = {
  request: 'register',
  refused: 'register',
  surveyed: 'verifier',
  statement: 'register',
  /** A channel took a notice that asks for approvals; only where the policy wants receipts of that. */
  delivered: 'register',
  statement_refused: 'register',
  intent: 'authority',
  /** The intent of a later round, and what the provider said to it. */
  extension: 'authority',
  extended: 'effect:entra.directory_role',
  not_extended: 'effect:entra.directory_role',
  extension_refused: 'register',
  end_mark: 'authority',
  granted: 'effect:entra.directory_role',
  not_granted: 'effect:entra.directory_role',
  verified: 'verifier',
  /** What a watch found while the glass was broken. */
  watched: 'verifier',
  unverified: 'register',
  finding: 'register',
  resealing: 'register',
  removal: 'effect:entra.directory_role',
  sessions_ended: 'effect:entra.sessions',
  credential_rotated: 'effect:entra.credentials',
  account_disabled: 'effect:entra.account',
  granted_listed: 'verifier',
  /** A runtime was told to halt the jobs of an event, and what it answered. */
  job_halted: 'register',
  /** What was done upon statements after a kill, and what was looked at before and after. */
  follow_up_looked: 'verifier',
  follow_up_ordered: 'authority',
  follow_up_refused: 'authority',
  /** Through PIM, and outside it. */
  taken_back: 'effect:entra.directory_role',
  taken_back_direct: 'effect:entra.role_assignment',
  account_enabled: 'effect:entra.account',
  follow_up_verified: 'verifier',
  follow_up_unanswered: 'register',
  reappeared: 'verifier',
  confirmed: 'verifier',
  overdue: 'register',
  ended: 'register',
  audited: 'verifier',
  reviewed: 'register',
  /** A job that was let in, and one that was not. */
  job: 'authority',
  job_refused: 'authority',
  job_ended: 'verifier',
  model_receipt: 'verifier',
  /** Calls of its tools, by the role that was called. */
  tool_read: 'verifier',
  tool_refused: 'verifier',
  tool_wrote: 'effect:entra.directory_role',
  tool_removed: 'effect:entra.directory_role',
  tool_change_refused: 'effect:entra.directory_role',
  tool_unanswered: 'register',
  swept: 'sweeper',
} as const;
export type EntryType = keyof typeof ENTRY_ROLES;

/**
 * What a ceremony tells of itself. Its workflow holds no key: the register signs that it was told so. Nothing that a
 * privilege rests on is among them, because whoever can write to the namespace can tell the register the same.
 */
export const TOLD_ENTRIES: ReadonlySet<EntryType> = new Set([
  'statement',
  'statement_refused',
  'unverified',
  'finding',
  'extension_refused',
  'resealing',
  'overdue',
  'ended',
  'tool_unanswered',
  'follow_up_unanswered',
]);
export type RoleName = SigningRole;
const entryTypes = Object.keys(ENTRY_ROLES) as [EntryType, ...EntryType[]];

/**
 * The signed part of one ledger entry. `transition` is unique within the event, so that an append that runs twice adds
 * nothing; `at` is the maker's own clock.
 */
export const entryPayloadSchema = z.strictObject({
  schema: z.literal('reseal.entry.v1'),
  event_id: eventIdSchema,
  transition: z.string().min(1).max(120),
  type: z.enum(entryTypes),
  at: instantSchema,
  data: z.record(z.string(), z.unknown()),
});
export type EntryPayload = z.output<typeof entryPayloadSchema>;

/** What the effect itself says of what it made and undid, and of what a job had it do or refuse. */
export const OF_EFFECTS: ReadonlySet<EntryType> = new Set([
  'granted',
  'not_granted',
  'extended',
  'not_extended',
  'removal',
  'tool_wrote',
  'tool_removed',
  'tool_change_refused',
]);

/** The one role that may make an entry: what an effect says is for the role of the kind that it names, if it names one. */
export function makerOf({ type, data }: Pick<EntryPayload, 'type' | 'data'>): RoleName {
  const kind = OF_EFFECTS.has(type) ? EFFECT_KINDS.find((one) => one === data.kind) : undefined;
  return kind === undefined ? ENTRY_ROLES[type] : roleOfKind(kind);
}

/** One entry on its way to the register: signed by its maker, not yet ordered. */
export const receiptSchema = z.strictObject({ transition: z.string().min(1).max(120), envelope: dsseEnvelopeSchema });
export type Receipt = z.output<typeof receiptSchema>;

/** One ledger entry. `ledger_hash` = SHA-256 of the RFC 8785 form of the other three members. */
export const entrySchema = z.strictObject({
  seq: z.number().int().min(1),
  prev_ledger_hash: digestSchema,
  ledger_hash: digestSchema,
  body: dsseEnvelopeSchema,
});
export type Entry = z.output<typeof entrySchema>;

/** What waits in a ceremony's state to be appended: a receipt a role signed, or a draft that the register will sign. */
export const outboxItemSchema = z.union([
  receiptSchema,
  z.strictObject({ transition: z.string().min(1).max(120), draft: entryPayloadSchema }),
]);
export type OutboxItem = z.output<typeof outboxItemSchema>;
