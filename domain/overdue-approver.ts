import type { AdmissionFacts } from './admission-steps.js';
import type { Terms } from './policy.js';
import { isEligibleApprover, quorumOf } from './quorum.js';
import { isValidAt } from './roster.js';

/**
 * How many approvers more a request takes because its invoker owes a review that is overdue: one, however many are, and
 * none where the roster has nobody left to be that one, since that would lock the invoker out.
 */
export function overdueApprovers({ usage, request, people, now_ms }: AdmissionFacts, terms: Terms): number {
  if (usage.overdue_reviews.length === 0) return 0;
  const eligible = people.filter((person) => isEligibleApprover(person, request, terms) && isValidAt(person, now_ms));
  const wanted = { ...terms.approvals, min_approvers: terms.approvals.min_approvers + 1 };
  return quorumOf(wanted, eligible).met ? 1 : 0;
}
