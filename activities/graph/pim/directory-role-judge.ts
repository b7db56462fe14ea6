import { judgeIntent } from '../../../proofs/evidence.js';
import type { RoleKeys } from '../../../proofs/receipt.js';
import type { AuthorityKey } from '../../../proofs/signed-intent.js';
import { carryingOf, toolRefusal, validityRefusal, type InForce } from '../../in-force.js';
import type { Judge } from '../grant/grant-gate.js';

/** What the role that grants judges by: what is in force by its own roots, and whose keys it knows. */
export interface JudgeHoldings {
  readonly inForce: InForce;
  readonly roleKeys: RoleKeys;
  readonly authorityKey: AuthorityKey;
}

/**
 * Everything that must hold before a grant, judged where the call is made: the signed contract that the request names and
 * the signed roster are in force now, the evidence carries the intent under them, and the contract lets this tool be used
 * on this target. Nothing that ends a grant asks here.
 */
export function judgeGrant({ inForce, roleKeys, authorityKey }: JudgeHoldings): Judge {
  return (signed, evidence, nowMs) => {
    const carrying = carryingOf(inForce, evidence, nowMs);
    if (!carrying.ok) return carrying;
    const { roster, policy, digest } = carrying;
    const judged = judgeIntent({
      signed,
      evidence,
      roster,
      roleKeys,
      policy,
      policyDigest: digest,
      authorityKey,
      nowMs,
    });
    if (!judged.ok) return judged;
    const outside = validityRefusal(carrying, judged.extension) ?? toolRefusal(carrying, 'write', judged.request);
    return outside === undefined ? judged : { ok: false, ...outside };
  };
}
