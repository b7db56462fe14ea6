import { z } from 'zod';

import { REVIEW_REFUSALS, reviewMismatch } from '../domain/review.js';
import { signedStatementSchema } from '../domain/statement.js';
import type { ProvenAuthority, ProvenEntry } from './bundle-authority.js';
import { placeOfSeq, type BundleFindings } from './bundle-report.js';
import { digestOf } from './canonical-json.js';
import { checkReviewStatement } from './review-check.js';
import type { Trust } from './trust.js';

const reviewedData = z.object({ statement: signedStatementSchema, person: z.string() });

/**
 * Whether somebody reviewed it afterwards who may: the review's own signature, over this very request, by a human who
 * neither asked nor received. A bundle without one verifies; where one is owed, its absence is told.
 */
export function proveReview(
  { request, intent }: Omit<ProvenAuthority, 'terms'>,
  entries: readonly ProvenEntry[],
  trust: Trust,
  findings: BundleFindings,
): void {
  const found = entries.find(({ entry }) => entry.type === 'reviewed');
  const owed = intent !== undefined && intent.intent.quorum !== 'full';
  if (found === undefined) {
    if (owed)
      findings.notVerified.push('that anybody reviewed it: a review is owed, and none was made before it was sealed');
    findings.ran('review', owed ? 'owed, and not made yet' : 'none was owed, none was made');
    return;
  }
  const refuse = (message: string): void => findings.fail('review', 'review_refused', placeOfSeq(found.seq), message);
  const data = reviewedData.safeParse(found.entry.data);
  if (!data.success) return refuse('it carries no signed review');
  if (intent === undefined) return refuse(REVIEW_REFUSALS.never_granted);
  const checked = checkReviewStatement(data.data.statement, trust.roster);
  if (!checked.ok) return refuse(`${checked.code}: ${checked.message}`);
  const { statement, person, method } = checked;
  const { event_id, policy_digest } = request;
  const of = { event_id, request, request_digest: digestOf(request), policy_digest };
  const mismatch = reviewMismatch(of, statement, person);
  if (mismatch !== undefined) return refuse(`${mismatch}: ${REVIEW_REFUSALS[mismatch]}`);
  if (data.data.person !== person.id) return refuse('the entry names another person than signed it');
  findings.facts.review = { person: person.id, method, at: found.entry.at };
  findings.ran('review', `${owed ? 'owed, ' : ''}by ${person.id} (${method} key) at ${found.entry.at}`);
}
