import { z } from 'zod';
import { receiptSchema, type Receipt } from './entry.js';
import { FOLLOW_UP_ACTS, MAX_FOLLOW_UP_STATEMENTS } from './follow-up.js';
import { digestSchema, eventIdSchema, instantSchema } from './identifiers.js';
import { signedIntentSchema, type SignedIntent } from './intent.js';
import { grantedSchema, MAX_GRANTED } from './kill-state.js';
import { signedStatementSchema, type SignedStatement } from './statement.js';

/** What roles are asked about follow-ups, by activity name. Answers are parsed with the schemas here. */

const codeSchema = z.string().regex(/^[a-z0-9_]{1,64}$/);

/** Input of the workflow: the first statement, and the entry that it is about. */
export const followUpInputSchema = z.strictObject({
  event_id: eventIdSchema,
  envelope: signedStatementSchema,
  report: receiptSchema,
});
export type FollowUpInput = z.output<typeof followUpInputSchema>;

/** Somebody whose statement counts. `digest` is the hex SHA-256 of the statement's payload. */
export const followUpPersonSchema = z.strictObject({
  person: z.string().max(64),
  method: z.string().max(32),
  digest: digestSchema,
});

/** `data` of `follow_up_ordered`, as far as it is read: all that a role, or a reader of the bundle, judges again. */
export const orderDataSchema = z.object({
  act: z.enum(FOLLOW_UP_ACTS),
  statements: z.array(signedStatementSchema).min(1).max(MAX_FOLLOW_UP_STATEMENTS),
  request: signedStatementSchema,
  report: receiptSchema,
  /** The authority's end mark; null where the deadline itself ended it. */
  mark: receiptSchema.nullable(),
  look: receiptSchema,
  persons: z.array(followUpPersonSchema).min(1),
  entries: z.array(digestSchema).max(MAX_GRANTED),
  expires_at: instantSchema,
});
export type OrderData = z.output<typeof orderDataSchema>;

/** What somebody did about a thing since it was listed, as the verifier sees it. */
export const LOOKS = ['as_listed', 'gone', 'changed'] as const;

/** `data` of `follow_up_looked`, as far as it is read. */
export const lookDataSchema = z.object({
  act: z.enum(FOLLOW_UP_ACTS),
  report_digest: digestSchema,
  /** Of the things that were to be taken back. */
  entries: z.array(z.object({ digest: digestSchema, look: z.enum(LOOKS) })).max(MAX_GRANTED),
  /** Of the account; null where it is about something else, or Graph does not know it. */
  account: z
    .object({
      since: instantSchema,
      enabled: z.boolean(),
      acted: z.array(z.object({ activity: z.string(), at: z.string(), by: z.string().nullable() })),
    })
    .nullable(),
});
export type LookData = z.output<typeof lookDataSchema>;

/** What the verifier is to look at; whatever it is, what it signs is what it sees. */
export type LookedAt =
  { act: 'take_back'; entries: z.output<typeof grantedSchema>[] } | { act: 'restore_account'; since: string };
export const lookedAtSchema = z.discriminatedUnion('act', [
  z.strictObject({ act: z.literal('take_back'), entries: z.array(grantedSchema).min(1).max(MAX_GRANTED) }),
  z.strictObject({ act: z.literal('restore_account'), since: instantSchema }),
]);

export const followUpOutcomeSchema = z.discriminatedUnion('outcome', [
  /** More people must sign. `objections` names, by digest, the statements that do not count, and why. */
  z.strictObject({
    outcome: z.literal('waiting'),
    have: z.number().int(),
    want: z.number().int(),
    objections: z.array(z.strictObject({ digest: digestSchema, code: codeSchema })).max(MAX_FOLLOW_UP_STATEMENTS),
  }),
  /** People have signed: the verifier looks once more, and the authority is asked again with its word. */
  z.strictObject({
    outcome: z.literal('look'),
    signed: signedIntentSchema,
    report_digest: digestSchema,
    at: lookedAtSchema,
  }),
  z.strictObject({
    outcome: z.literal('ordered'),
    signed: signedIntentSchema,
    order: receiptSchema,
    /** Hex SHA-256 of the order's entry. */
    order_digest: digestSchema,
    at: lookedAtSchema,
    /** The entries of `at`, each with its digest and whose credential removes it. */
    things: z.array(z.strictObject({ digest: digestSchema, via: z.enum(['pim', 'direct']) })).max(MAX_GRANTED),
    expires_at: instantSchema,
  }),
  z.strictObject({
    outcome: z.literal('refused'),
    code: codeSchema,
    message: z.string().max(500),
    receipt: receiptSchema,
  }),
]);
export type FollowUpOutcome = z.output<typeof followUpOutcomeSchema>;

/** One step, by the role that carried it out: done, or refused for good by a rule of its own. */
export const followedUpSchema = z.strictObject({
  result: z.enum(['done', 'refused']),
  code: codeSchema.nullable(),
  at: instantSchema,
  receipt: receiptSchema,
});
export type FollowedUp = z.output<typeof followedUpSchema>;

export const lookOutcomeSchema = z.strictObject({ receipt: receiptSchema });
/** `confirmed`: agreeing reads show that what was ordered is so. */
export const followUpVerifiedSchema = z.strictObject({
  confirmed: z.boolean(),
  at: instantSchema,
  receipt: receiptSchema,
});
export type FollowUpVerified = z.output<typeof followUpVerifiedSchema>;

/** What became of a follow-up, as whoever asks is told. */
export const followUpStandingSchema = z.discriminatedUnion('status', [
  z.strictObject({ status: z.literal('working'), doing: z.string().max(100) }),
  followUpOutcomeSchema.options[0].omit({ outcome: true }).extend({ status: z.literal('waiting') }),
  z.strictObject({ status: z.literal('refused'), code: codeSchema, message: z.string().max(500) }),
  z.strictObject({
    status: z.literal('done'),
    /** Each thing by its digest, or `account`. `unanswered`: its role did not answer while the order was good. */
    steps: z
      .array(
        z.strictObject({
          what: z.string().max(64),
          result: z.enum(['done', 'refused', 'unanswered']),
          code: codeSchema.nullable(),
        }),
      )
      .max(MAX_GRANTED),
    /** Null where nothing was done that could be verified, or the verifier did not answer. */
    confirmed: z.boolean().nullable(),
  }),
]);
export type FollowUpStanding = z.output<typeof followUpStandingSchema>;

export interface FollowUpAuthorityTasks {
  /** Judges the statements, and with `look` the verifier's word too. Arguments are anybody's. */
  followUp(input: {
    event_id: string;
    statements: SignedStatement[];
    report: Receipt;
    look: Receipt | null;
  }): Promise<FollowUpOutcome>;
}

/** Of the roles that take away what the principal gave to others. */
export interface TakeBackTasks {
  takeBack(input: { signed: SignedIntent; order: Receipt; digest: string }): Promise<FollowedUp>;
}

export interface RestoreTasks {
  restoreAccount(input: { signed: SignedIntent; order: Receipt }): Promise<FollowedUp>;
}

/** Of the verifier. */
export interface FollowUpVerifierTasks {
  lookAgain(input: {
    signed: SignedIntent;
    report_digest: string;
    at: LookedAt;
  }): Promise<z.output<typeof lookOutcomeSchema>>;
  verifyFollowUp(input: { signed: SignedIntent; order_digest: string; at: LookedAt }): Promise<FollowUpVerified>;
}
