import type { AdmissionRefusal, AdmissionRefusalCode } from './admission-refusal.js';
import { formatDuration } from './duration.js';
import { nameOf } from './effects/effects.js';
import { epochMs, instant } from './identifiers.js';
import { listText } from './list-text.js';
import { isNamed } from './parties.js';
import { termsOf, type Policy } from './policy.js';
import type { PersonFacts } from './quorum.js';
import { requestRefusal, type Request } from './request.js';
import { matchRules } from './rule-match.js';
import type { Usage } from './usage.js';

/** Everything that an admission is judged by. */
export interface AdmissionFacts {
  policy: Policy;
  /** Hex SHA-256 of the policy's RFC 8785 form. */
  policy_digest: string;
  request: Request;
  /** The invoker, as the roster has them. */
  person: PersonFacts;
  /** The roster: a review that is overdue never asks for more approvers than there are. */
  people: readonly PersonFacts[];
  usage: Usage;
  /** Epoch milliseconds, of the judge's own clock. */
  now_ms: number;
}

export type StepFinding =
  { verdict: 'passed' | 'flagged'; detail: string; rule?: string } | { verdict: 'refused'; refusal: AdmissionRefusal };

export interface AdmissionStep {
  name: 'profile' | 'rule' | 'stacking' | 'cooldown' | 'user_quota' | 'profile_quota' | 'escalation';
  judge: (facts: AdmissionFacts) => StepFinding;
}

/** In the order in which they are judged (source: policy check after profile validation and before limits; phase 33). */
export const admissionSteps: readonly AdmissionStep[] = [
  { name: 'profile', judge: profileStep },
  { name: 'rule', judge: ruleStep },
  { name: 'stacking', judge: stackingStep },
  { name: 'cooldown', judge: cooldownStep },
  { name: 'user_quota', judge: userQuotaStep },
  { name: 'profile_quota', judge: profileQuotaStep },
  { name: 'escalation', judge: escalationStep },
];

const passed = (detail: string, rule?: string): StepFinding => ({
  verdict: 'passed',
  detail,
  ...(rule === undefined ? {} : { rule }),
});

function refused(
  code: AdmissionRefusalCode,
  message: string,
  more: { rule?: string; wanted?: string; passes_ms?: number | null } = {},
): StepFinding {
  const { passes_ms = null, ...named } = more;
  const passes_at = passes_ms === null ? null : instant(passes_ms);
  return { verdict: 'refused', refusal: { code, message, ...named, passes_at } };
}

function profileStep({ policy, policy_digest, request, person }: AdmissionFacts): StepFinding {
  const terms = termsOf(policy, request.profile);
  if (terms === undefined) return refused('profile_unknown', `the policy has no profile ${request.profile}`);
  const refusal = requestRefusal(request, terms, policy_digest);
  if (refusal !== undefined) return refused(refusal.code, refusal.message);
  const { immediate } = terms.approvals;
  if (immediate !== undefined && !isNamed(immediate, person)) {
    const wanted = listText(immediate);
    const message = `profile ${terms.profile} is granted with nobody's approval, and ${person.id} is not among those who may: ${wanted}`;
    return refused('immediate_not_allowed', message, { wanted });
  }
  const asked = `${nameOf(terms.effect)} for ${formatDuration(request.duration_seconds)}, of ${formatDuration(terms.timebox.max)} at most`;
  return passed(immediate === undefined ? asked : `${asked}; nobody is asked`);
}

function ruleStep({ policy, request, person, now_ms }: AdmissionFacts): StepFinding {
  const { profile, reason_code, duration_seconds } = request;
  const found = matchRules(policy.rules ?? [], { profile, person, reason_code, duration_seconds, now_ms });
  if (found.ok) return found.rule === null ? passed('there are no rules') : passed(`rule ${found.rule}`, found.rule);
  const { rule, wanted, passes_ms } = found;
  const message = `no rule lets ${person.id} in; nearest is ${rule}, which wants ${wanted}${passes(passes_ms)}`;
  return refused('no_rule_matches', message, { rule, wanted, passes_ms });
}

function stackingStep({ usage: { open_of_pair, open_of_target } }: AdmissionFacts): StepFinding {
  if (open_of_pair !== null) {
    const message = `event ${open_of_pair} of the same invoker and profile is open: close it first`;
    return refused('stacking_invoker_profile', message);
  }
  if (open_of_target !== null)
    return refused('stacking_target', `event ${open_of_target} for the same principal, role and scope is open`);
  return passed('nothing is open for this invoker and profile, nor for this principal, role and scope');
}

function cooldownStep({ policy, usage, now_ms }: AdmissionFacts): StepFinding {
  const cooldown = policy.limits?.cooldown;
  if (cooldown === undefined) return passed('there is none');
  const over = usage.last_of_pair_at === null ? null : epochMs(usage.last_of_pair_at) + cooldown * 1000;
  const every = `${formatDuration(cooldown)} between two grants of one invoker and profile`;
  if (over === null || now_ms >= over) return passed(every);
  const message = `${every}, and the last was at ${usage.last_of_pair_at ?? ''}${passes(over)}`;
  return refused('cooldown', message, { wanted: every, passes_ms: over });
}

function userQuotaStep(facts: AdmissionFacts): StepFinding {
  const max = facts.policy.limits?.max_per_user;
  return quota('user_quota', `of invoker ${facts.person.id}`, max, facts.usage.user_times, facts);
}

function profileQuotaStep(facts: AdmissionFacts): StepFinding {
  const max = facts.policy.limits?.max_per_profile;
  return quota('profile_quota', `of profile ${facts.request.profile}`, max, facts.usage.profile_times, facts);
}

function quota(
  code: 'user_quota' | 'profile_quota',
  whose: string,
  max: number | undefined,
  times: readonly string[],
  { policy: { limits }, now_ms }: AdmissionFacts,
): StepFinding {
  if (max === undefined || limits === undefined) return passed('there is none');
  const window = limits.quota_window * 1000;
  const counted = within(times, window, now_ms);
  const wanted = `at most ${max} ${whose} in ${formatDuration(limits.quota_window)}`;
  // As many as are allowed: the oldest of that many leaves the window first, and makes room.
  const oldest = counted[max - 1];
  if (oldest === undefined) return passed(`${counted.length} granted, ${wanted}`);
  const passes_ms = oldest + window;
  return refused(code, `${wanted}, and they are used up${passes(passes_ms)}`, { wanted, passes_ms });
}

function escalationStep({ policy: { limits }, usage, person, now_ms }: AdmissionFacts): StepFinding {
  const threshold = limits?.escalation_threshold;
  if (limits === undefined || threshold === undefined) return passed('there is no threshold');
  const count = within(usage.user_times, limits.quota_window * 1000, now_ms).length;
  const lately = `${count} granted to ${person.id} in ${formatDuration(limits.quota_window)}, told from ${threshold} on`;
  return { verdict: count >= threshold ? 'flagged' : 'passed', detail: lately };
}

/** The times of the window that ends now, newest first. What is exactly as old as the window has left it. */
function within(times: readonly string[], windowMs: number, nowMs: number): number[] {
  return times
    .map(epochMs)
    .filter((at) => at > nowMs - windowMs)
    .sort((a, b) => b - a);
}

const passes = (ms: number | null): string => (ms === null ? '' : `: passes at ${instant(ms)}`);
