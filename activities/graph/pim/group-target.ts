import { z } from 'zod';

import type { GroupTuple } from '../../../domain/effects/group-membership.js';
import type { GraphAnswer, GraphSession } from '../wire/graph-session.js';

/** Why membership of a group cannot be given as asked. */
export type GroupRefusal = 'group_not_found' | 'group_name_differs' | 'group_not_grantable';

const groupSchema = z.object({
  id: z.string().toLowerCase(),
  displayName: z.string().nullish(),
  groupTypes: z.array(z.string()).nullish(),
  onPremisesSyncEnabled: z.boolean().nullish(),
  isAssignableToRole: z.boolean().nullish(),
});
const memberSchema = z.object({ id: z.string().toLowerCase() });

const SELECT = 'id,displayName,groupTypes,onPremisesSyncEnabled,isAssignableToRole';

/** What stands in the way of giving this membership; undefined when nothing does. */
export type GroupObjection = { code: GroupRefusal; message: string } | undefined;

/**
 * Whether the group is the one that was asked for, and one that PIM can give membership of: a dynamic group and one that is
 * synchronised from on-premises cannot be managed in PIM for Groups (Microsoft Learn, "Bring groups into Privileged Identity
 * Management").
 */
export async function objectionToGroup(
  graph: GraphSession,
  { group_id }: GroupTuple,
  name: string,
): Promise<GraphAnswer<GroupObjection>> {
  const path = `/groups/${encodeURIComponent(group_id)}`;
  const read = await graph.read(path, groupSchema, { $select: SELECT });
  if (!read.ok) {
    if (read.failure.kind !== 'not_found') return read;
    return refused('group_not_found', `the directory has no group ${group_id}`);
  }
  const { displayName, groupTypes, onPremisesSyncEnabled } = read.value;
  if (displayName !== name) return refused('group_name_differs', `group ${group_id} is not called ${name}`);
  if (groupTypes?.includes('DynamicMembership') === true)
    return refused('group_not_grantable', `${name} is a dynamic group: its rule says who is a member`);
  if (onPremisesSyncEnabled === true)
    return refused('group_not_grantable', `${name} is synchronised from on-premises: its members are changed there`);
  return { ok: true, value: undefined };
}

const refused = (code: GroupRefusal, message: string): GraphAnswer<GroupObjection> => ({
  ok: true,
  value: { code, message },
});

/** Whether somebody is a member now, however that came about. */
export async function isMember(
  graph: GraphSession,
  { group_id, principal_id }: GroupTuple,
): Promise<GraphAnswer<boolean>> {
  const path = `/groups/${encodeURIComponent(group_id)}/members`;
  const members = await graph.readAll(path, memberSchema, { $select: 'id' });
  return members.ok ? { ok: true, value: members.value.some(({ id }) => id === principal_id) } : members;
}
