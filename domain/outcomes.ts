import { z } from 'zod';
import { MAX_DELIVERED_TO } from './delivery.js';
import { digestSchema, eventIdSchema, instantSchema } from './identifiers.js';
import { receiptSchema } from './entry.js';
import { signedIntentSchema } from './intent.js';
import { termsSchema } from './policy.js';
import { refusalSchema } from './refusal.js';
import { requestSchema } from './request.js';
import { MAX_ROUNDS, roundSchema } from './round.js';
import { snapshotSchema } from './snapshot.js';
import { signedStatementSchema } from './statement.js';
import { checkedStatementSchema } from './verdict.js';
import { warrantTokenSchema } from './warrant.js';

/**
 * What each role answers. The workflow parses every answer with these: anybody with write access to the namespace can
 * complete an activity with bytes of their own, and an answer that does not parse is asked for again.
 */

/** What was asked, once its signature and its profile are known to be good: the request, and the terms of its profile. */
export const openedSchema = z.strictObject({
  request: requestSchema,
  request_digest: digestSchema,
  policy_digest: digestSchema,
  terms: termsSchema,
});
export type Opened = z.output<typeof openedSchema>;

/** Ceremonies: what the signature check says of each envelope, in the same order. */
export const checkOutcomeSchema = z.array(checkedStatementSchema);

/**
 * Register: admission in one transaction, idempotent by event id. `receipt` is the ledger's first entry as the register
 * signed it: every judge of evidence reads from it when the event was admitted and how many more approvers it needs.
 */
export const admitOutcomeSchema = z.discriminatedUnion('outcome', [
  z.strictObject({
    outcome: z.literal('admitted'),
    at: instantSchema,
    opened: openedSchema,
    extra_approvers: z.number().int().min(0).max(16),
    escalated: z.boolean(),
    receipt: receiptSchema,
  }),
  refusalSchema.extend({ outcome: z.literal('refused'), at: instantSchema }),
]);
export type AdmitOutcome = z.output<typeof admitOutcomeSchema>;

/**
 * Register: how many of the ceremony's entries the ledger now holds. `refused` are transitions of what came as a role's word
 * and is not signed by it; `missing` those of the entries that the ceremony takes for held and the ledger does not hold:
 * then nothing was appended, because these come first. Both are absent where there are none.
 */
const transitionsSchema = z.array(z.string().min(1).max(120)).max(512).default([]);
export const appendOutcomeSchema = z.strictObject({
  count: z.number().int().min(0),
  refused: transitionsSchema,
  missing: transitionsSchema,
});

/** Register: receipts that people were asked; more than people can be asked about at once are not taken. */
export const deliveriesOutcomeSchema = z
  .array(
    z.strictObject({
      receipt: receiptSchema,
      people: z.array(z.string()).max(MAX_DELIVERED_TO),
      at: instantSchema,
      request_digest: digestSchema,
      round: roundSchema,
      extension_digest: digestSchema.nullable(),
    }),
  )
  .max(128);

/** Verifier: the target exists, and what stands before the ceremony touches anything. `survey_digest` binds the snapshot kept by the verifier's receipt. */
export const surveySchema = z.strictObject({
  holders: z.array(z.string()).max(5000),
  principal_assignments: z.array(z.string()).max(5000),
  /** Of the whole tenant, for a tier-0 role alone. */
  tenant: snapshotSchema.optional(),
});
export type Survey = z.output<typeof surveySchema>;
export const surveyOutcomeSchema = z.discriminatedUnion('outcome', [
  z.strictObject({ outcome: z.literal('surveyed'), survey: surveySchema, receipt: receiptSchema }),
  z.strictObject({ outcome: z.literal('refused'), code: z.string(), message: z.string(), receipt: receiptSchema }),
]);
export type SurveyOutcome = z.output<typeof surveyOutcomeSchema>;

/**
 * Authority: the intent (again, with the same deadline, when it was issued before) and a warrant, or why not; then with what
 * stands all the same, and `standing_receipt`, the ledger's entry of it.
 */
export const issueOutcomeSchema = z.discriminatedUnion('outcome', [
  z.strictObject({
    outcome: z.literal('issued'),
    signed: signedIntentSchema,
    reissued: z.boolean(),
    receipt: receiptSchema,
    /** Fresh each time. An answer of an earlier version has none: the effect then asks for one. */
    warrant: warrantTokenSchema.nullable().default(null),
    /** What its own check says of the last approval of the evidence. */
    last: checkedStatementSchema.optional(),
  }),
  z.strictObject({
    outcome: z.literal('refused'),
    code: z.string(),
    message: z.string(),
    standing: signedIntentSchema.nullable(),
    standing_receipt: receiptSchema.nullable().default(null),
  }),
]);
export type IssueOutcome = z.output<typeof issueOutcomeSchema>;

/**
 * Authority: an end mark stands; nothing clears one. `standing` is the intent recorded before it, if any, and
 * `standing_receipt` the ledger's entry of it.
 */
export const markOutcomeSchema = z.strictObject({
  standing: signedIntentSchema.nullable(),
  standing_receipt: receiptSchema.nullable().default(null),
  receipt: receiptSchema,
});
export type MarkOutcome = z.output<typeof markOutcomeSchema>;

/**
 * Effect or verifier: the authority's signature on the intent does not verify. Nothing is signed about such an intent, so
 * there is no receipt; the authority is asked what stands.
 */
export const disownedSchema = z.strictObject({ outcome: z.literal('not_authentic'), at: instantSchema });

/**
 * Authority: what the journal holds of an event, and what it makes of it today. `opened` is null where the policy has
 * changed since; `approvals` are those whose signatures still verify.
 */
export const recallOutcomeSchema = z
  .strictObject({
    signed: signedIntentSchema,
    evidence: z.strictObject({
      event_id: eventIdSchema,
      request: signedStatementSchema,
      approvals: z.array(signedStatementSchema),
      admission: receiptSchema,
      deliveries: z.array(receiptSchema).optional(),
      extension: z
        .strictObject({ asked: signedStatementSchema, prior: z.array(signedIntentSchema).min(1).max(MAX_ROUNDS) })
        .optional(),
    }),
    opened: openedSchema.nullable(),
    approvals: checkOutcomeSchema,
    receipt: receiptSchema,
    /** Of the rounds before the latest, in their order. */
    earlier_receipts: z.array(receiptSchema).max(MAX_ROUNDS).default([]),
  })
  .nullable();
export type RecallOutcome = z.output<typeof recallOutcomeSchema>;

/** Effect, `apply`. `clean` says that no attempt of this activity left an answer that could still become a grant. */
export const applyOutcomeSchema = z.discriminatedUnion('outcome', [
  z.strictObject({
    outcome: z.literal('granted'),
    provider_request_id: z.string(),
    provider_status: z.string(),
    ends_at: instantSchema.nullable(),
    adopted: z.boolean(),
    receipt: receiptSchema,
  }),
  z.strictObject({
    outcome: z.literal('refused'),
    code: z.string(),
    message: z.string(),
    clean: z.boolean(),
    receipt: receiptSchema,
  }),
  /** The warrant is over, or there is none: nothing was called in this attempt, and another is to be asked for. */
  z.strictObject({ outcome: z.literal('warrant_expired'), at: instantSchema }),
]);
export type ApplyOutcome = z.output<typeof applyOutcomeSchema>;

/** A change beside the intended one: who holds what now that nobody held at the survey. */
export const findingSchema = z.strictObject({
  code: z.enum([
    'unexpected_target_detected',
    'foreign_change',
    'ends_later_than_intended',
    'foreign_assignment',
    'provider_ended_early',
    'sessions_not_ended',
    'audit_missing',
    /** The workflow's own: somebody answered in a role's place. */
    'answer_not_authentic',
  ]),
  detail: z.string().max(500),
});
export type Finding = z.output<typeof findingSchema>;

/** Verifier: the grant was seen by agreeing reads; `findings` may kill the ceremony. */
export const verifyOutcomeSchema = z.strictObject({
  outcome: z.literal('present'),
  ends_at: instantSchema.nullable(),
  findings: z.array(findingSchema),
  receipt: receiptSchema,
});
export type VerifyOutcome = z.output<typeof verifyOutcomeSchema>;

/**
 * Verifier, while active: returns only when there is something to tell. What counts is the receipt; an answer of an earlier
 * version has none.
 */
export const watchOutcomeSchema = z.strictObject({
  findings: z.array(findingSchema).min(1),
  holders: z.array(z.string()).max(5000),
  receipt: receiptSchema.optional(),
});
export type WatchOutcome = z.output<typeof watchOutcomeSchema>;

/** Effect, `rollback`. Nothing in it is final but success: failures are retried without limit. */
export const rollbackOutcomeSchema = z.discriminatedUnion('outcome', [
  /** Our assignment was seen with our marker, and the provider said removed (`revoked`), or that it is no longer there (`gone`). */
  z.strictObject({
    outcome: z.literal('removed'),
    word: z.enum(['revoked', 'gone']),
    at: instantSchema,
    receipt: receiptSchema,
  }),
  /** Nothing of ours was visible. Not proof of absence: reads may be stale. */
  z.strictObject({
    outcome: z.literal('nothing_seen'),
    at: instantSchema,
    findings: z.array(findingSchema),
    receipt: receiptSchema,
  }),
  /** Graph's five-minute floor: it stands until `retry_at`. */
  z.strictObject({
    outcome: z.literal('too_short'),
    retry_at: instantSchema,
    at: instantSchema,
    receipt: receiptSchema,
  }),
  disownedSchema,
]);
export type RollbackOutcome = z.output<typeof rollbackOutcomeSchema>;

/** Effect, `rollbackOnOrder`: a rollback, or the order does not verify there and nothing was called. */
export const orderedRollbackOutcomeSchema = z.union([
  rollbackOutcomeSchema,
  z.strictObject({ outcome: z.literal('not_ordered'), reason: z.string().max(64), at: instantSchema }),
]);
export type OrderedRollbackOutcome = z.output<typeof orderedRollbackOutcomeSchema>;

/** Verifier, `verifyRolledBack`: agreeing reads over the settle window, or ours is there (again). */
export const absenceOutcomeSchema = z.discriminatedUnion('outcome', [
  z.strictObject({
    outcome: z.literal('absent'),
    observed_at: instantSchema,
    confirmed_at: instantSchema,
    findings: z.array(findingSchema),
    receipt: receiptSchema,
  }),
  z.strictObject({ outcome: z.literal('present'), at: instantSchema, receipt: receiptSchema }),
  disownedSchema,
]);
export type AbsenceOutcome = z.output<typeof absenceOutcomeSchema>;

export const sessionsOutcomeSchema = z.strictObject({ at: instantSchema, receipt: receiptSchema });

/** Verifier, minutes or hours after the end: PIM's audit log says so too, or does not after a day. */
export const auditOutcomeSchema = z.strictObject({
  outcome: z.enum(['audited', 'missing']),
  at: instantSchema,
  receipt: receiptSchema,
});
