import { instant } from '../../../domain/identifiers.js';
import { signedIntentSchema } from '../../../domain/intent.js';
import type { OrderedRollbackOutcome } from '../../../domain/outcomes.js';
import type { EffectTasks, OrderTasks } from '../../../domain/tasks.js';
import { judgeOrder } from '../../../proofs/removal-order.js';
import type { Clock } from '../../clock.js';
import type { InForce } from '../../in-force.js';

/** What orders are judged by: what last verified here, since an end never waits for a registry. */
export type OrderHoldings = Pick<InForce, 'policy' | 'roster'> & { readonly clock: Clock };

/**
 * The tasks of an effect, and besides them the first removal, begun while the ceremony checks the statement that orders it:
 * so a kill is one step from the provider. An order that does not verify here calls nobody: else forged kills would be a
 * way to make Graph busy.
 */
export function takingOrders<Tasks extends Pick<EffectTasks, 'rollback'>>(
  { policy, roster, clock }: OrderHoldings,
  tasks: Tasks,
): Tasks & OrderTasks {
  const rollbackOnOrder: OrderTasks['rollbackOnOrder'] = ({
    signed,
    evidence,
    order,
  }): Promise<OrderedRollbackOutcome> => {
    const nowMs = clock.now();
    const refused = (reason: string) => ({ outcome: 'not_ordered' as const, reason, at: instant(nowMs) });
    // The arguments of an activity are anybody's.
    if (!signedIntentSchema.safeParse(signed).success) return Promise.resolve(refused('malformed'));
    const { policy: inForce, digest: policyDigest } = policy();
    const rules = { evidence, order, roster: roster(), policy: inForce, policyDigest, nowMs };
    const judged = judgeOrder({ intent: signed.intent, ...rules });
    return judged.ok ? tasks.rollback({ signed, round: 1 }) : Promise.resolve(refused(judged.reason));
  };
  return { ...tasks, rollbackOnOrder };
}
