import { cutUnits } from '../../../domain/cut-text.js';
import type { AccessPolicy } from './access-policy.js';
import type { AccessTarget } from './access-toggle.js';
import type { GraphDeps } from '../effect-deps.js';
import type { Turns } from './turns.js';

/** What the role that edits Conditional Access policies holds. */
export interface AccessDeps extends GraphDeps {
  /** Writes to one policy, one after the other. */
  readonly turns: Turns;
}

export const turnOf = ({ tenant_id, policy_id }: AccessTarget): string => `${tenant_id}/${policy_id}`;

/** What must not be touched: by whom it concerns, or by the policy itself. */
export function protectedTarget(
  deps: GraphDeps,
  { principal_id, policy_id }: AccessTarget,
): { code: string; message: string } | undefined {
  if (deps.protectedIds.has(principal_id))
    return { code: 'protected_principal', message: 'the principal is protected: no ceremony may touch it' };
  if (deps.protectedIds.has(policy_id))
    return { code: 'protected_policy', message: 'the policy is protected: no ceremony may touch it' };
  return undefined;
}

const TOLD_IDS = 100;

/** What of a policy stands in a receipt: enough to compare with, and bounded. */
export const toldPolicy = ({ id, name, reach, digest, rest_digest, modified_at }: AccessPolicy) => ({
  policy_id: id,
  policy_name: cutUnits(name, 200),
  state: cutUnits(reach.state, 64),
  excluded_count: reach.exclude_users.length,
  excluded_users: reach.exclude_users.slice(0, TOLD_IDS).map((one) => cutUnits(one, 64)),
  policy_sha256: digest,
  untouched_sha256: rest_digest,
  modified_at: modified_at === null ? null : new Date(modified_at).toISOString(),
});
