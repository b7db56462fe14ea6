import { z } from 'zod';

import type { SweptTenant } from '../../domain/sweep.js';
import type { GraphFailure } from '../graph/wire/graph-error.js';
import type { GraphAnswer, GraphSession } from '../graph/wire/graph-session.js';
import { GROUPS } from '../graph/pim/pim-family.js';
import { INSTANCES, instanceSchema, REQUESTS, scheduleRequestSchema } from '../graph/pim/pim-wire.js';
import type { Instance, ScheduleRequest } from '../graph/pim/pim-wire.js';
import type { Patience } from './patience.js';

const ASSIGNMENTS = '/roleManagement/directory/roleAssignments';

/** unifiedRoleAssignment: every assignment that stands, PIM's among them. It does not say who made it. */
const assignmentSchema = z.object({
  id: z.string().min(1),
  principalId: z.string().toLowerCase(),
  roleDefinitionId: z.string().toLowerCase(),
  directoryScopeId: z.string().nullish(),
});
export type PlainAssignment = z.output<typeof assignmentSchema>;

type Unread = SweptTenant['unreadable'][number];

/** Everything that Graph says stands in one tenant. `null`: the read failed, and so nothing is known. */
export interface Sighting {
  readonly instances: readonly Instance[] | null;
  readonly requests: readonly ScheduleRequest[] | null;
  readonly assignments: readonly PlainAssignment[] | null;
  readonly unreadable: readonly Unread[];
}

/** Reads all three lists whole, page by page; one page that fails makes a list unknown. No filter: nobody names a target. */
export async function lookAt(graph: GraphSession, patience: Patience): Promise<Sighting> {
  const read = <T>(path: string, schema: z.ZodType<T>): Promise<GraphAnswer<T[]>> =>
    patience.ask(() => graph.readAll(path, schema));
  const [instances, requests, assignments] = await Promise.all([
    read(INSTANCES, instanceSchema),
    read(REQUESTS, scheduleRequestSchema),
    read(ASSIGNMENTS, assignmentSchema),
  ]);
  const unreadable: Unread[] = [];
  if (!instances.ok) unreadable.push({ what: 'instances', code: codeOf(instances.failure) });
  if (!requests.ok) unreadable.push({ what: 'requests', code: codeOf(requests.failure) });
  if (!assignments.ok) unreadable.push({ what: 'assignments', code: codeOf(assignments.failure) });
  return { instances: rowsOf(instances), requests: rowsOf(requests), assignments: rowsOf(assignments), unreadable };
}

/**
 * The same of one group: PIM for Groups lists nothing without a filter by group or person
 * (List assignmentScheduleInstances, Graph v1.0), so somebody must have said which groups.
 */
export async function lookAtGroup(graph: GraphSession, patience: Patience, groupId: string): Promise<Sighting> {
  const query = { $filter: GROUPS.ofObject(groupId) };
  const [instances, requests] = await Promise.all([
    patience.ask(() => graph.readAll(GROUPS.instances, GROUPS.instanceSchema, query)),
    patience.ask(() => graph.readAll(GROUPS.requests, GROUPS.requestSchema, query)),
  ]);
  const of = { group_id: groupId };
  const unreadable: Unread[] = [];
  if (!instances.ok) unreadable.push({ what: 'group_instances', code: codeOf(instances.failure), ...of });
  if (!requests.ok) unreadable.push({ what: 'group_requests', code: codeOf(requests.failure), ...of });
  return { instances: rowsOf(instances), requests: rowsOf(requests), assignments: [], unreadable };
}

const rowsOf = <T>(answer: GraphAnswer<T[]>): T[] | null => (answer.ok ? answer.value : null);

export const codeOf = ({ kind, code }: GraphFailure): string => `graph_${kind}.${code}`.slice(0, 120);
