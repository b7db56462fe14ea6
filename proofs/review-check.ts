import type { PersonFacts } from '../domain/quorum.js';
import { REVIEW_REFUSALS, type ReviewRefusal } from '../domain/review.js';
import type { Roster } from '../domain/roster.js';
import type { ReviewStatement, SignedStatement } from '../domain/statement.js';
import type { SignatureMethod } from './ssh-signature.js';
import { readStatement, statementDigest } from './statement-check.js';

/** Verdict on a review's statement alone. `digest` is the hex SHA-256 that senders ask by. */
export type CheckedReview =
  | { ok: true; digest: string; statement: ReviewStatement; person: PersonFacts; method: SignatureMethod }
  | { ok: false; code: ReviewRefusal; message: string };

/**
 * Checks the bytes and the signature of a review; whether it counts is `reviewObjection`'s to say.
 *
 * The envelope is attacker-controlled: never throws.
 */
export function checkReviewStatement(envelope: SignedStatement, roster: Roster): CheckedReview {
  if (typeof envelope !== 'object' || envelope === null) return refused('malformed');
  const read = readStatement(envelope, roster);
  if (!read.ok) return refused(read.reason);
  const { statement, person, method } = read;
  if (statement.act !== 'review') return refused('name_disagrees');
  return { ok: true, digest: statementDigest(envelope), statement, person, method };
}

const refused = (code: ReviewRefusal): CheckedReview => ({ ok: false, code, message: REVIEW_REFUSALS[code] });
