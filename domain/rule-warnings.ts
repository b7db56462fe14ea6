import { MIN_TIMEBOX_SECONDS } from './approvals.js';
import type { Policy } from './policy.js';
import type { PolicyRule } from './policy-rules.js';
import type { PolicyWarning } from './policy-warning.js';
import { coversWeek } from './week-cover.js';

/** Rules that no request can ever be let in by: an earlier one takes all they match, or nothing is left to match. */
export function ruleWarnings({ rules = [] }: Policy): PolicyWarning[] {
  return rules.flatMap((rule, index): PolicyWarning[] => {
    const why = whyNever(rule, rules.slice(0, index));
    return why === undefined
      ? []
      : [{ code: 'rule_never_matches', path: ['rules', index], message: `${rule.name} ${why}` }];
  });
}

function whyNever(rule: PolicyRule, earlier: readonly PolicyRule[]): string | undefined {
  if (rule.max_duration !== undefined && rule.max_duration < MIN_TIMEBOX_SECONDS)
    return 'never matches: no request is shorter than 10m';
  const before = earlier.find((candidate) => covers(candidate, rule));
  return before === undefined ? undefined : `never matches: ${before.name} before it takes all that it would`;
}

/** Whether all that `later` matches is matched by `earlier` too, as far as their words show it: a person may also be in a group. */
function covers(earlier: PolicyRule, later: PolicyRule): boolean {
  return (
    coversList(earlier.profiles, later.profiles) &&
    coversList(earlier.allow, later.allow) &&
    coversList(earlier.reason_codes, later.reason_codes) &&
    (earlier.max_duration ?? Infinity) >= (later.max_duration ?? Infinity) &&
    coversWeek(earlier.time, later.time)
  );
}

/** An empty list is all: only another empty one covers it. */
function coversList(earlier: readonly string[], later: readonly string[]): boolean {
  if (earlier.length === 0) return true;
  return later.length > 0 && later.every((member) => earlier.includes(member));
}
