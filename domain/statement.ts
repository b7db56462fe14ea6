import { z } from 'zod';
import { digestSchema, eventIdSchema, instantSchema } from './identifiers.js';
import { requestSchema } from './request.js';
import { roundSchema } from './round.js';

/** The SSHSIG namespace and the domain string of every statement: a signature for anything else never verifies here. */
export const STATEMENT_DOMAIN = 'reseal-statement-v1';

/** Acts spoken through signals of the same name. `request` travels as the ceremony's input. */
export const SIGNAL_ACTS = ['approve', 'deny', 'withdraw', 'close', 'kill', 'extend'] as const;
export type SignalAct = (typeof SIGNAL_ACTS)[number];
/** Every act that somebody speaks about a request. A review is of a ceremony that has ended: no signal carries it. */
export const ACTS = [...SIGNAL_ACTS, 'review'] as const;
export type Act = (typeof ACTS)[number];
/** Acts that can only take privilege away: taken from the inbox first. */
export const REDUCING_ACTS: ReadonlySet<SignalAct> = new Set(['deny', 'withdraw', 'close', 'kill']);

/** No statement is good for longer than this, whatever it says of itself. */
export const MAX_STATEMENT_LIFE_MS = 24 * 3600 * 1000;
/** How far a signer's clock may run ahead of ours. */
export const CLOCK_SKEW_MS = 60 * 1000;
export const MAX_PAYLOAD_BYTES = 8 * 1024;
export const MAX_SIGNATURE_BYTES = 8 * 1024;

/** What every statement says, whatever it is about. */
export const spokenFields = {
  domain: z.literal(STATEMENT_DOMAIN),
  person: z.string().min(1).max(64),
  issued_at: instantSchema,
  not_after: instantSchema,
};
/** What every statement about a ceremony says. */
export const ceremonyFields = {
  ...spokenFields,
  event_id: eventIdSchema,
  request_digest: digestSchema,
  policy_digest: digestSchema,
};
const common = { ...ceremonyFields, round: z.literal(1) };

export const requestStatementSchema = z.strictObject({ ...common, act: z.literal('request'), request: requestSchema });
/** Of round 1 are all acts but `extend` and the approvals of one: those name the round, and exactly what they are about. */
export const actStatementSchema = z
  .strictObject({
    ...common,
    round: roundSchema,
    act: z.enum(SIGNAL_ACTS),
    reason: z.string().max(500).optional(),
    /** Until when, of an extension and of its approvals. */
    deadline: instantSchema.optional(),
    /** Of an approval: the SHA-256 of the payload of the very `extend` that it approves. */
    extension_digest: digestSchema.optional(),
    /** Of a kill: it is for a compromise, so that nothing of it is ever made good by an order. */
    compromise: z.literal(true).optional(),
  })
  .refine(({ act, compromise }) => compromise === undefined || act === 'kill', 'only a kill is for a compromise')
  .refine(({ act, round, deadline, extension_digest }) => {
    const extends_ = act === 'extend';
    const later = extends_ || (act === 'approve' && round > 1);
    return (
      later === round > 1 &&
      later === (deadline !== undefined) &&
      (later && !extends_) === (extension_digest !== undefined)
    );
  }, 'an extension and its approvals name their round and deadline, an approval also what it approves; no other act does');
export const reviewStatementSchema = z.strictObject({
  ...common,
  act: z.literal('review'),
  /** What the reviewer found, for the ledger and the bundle. */
  note: z.string().min(1).max(1000).optional(),
});
/** One signed human act over a digest: the closed union of acts. */
export const statementSchema = z.discriminatedUnion('act', [
  requestStatementSchema,
  actStatementSchema,
  reviewStatementSchema,
]);
export type RequestStatement = z.output<typeof requestStatementSchema>;
export type ActStatement = z.output<typeof actStatementSchema>;
export type ReviewStatement = z.output<typeof reviewStatementSchema>;
export type Statement = z.output<typeof statementSchema>;

/**
 * How a statement travels: `payload` is its exact RFC 8785 text, `signature` the armored SSHSIG over those bytes, as
 * `ssh-keygen -Y sign -n reseal-statement-v1` makes it. Both are attacker-controlled until verified.
 */
export const signedStatementSchema = z.strictObject({
  payload: z.string().min(2).max(MAX_PAYLOAD_BYTES),
  signature: z.string().min(32).max(MAX_SIGNATURE_BYTES),
});
export type SignedStatement = z.output<typeof signedStatementSchema>;
