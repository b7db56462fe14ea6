import { z } from 'zod';
import { epochMs, instantSchema } from './identifiers.js';
import type { PersonFacts } from './quorum.js';
import type { Request } from './request.js';
import { mayAct, relationsToRequest } from './rights.js';
import { isValidAt } from './roster.js';
import { CLOCK_SKEW_MS, type ReviewStatement } from './statement.js';
import { expiryOf, STATEMENT_REFUSALS } from './verdict.js';

const { malformed, too_large, unknown_person, bad_signature, person_not_valid, name_disagrees } = STATEMENT_REFUSALS;
const { foreign_event, foreign_request, foreign_policy, not_yet_valid, stale } = STATEMENT_REFUSALS;

/** Why a review was not recorded, each told to its sender. A refused review leaves no trace in the ledger. */
export const REVIEW_REFUSALS = {
  malformed,
  too_large,
  unknown_person,
  bad_signature,
  person_not_valid,
  name_disagrees,
  foreign_event,
  foreign_request,
  foreign_policy,
  not_yet_valid,
  stale,
  event_unknown: 'no such event was ever admitted: check the event id',
  not_ended: 'the ceremony has not ended: review it when its removal is confirmed',
  never_granted: 'nothing was granted in it: there is nothing to review',
  agent_cannot_review: 'agents review nothing: a human must',
  invoker_cannot_review: 'the invoker cannot review what they asked for: somebody else must',
  principal_cannot_review: 'the principal cannot review what they received: somebody else must',
  already_reviewed: 'somebody reviewed it before; one review closes it',
} as const;
export type ReviewRefusal = keyof typeof REVIEW_REFUSALS;
const codes = Object.keys(REVIEW_REFUSALS) as [ReviewRefusal, ...ReviewRefusal[]];

/** Register: the review is in the ledger, or why it is not. The same statement always has the same answer. */
export const reviewOutcomeSchema = z.discriminatedUnion('outcome', [
  z.strictObject({ outcome: z.literal('reviewed'), at: instantSchema, by: z.string().max(64) }),
  z.strictObject({ outcome: z.literal('refused'), code: z.enum(codes), message: z.string().max(500) }),
]);
export type ReviewOutcome = z.output<typeof reviewOutcomeSchema>;

/** What a review is of. Digests are hex SHA-256. */
export interface Reviewed {
  event_id: string;
  request: Request;
  request_digest: string;
  policy_digest: string;
}

/**
 * Everything that can be said against a verified review statement before asking how far the ceremony is; undefined when
 * nothing can. Reviews are anybody's who is human, on the roster now, and neither asked nor received.
 */
export function reviewObjection(
  of: Reviewed,
  statement: ReviewStatement,
  person: PersonFacts,
  nowMs: number,
): ReviewRefusal | undefined {
  if (epochMs(statement.issued_at) > nowMs + CLOCK_SKEW_MS) return 'not_yet_valid';
  if (nowMs >= expiryOf(statement.issued_at, statement.not_after)) return 'stale';
  if (!isValidAt(person, nowMs)) return 'person_not_valid';
  return reviewMismatch(of, statement, person);
}

/** The part of it that does not depend on the time: what a verifier of a bundle can judge again. */
export function reviewMismatch(
  of: Reviewed,
  statement: ReviewStatement,
  person: PersonFacts,
): ReviewRefusal | undefined {
  if (statement.event_id !== of.event_id) return 'foreign_event';
  if (statement.request_digest !== of.request_digest) return 'foreign_request';
  if (statement.policy_digest !== of.policy_digest) return 'foreign_policy';
  const relations = relationsToRequest(person, of.request);
  if (mayAct('review', relations)) return undefined;
  if (person.kind === 'agent') return 'agent_cannot_review';
  return relations.has('invoker') ? 'invoker_cannot_review' : 'principal_cannot_review';
}
