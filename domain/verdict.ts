import { z } from 'zod';
import { CLOCK_SKEW_MS, MAX_STATEMENT_LIFE_MS, SIGNAL_ACTS, actStatementSchema } from './statement.js';
import type { ActStatement, SignalAct } from './statement.js';
import { EXTENSION_REFUSALS } from './extension.js';
import { isInvoker, isPrincipal, type PersonFacts } from './quorum.js';
import { digestSchema, epochMs, guidSchema, instantSchema } from './identifiers.js';
import { isValidAt } from './roster.js';
import { mayAct, relationsOf } from './rights.js';
import type { Request } from './request.js';
import type { Terms } from './policy.js';

/** Why a statement did not count. Recorded, and told to its sender. */
export const STATEMENT_REFUSALS = {
  undecodable: 'the payload could not be decrypted or parsed: send it through the gateway or with the payload key',
  malformed: 'it is not a statement: expected {payload, signature}, the payload in RFC 8785 form',
  too_large: 'payload or signature is larger than 8 KiB',
  unknown_person: 'the person is not on the roster',
  bad_signature: "the signature does not verify with any of the person's keys on the roster",
  person_not_valid: 'the roster does not let this person speak now',
  name_disagrees: 'it was sent under the name of another act than the one that was signed',
  foreign_event: 'it speaks of another event',
  foreign_request: 'it was signed for another request: read the request again and sign that',
  foreign_policy: 'it was signed under another policy',
  foreign_round:
    'it was signed for another round, or another extension, than the one that waits: look again, and sign that',
  not_yet_valid: 'it says it was signed in the future: check the clock of the machine that signed it',
  stale: 'its time has passed: sign again',
  replayed: 'this very statement was received before',
  already_approved: 'this person has approved already; one person counts once',
  agent_cannot_approve: 'agents never count towards a quorum',
  is_invoker: 'the invoker cannot approve their own request',
  is_principal: 'the principal cannot approve their own privilege',
  not_entitled: 'the policy gives this person no right to this act here',
  wrong_state:
    'the ceremony is not at a point where this act means anything: look at its state, it may be ending already',
  too_late: 'the deadline for it has passed',
  too_many: 'this ceremony has heard 128 statements; only kill, deny, close and withdraw are still taken',
  not_delivered:
    'no channel had taken the notice that asks this person when they signed: wait for the notice, and sign again',
  extension_spent: 'an extension was issued and the provider did not take it: nothing more can be extended here',
  ...EXTENSION_REFUSALS,
} as const;
export type StatementRefusal = keyof typeof STATEMENT_REFUSALS;
const refusalCodes = Object.keys(STATEMENT_REFUSALS) as [StatementRefusal, ...StatementRefusal[]];

export const METHODS = ['software', 'hardware_touch', 'hardware_verified'] as const;

export const personFactsSchema = z.strictObject({
  id: z.string(),
  kind: z.enum(['human', 'agent']),
  object_ids: z.array(guidSchema),
  aliases: z.array(z.string()),
  groups: z.array(z.string()),
  valid_from: instantSchema.optional(),
  valid_until: instantSchema.optional(),
});

/** What the ceremonies role's local activity says of one statement: the bytes and the signature, not yet the rules. */
export const checkedStatementSchema = z.discriminatedUnion('ok', [
  z.strictObject({
    ok: z.literal(true),
    digest: digestSchema,
    statement_digest: digestSchema,
    statement: actStatementSchema,
    person: personFactsSchema,
    method: z.enum(METHODS),
  }),
  z.strictObject({
    ok: z.literal(false),
    digest: digestSchema,
    reason: z.enum(refusalCodes),
    person: z.string().optional(),
  }),
]);
export type CheckedStatement = z.output<typeof checkedStatementSchema>;
export type VerifiedStatement = Extract<CheckedStatement, { ok: true }>;

/** One answer a sender can ask for by the digest of what was sent. */
export const verdictSchema = z.strictObject({
  digest: digestSchema,
  act: z.enum(SIGNAL_ACTS),
  status: z.enum(['accepted', 'refused']),
  reason: z.enum(refusalCodes).optional(),
  person: z.string().optional(),
  at: instantSchema,
});
export type Verdict = z.output<typeof verdictSchema>;

export interface Hearing {
  event_id: string;
  request: Request;
  request_digest: string;
  policy_digest: string;
  terms: Terms;
  approvedBy: ReadonlySet<string>;
  /** Statement digests that were accepted before. */
  seen: ReadonlySet<string>;
  /** The extension that waits for approvals, if one does: no other approval counts then. */
  extension?: HeardExtension | undefined;
}

/** What approvals of an extension must name. */
export interface HeardExtension {
  round: number;
  /** Hex SHA-256 of the payload of the `extend`. */
  digest: string;
  /** RFC 3339 UTC. */
  deadline: string;
}

/**
 * Everything that can be said against a verified statement before asking what state the ceremony is in; undefined when
 * nothing can. Pure, and the same in the workflow, at the authority and at the effect.
 */
export function objectionTo(
  hearing: Hearing,
  spoken: VerifiedStatement,
  signal: SignalAct,
  nowMs: number,
): StatementRefusal | undefined {
  const { statement, person } = spoken;
  if (statement.act !== signal) return 'name_disagrees';
  if (statement.event_id !== hearing.event_id) return 'foreign_event';
  if (statement.request_digest !== hearing.request_digest) return 'foreign_request';
  if (statement.policy_digest !== hearing.policy_digest) return 'foreign_policy';
  if (signal === 'approve' && !isOfRound(statement, hearing.extension)) return 'foreign_round';
  if (epochMs(statement.issued_at) > nowMs + CLOCK_SKEW_MS) return 'not_yet_valid';
  if (nowMs >= expiryOf(statement.issued_at, statement.not_after)) return 'stale';
  if (!isValidAt(person, nowMs)) return 'person_not_valid';
  if (hearing.seen.has(spoken.statement_digest)) return 'replayed';
  return entitlementRefusal(hearing, person, signal);
}

/** Whether an approval is of the extension that waits, or, where none does, of the request itself. */
function isOfRound(
  { round, extension_digest, deadline }: ActStatement,
  extension: HeardExtension | undefined,
): boolean {
  if (extension === undefined) return round === 1;
  const same = deadline !== undefined && epochMs(deadline) === epochMs(extension.deadline);
  return same && round === extension.round && extension_digest === extension.digest;
}

/** When a statement stops counting: what it says itself, and never later than 24 h after it was signed. */
export function expiryOf(issuedAt: string, notAfter: string): number {
  return Math.min(epochMs(notAfter), epochMs(issuedAt) + MAX_STATEMENT_LIFE_MS);
}

function entitlementRefusal(hearing: Hearing, person: PersonFacts, act: SignalAct): StatementRefusal | undefined {
  if (act === 'approve') {
    if (person.kind === 'agent') return 'agent_cannot_approve';
    if (isInvoker(person, hearing.request)) return 'is_invoker';
    if (isPrincipal(person, hearing.request)) return 'is_principal';
    if (hearing.approvedBy.has(person.id)) return 'already_approved';
  }
  const relations = relationsOf(person, hearing.request, hearing.terms, hearing.approvedBy);
  return mayAct(act, relations) ? undefined : 'not_entitled';
}
