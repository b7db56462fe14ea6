import { z } from 'zod';

import type { AssignmentTuple } from '../../../domain/effects/role-assignment.js';
import type { GraphAnswer, GraphSession } from '../wire/graph-session.js';
import type { Holding, Holdings } from '../pim/holdings.js';
import { quoted } from '../pim/pim-wire.js';

/** `rbacApplication: roleAssignments` of Graph v1.0. */
export const ASSIGNMENTS = '/roleManagement/directory/roleAssignments';

const guid = z.string().toLowerCase();

/**
 * unifiedRoleAssignment. It says neither when it was made nor by whom, nor carries any text of ours. `id` is an opaque string;
 * that it hangs on role, scope and principal alone has been seen and is promised nowhere.
 */
export const assignmentSchema = z.object({
  id: z.string().min(1).max(200),
  principalId: guid,
  roleDefinitionId: guid,
  directoryScopeId: z.string().nullish(),
});
export type Assignment = z.output<typeof assignmentSchema>;

/** The body of the POST that makes it. */
export const assignmentBody = (tuple: AssignmentTuple): object => ({
  '@odata.type': '#microsoft.graph.unifiedRoleAssignment',
  roleDefinitionId: tuple.assigned_role_template_id,
  principalId: tuple.principal_id,
  directoryScopeId: tuple.directory_scope_id,
});

export const assignmentPath = (id: string): string => `${ASSIGNMENTS}/${encodeURIComponent(id)}`;

export const isOfTuple = (row: Assignment, tuple: AssignmentTuple): boolean =>
  row.principalId === tuple.principal_id &&
  row.roleDefinitionId === tuple.assigned_role_template_id &&
  row.directoryScopeId === tuple.directory_scope_id;

const ofPrincipal = (graph: GraphSession, { principal_id }: AssignmentTuple): Promise<GraphAnswer<Assignment[]>> =>
  graph.readAll(ASSIGNMENTS, assignmentSchema, { $filter: `principalId eq ${quoted(principal_id)}` });

/** What stands for exactly this tuple; at most one, since Graph refuses a second. Null where this read shows none. */
export async function readStanding(
  graph: GraphSession,
  tuple: AssignmentTuple,
): Promise<GraphAnswer<Assignment | null>> {
  const rows = await ofPrincipal(graph, tuple);
  if (!rows.ok) return rows;
  return { ok: true, value: rows.value.find((row) => isOfTuple(row, tuple)) ?? null };
}

/** An assignment as snapshots and findings name it. */
export const assigned = ({ id, principalId, roleDefinitionId, directoryScopeId }: Assignment): Holding => ({
  key: [principalId, roleDefinitionId, directoryScopeId ?? '', id].join('|').slice(0, 500),
  kind: 'direct',
  principal_id: principalId,
  role_template_id: roleDefinitionId,
  directory_scope_id: directoryScopeId ?? '',
  schedule_id: id,
  ends: null,
});

/** Everybody who has the role, and all roles that the principal has. Graph filters by one property at a time. */
export async function readAssignments(graph: GraphSession, tuple: AssignmentTuple): Promise<GraphAnswer<Holdings>> {
  const ofRole = `roleDefinitionId eq ${quoted(tuple.assigned_role_template_id)}`;
  const [holders, principal] = await Promise.all([
    graph.readAll(ASSIGNMENTS, assignmentSchema, { $filter: ofRole }),
    ofPrincipal(graph, tuple),
  ]);
  if (!holders.ok) return holders;
  if (!principal.ok) return principal;
  return { ok: true, value: { holders: holders.value.map(assigned), principal: principal.value.map(assigned) } };
}

/** Whether a holding is of this very tuple. */
export const isHeldBy = (held: Holding, tuple: AssignmentTuple): boolean =>
  held.principal_id === tuple.principal_id &&
  held.role_template_id === tuple.assigned_role_template_id &&
  held.directory_scope_id === tuple.directory_scope_id;
