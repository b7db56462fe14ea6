import { isExcluded } from './exclusions.js';

/** What of a Conditional Access policy decides whether it holds for somebody. Ids as Graph gives them. */
export interface PolicyReach {
  /** `enabled`, `disabled` or `enabledForReportingButNotEnforced` (Graph v1.0); another word is not known to enforce. */
  readonly state: string;
  readonly include_users: readonly string[];
  readonly exclude_users: readonly string[];
  readonly include_groups: readonly string[];
  readonly exclude_groups: readonly string[];
  readonly include_roles: readonly string[];
  readonly exclude_roles: readonly string[];
}

/**
 * Whether a policy holds for somebody: `yes`, `no` with why, or `unknown` where that hangs on memberships of groups or roles,
 * which are not read here. It says what the policy is written to do; sign-ins follow within minutes, tokens later.
 */
export type Reach = { holds: 'yes' } | { holds: 'no' | 'unknown'; because: ReachReason };
export type ReachReason =
  'not_enforced' | 'excluded_by_name' | 'excluded_by_membership' | 'not_included' | 'included_by_membership';

export function reachOf(policy: PolicyReach, userId: string): Reach {
  if (policy.state !== 'enabled') return { holds: 'no', because: 'not_enforced' };
  if (isExcluded(policy.exclude_users, userId)) return { holds: 'no', because: 'excluded_by_name' };
  const byName = isExcluded(policy.include_users, userId) || isExcluded(policy.include_users, 'All');
  const byMembership = policy.include_groups.length + policy.include_roles.length > 0;
  if (!byName && !byMembership) return { holds: 'no', because: 'not_included' };
  if (policy.exclude_groups.length + policy.exclude_roles.length > 0)
    return { holds: 'unknown', because: 'excluded_by_membership' };
  return byName ? { holds: 'yes' } : { holds: 'unknown', because: 'included_by_membership' };
}

/** In words, for receipts and people. */
export const REACH_WORDS: Readonly<Record<ReachReason, string>> = {
  not_enforced: 'the policy is not enforced',
  excluded_by_name: 'the policy leaves the user out by name',
  excluded_by_membership: 'the policy leaves out groups or roles, whose members were not read',
  not_included: 'the policy is not about the user',
  included_by_membership: 'the policy is about groups or roles, whose members were not read',
};
