import { z } from 'zod';
import { guidSchema } from '../identifiers.js';
import type { Kind } from './kind.js';

const kind = z.literal('entra.group_membership');
const nameSchema = z.string().min(1).max(256);

/** What a request says: membership of a group, given through PIM for Groups. Ownership is never given. */
export const groupMembershipEffectSchema = z.strictObject({
  kind,
  tenant_id: guidSchema,
  group_id: guidSchema,
  group_name: nameSchema,
  end_sessions: z.boolean(),
});

/** What such an effect acts on; the access is always `member`. */
export const groupMembershipTupleSchema = z.strictObject({
  tenant_id: guidSchema,
  principal_id: guidSchema,
  group_id: guidSchema,
});

/** What a profile of this kind says besides what all profiles say. */
export const groupMembershipProfile = {
  action: kind,
  group: z.strictObject({ id: guidSchema, name: nameSchema }),
};

interface GroupProfile {
  group: { id: string; name: string };
  end_sessions: boolean;
}
type GroupEffect = z.output<typeof groupMembershipEffectSchema>;
export type GroupTuple = z.output<typeof groupMembershipTupleSchema>;

/** The tools of memberships, as a contract names them. */
export const GROUP_TOOLS = {
  write: 'breakglass.microsoft_graph.write_group_membership',
  read: 'breakglass.microsoft_graph.read_group_membership',
  remove: 'breakglass.rollback.remove_group_membership',
} as const;

/** PIM ends such a membership by itself: its end is the dead-man. */
export const groupMembership: Kind<GroupProfile, GroupEffect, GroupTuple> = {
  role: 'effect:entra.group_membership',
  dead_man: true,
  tools: GROUP_TOOLS,
  list: 'allowed_groups',
  effectOf: ({ group, end_sessions }, tenant_id) => ({
    kind: 'entra.group_membership',
    tenant_id,
    group_id: group.id,
    group_name: group.name,
    end_sessions,
  }),
  tupleOf: ({ tenant_id, group_id }, principal_id) => ({ tenant_id, principal_id, group_id }),
  objectOf: ({ group_id }) => ({ id: group_id, scope: 'member' }),
  nameOf: ({ group_name }) => group_name,
};
