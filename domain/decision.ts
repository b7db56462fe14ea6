import { z } from 'zod';
import { digestSchema, eventIdSchema, guidSchema, instantSchema } from './identifiers.js';

/** The steps of a decision in their order (source 000, phase 30): policy, then approved request, then break-glass. */
export const DECISION_SOURCES = ['standing', 'approved_request', 'break_glass'] as const;
export type DecisionSource = (typeof DECISION_SOURCES)[number];

/**
 * What an allowing answer rests on: `policy`, a standing rule; `ledger`, entries that authority and verifier signed, and
 * the running ceremony's word that nothing has ended it; `workflow`, that word alone, which whoever can write to the
 * Temporal namespace can forge.
 */
export const PROOFS = ['policy', 'ledger', 'workflow'] as const;
export type Proof = (typeof PROOFS)[number];

/** Why a view of a ceremony may not be relied on, whatever it says. */
export const DOUBTS = [
  'not_answering',
  'statements_unheard',
  'workflow_lost',
  'not_recorded',
  'ledger_disagrees',
] as const;
export type DoubtCode = (typeof DOUBTS)[number];

export const DENIAL_CODES = [
  'profile_unknown',
  'person_not_valid',
  'no_standing_rule',
  'outside_hours',
  'nothing_remains',
  'no_open_ceremony',
  'not_active_yet',
  'unverified',
  'resealing',
  'ended',
  'deadline_passed',
  'target_differs_from_policy',
  'view_incomplete',
  ...DOUBTS,
] as const;
export type DenialCode = (typeof DENIAL_CODES)[number];

/** Why one step gave nothing. `step` is null for what concerns them all; `passes_at` null when time alone changes nothing. */
export const denialSchema = z.strictObject({
  step: z.enum(DECISION_SOURCES).nullable(),
  code: z.enum(DENIAL_CODES),
  message: z.string().max(1000),
  event_id: eventIdSchema.nullable(),
  passes_at: instantSchema.nullable(),
});
export type Denial = z.output<typeof denialSchema>;

const asked = {
  /** The person's id on the roster. */
  person: z.string().min(1).max(64),
  profile: z.string().min(1).max(64),
  policy_digest: digestSchema,
  /** When this was judged: the system's time, or the time in the ceremony that allows it. */
  at: instantSchema,
};

/**
 * May this person have a session now, and for how long. A session ends at `expires_at`, `session_seconds` after `at`.
 * `principal_id` is the account that holds the ceremony's privilege, `break_glass_event_id` the ceremony, for either kind
 * of ceremony. `reasons` says why the steps before the one that allowed, or all of them, gave nothing.
 */
export const decisionSchema = z.discriminatedUnion('effect', [
  z.strictObject({
    ...asked,
    effect: z.literal('allow'),
    source: z.enum(DECISION_SOURCES),
    proof: z.enum(PROOFS),
    /** The standing rule's name. */
    rule: z.string().max(64).nullable(),
    break_glass_event_id: eventIdSchema.nullable(),
    principal_id: guidSchema.nullable(),
    session_seconds: z.number().int().min(1),
    expires_at: instantSchema,
    reasons: z.array(denialSchema),
  }),
  z.strictObject({
    ...asked,
    effect: z.literal('deny'),
    source: z.null(),
    proof: z.null(),
    rule: z.null(),
    break_glass_event_id: z.null(),
    principal_id: z.null(),
    session_seconds: z.literal(0),
    expires_at: z.null(),
    reasons: z.array(denialSchema).min(1),
  }),
]);
export type Decision = z.output<typeof decisionSchema>;

const loggedReasons = z.array(
  z.strictObject({ step: z.enum(DECISION_SOURCES).nullable(), code: z.enum(DENIAL_CODES) }),
);
const logged = { schema: z.literal('reseal.decision.v1'), timestamp: instantSchema, reasons: loggedReasons };

/**
 * One line of a decision log. `timestamp` is the writer's clock. `break_glass_event_id` is the name under which Sentinel's
 * decision log links to a break-glass event: put it into the session's own name or tags, and a cloud's audit trail leads
 * back to the ceremony. No justification and no other free text is in it.
 */
export const decisionLogEntrySchema = z.discriminatedUnion('effect', [
  decisionSchema.options[0].extend(logged),
  decisionSchema.options[1].extend(logged),
]);
export type DecisionLogEntry = z.output<typeof decisionLogEntrySchema>;

/** The log entry of a decision; `timestamp` is RFC 3339 UTC. */
export function logEntryOf(decision: Decision, timestamp: string): DecisionLogEntry {
  const reasons = decision.reasons.map(({ step, code }) => ({ step, code }));
  return { schema: 'reseal.decision.v1', timestamp, ...decision, reasons };
}
