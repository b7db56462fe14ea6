import type { Tuple } from '../../../domain/intent.js';
import type { GraphAnswer, GraphSession } from '../wire/graph-session.js';
import { pimFamily, pimTuple } from './pim-family.js';
import { isPim } from './pim-wire.js';
import type { EligibilityInstance, Instance } from './pim-wire.js';

/** One privilege that somebody has, or may activate. `key` is how the snapshot of a survey names it. */
export interface Holding {
  readonly key: string;
  readonly kind: 'pim' | 'direct' | 'eligible';
  readonly principal_id: string;
  readonly role_template_id: string;
  readonly directory_scope_id: string;
  /** Of the schedule, or of the assignment where it was made outside PIM. */
  readonly schedule_id: string;
  /** As Graph gives it; null where it never ends. */
  readonly ends: string | null;
}

export function holdingOf(instance: Instance): Holding {
  const { principalId, roleDefinitionId, directoryScopeId, roleAssignmentScheduleId } = instance;
  const schedule_id = roleAssignmentScheduleId ?? instance.id;
  return {
    key: [principalId, roleDefinitionId, directoryScopeId, schedule_id].join('|'),
    kind: isPim(instance) ? 'pim' : 'direct',
    principal_id: principalId,
    role_template_id: roleDefinitionId,
    directory_scope_id: directoryScopeId,
    schedule_id,
    ends: instance.endDateTime ?? null,
  };
}

export function eligible(instance: EligibilityInstance): Holding {
  const { principalId, roleDefinitionId, directoryScopeId, roleEligibilityScheduleId } = instance;
  const schedule_id = roleEligibilityScheduleId ?? instance.id;
  return {
    key: `eligible:${[principalId, roleDefinitionId, directoryScopeId, schedule_id].join('|')}`,
    kind: 'eligible',
    principal_id: principalId,
    role_template_id: roleDefinitionId,
    directory_scope_id: directoryScopeId,
    schedule_id,
    ends: null,
  };
}

export interface Holdings {
  /** Everybody who has the role, at any scope. */
  readonly holders: readonly Holding[];
  /** Everything the principal has or may activate. */
  readonly principal: readonly Holding[];
}

/** One round of reads. They may come from replicas of different age. */
export async function readHoldings(graph: GraphSession, about: Tuple): Promise<GraphAnswer<Holdings>> {
  const pim = pimFamily(about);
  const { role_template_id, principal_id } = pimTuple(about);
  const byPrincipal = { $filter: pim.ofPrincipal(principal_id) };
  const [holders, assignments, eligibilities] = await Promise.all([
    graph.readAll(pim.instances, pim.instanceSchema, { $filter: pim.ofObject(role_template_id) }),
    graph.readAll(pim.instances, pim.instanceSchema, byPrincipal),
    graph.readAll(pim.eligibilities, pim.eligibilitySchema, byPrincipal),
  ]);
  if (!holders.ok) return holders;
  if (!assignments.ok) return assignments;
  if (!eligibilities.ok) return eligibilities;
  const principal = [...assignments.value.map(holdingOf), ...eligibilities.value.map(eligible)];
  return { ok: true, value: { holders: holders.value.map(holdingOf), principal } };
}
