import { isExcluded, withExcluded, withoutExcluded } from '../../../domain/exclusions.js';
import type { AccessPolicy } from './access-policy.js';

/** What an effect on a Conditional Access policy acts on: whom it concerns, and which policy. Ids in lower case. */
export interface AccessTarget {
  readonly tenant_id: string;
  readonly principal_id: string;
  readonly policy_id: string;
}

/** The one thing that an effect changes in a policy, and how it is taken back. The bodies are those of a PATCH. */
export interface Toggle {
  /** In words, after "the policy". */
  readonly wanted: string;
  /** The policy is as the effect leaves it, by whomever. */
  readonly stands: (policy: AccessPolicy) => boolean;
  /** Why it cannot be set on this policy. */
  readonly unfit: (policy: AccessPolicy) => { code: string; message: string } | undefined;
  readonly set: (policy: AccessPolicy) => object;
  readonly undo: (policy: AccessPolicy) => object;
}

/** The principal is left out of the policy, by name. Arrays are replaced whole: what stands there otherwise is sent along. */
export function exclusion({ principal_id }: AccessTarget): Toggle {
  const body = (ids: readonly string[]): object => ({ conditions: { users: { excludeUsers: ids } } });
  return {
    wanted: `leaves out ${principal_id}`,
    stands: ({ reach }) => isExcluded(reach.exclude_users, principal_id),
    unfit: ({ name, reach }) =>
      isExcluded(reach.exclude_users, principal_id)
        ? { code: 'already_excluded', message: `${name} leaves ${principal_id} out already, by somebody else's hand` }
        : undefined,
    set: ({ reach }) => body(withExcluded(reach.exclude_users, principal_id)),
    undo: ({ reach }) => body(withoutExcluded(reach.exclude_users, principal_id)),
  };
}

/**
 * The policy is off. Only one that is enforced is ever switched off, so that what it is put back to never hangs on memory:
 * a policy in report-only mode holds nobody back and needs no breaking of glass.
 */
export const DISABLED: Toggle = {
  wanted: 'is disabled',
  stands: ({ reach }) => reach.state === 'disabled',
  unfit: ({ name, reach }) =>
    reach.state === 'enabled'
      ? undefined
      : { code: 'policy_not_enabled', message: `${name} is ${reach.state} already` },
  set: () => ({ state: 'disabled' }),
  undo: () => ({ state: 'enabled' }),
};
