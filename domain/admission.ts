import { epochMs } from './identifiers.js';
import type { AdmissionRefusal } from './admission-refusal.js';
import { admissionSteps, type AdmissionFacts } from './admission-steps.js';
import { overdueApprovers } from './overdue-approver.js';
import { termsOf, type Terms } from './policy.js';

export type AdmissionVerdict =
  | {
      ok: true;
      terms: Terms;
      /** The rule that let it in; null where the policy has none. */
      rule: string | null;
      /** The invoker has been granted as much as the policy's threshold lately: told, never refused. */
      escalated: boolean;
      /** More approvers than the policy's, because a review is overdue. */
      extra_approvers: number;
    }
  | { ok: false; refusal: AdmissionRefusal };

/**
 * The rule book: profile → rule → stacking → cooldown → user quota → profile quota → escalation flag, and the first that
 * says no. Pure, and the same in the register, on the command line and over HTTP. The signature, the age of the request
 * and whether its invoker may speak are not asked here.
 */
export function judgeAdmission(facts: AdmissionFacts): AdmissionVerdict {
  let rule: string | null = null;
  let escalated = false;
  for (const { judge } of admissionSteps) {
    const found = judge(facts);
    if (found.verdict === 'refused') return { ok: false, refusal: found.refusal };
    if (found.verdict === 'flagged') escalated = true;
    rule = found.rule ?? rule;
  }
  const terms = termsOf(facts.policy, facts.request.profile);
  if (terms === undefined) throw new TypeError('the first step refuses a profile that is not there');
  return { ok: true, terms, rule, escalated, extra_approvers: overdueApprovers(facts, terms) };
}

/** More checks than this cannot each wait for another in turn; a policy that no hour satisfies ends here. */
const MOST_WAITS = 50;

/**
 * The first millisecond, from `now_ms` on, at which nothing refuses any more if nothing else happens in between; null when
 * time alone does not help. `passes_at` is about one check, and while it waits an earlier one may close.
 */
export function admittedFrom(facts: AdmissionFacts): number | null {
  let now_ms = facts.now_ms;
  for (let waits = 0; waits < MOST_WAITS; waits += 1) {
    const verdict = judgeAdmission({ ...facts, now_ms });
    if (verdict.ok) return now_ms;
    if (verdict.refusal.passes_at === null) return null;
    now_ms = epochMs(verdict.refusal.passes_at);
  }
  return null;
}
