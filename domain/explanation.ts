import { z } from 'zod';
import { ADMISSION_REFUSALS } from './admission-refusal.js';
import { admittedFrom, judgeAdmission } from './admission.js';
import { admissionSteps, type AdmissionFacts } from './admission-steps.js';
import { digestSchema, instant, instantSchema } from './identifiers.js';
import { heardAndCounted, termsOf, type Approvals, type Policy } from './policy.js';
import { REASON_CODES } from './reason-codes.js';
import { requestRefusal } from './request.js';
import { isValidAt } from './roster.js';

const refusalSchema = z.strictObject({
  code: z.enum([...ADMISSION_REFUSALS, 'invoker_not_valid']),
  message: z.string(),
  rule: z.string().optional(),
  wanted: z.string().optional(),
  passes_at: instantSchema.nullable(),
});

/**
 * Whether a request would be admitted, check by check in the order of admission; checks behind the first that refuses are
 * judged as well. `admitted_from` is when nothing would refuse any more if nothing else happened, null when time alone does
 * not help. `usage` says whether what was granted and is open was asked of the register, or taken as nothing at all.
 */
export const explanationSchema = z.strictObject({
  policy: z.string(),
  policy_digest: digestSchema,
  /** The time it was judged at. */
  at: instantSchema,
  person: z.string(),
  principal: z.string(),
  profile: z.string(),
  reason_code: z.enum(REASON_CODES),
  duration_seconds: z.number().int(),
  usage: z.enum(['register', 'none']),
  passes: z.boolean(),
  rule: z.string().nullable(),
  escalated: z.boolean(),
  approvals_wanted: z.number().int().nullable(),
  extra_approvers: z.number().int(),
  /** The channels whose receipts let an approval count; absent where the policy wants none. */
  delivered_by: z.array(z.string()).optional(),
  refusal: refusalSchema.nullable(),
  admitted_from: instantSchema.nullable(),
  steps: z.array(
    z.strictObject({
      step: z.string(),
      verdict: z.enum(['passed', 'flagged', 'refused']),
      detail: z.string(),
      refusal: refusalSchema.optional(),
    }),
  ),
});
export type Explanation = z.output<typeof explanationSchema>;
type ExplainedStep = Explanation['steps'][number];

/** Explains by the very rule book that the register admits by. Pure. */
export function explainAdmission(facts: AdmissionFacts, usage: Explanation['usage']): Explanation {
  const { policy, request, person, now_ms } = facts;
  const invoker = invokerStep(facts);
  const judged = admissionSteps.map(({ name, judge }): ExplainedStep => {
    const found = judge(facts);
    if (found.verdict !== 'refused') return { step: name, verdict: found.verdict, detail: found.detail };
    return { step: name, verdict: 'refused', detail: found.refusal.message, refusal: found.refusal };
  });
  const verdict = judgeAdmission(facts);
  const refusal = invoker.refusal ?? (verdict.ok ? null : verdict.refusal);
  const passes = refusal === null;
  const from = invoker.refusal === undefined ? admittedFrom(facts) : null;
  const admitted = verdict.ok && passes ? verdict : null;
  return {
    policy: policy.name,
    policy_digest: facts.policy_digest,
    at: instant(now_ms),
    person: person.id,
    principal: request.principal.upn,
    profile: request.profile,
    reason_code: request.reason_code,
    duration_seconds: request.duration_seconds,
    usage,
    passes,
    rule: admitted?.rule ?? null,
    escalated: admitted?.escalated ?? false,
    approvals_wanted: admitted === null ? null : admitted.terms.approvals.min_approvers + admitted.extra_approvers,
    extra_approvers: admitted?.extra_approvers ?? 0,
    ...deliveredBy(policy, admitted?.terms.approvals),
    refusal,
    admitted_from: from === null ? null : instant(from),
    steps: [invoker, ...judged],
  };
}

const deliveredBy = (policy: Policy, approvals: Approvals | undefined): { delivered_by?: string[] } =>
  approvals?.delivery === undefined ? {} : { delivered_by: heardAndCounted(policy, approvals, 'requested') };

/** As the register does: whether the invoker may speak is asked of a request that its profile allows. */
function invokerStep({ policy, policy_digest, request, person, now_ms }: AdmissionFacts): ExplainedStep {
  const terms = termsOf(policy, request.profile);
  if (isValidAt(person, now_ms))
    return { step: 'invoker', verdict: 'passed', detail: `the roster lets ${person.id} speak` };
  const message = `the roster does not let ${person.id} speak now`;
  if (terms === undefined || requestRefusal(request, terms, policy_digest) !== undefined)
    return { step: 'invoker', verdict: 'passed', detail: `${message}; the profile refuses before that is asked` };
  const refusal = { code: 'invoker_not_valid' as const, message, passes_at: null };
  return { step: 'invoker', verdict: 'refused', detail: message, refusal };
}
