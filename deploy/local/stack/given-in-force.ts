import type { InForce } from '../../../activities/in-force.js';
import type { PolicyInForce } from '../../../domain/policy-in-force.js';
import type { Roster } from '../../../domain/roster.js';
import { localContract } from './local-contract.js';

/**
 * A policy and a roster that somebody vouches for by giving them, signed by nobody: for tests and measurements of what
 * comes after the signatures, never for a role's process. A policy without a contract section gets the local stack's.
 */
export function givenInForce(policy: () => PolicyInForce, roster: () => Roster): InForce {
  return {
    policy,
    roster,
    carrying: (_, nowMs) => {
      const inForce = policy();
      const contract = inForce.policy.contract ?? localContract(inForce.policy, { version: 1, nowMs });
      return { ok: true, ...inForce, contract, roster: roster(), versions: [], envelope: null };
    },
    signedRoster: () => null,
  };
}
