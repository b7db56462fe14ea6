import { z } from 'zod';
import { guidSchema } from '../identifiers.js';
import type { Kind } from './kind.js';
import { roleEffectFields, roleEffectOf, roleProfileFields, roleScopeSchema, type RoleProfile } from './role-fields.js';

/**
 * A plain assignment of a Microsoft Entra role, for tenants without PIM. It is permanent at the provider and carries no mark:
 * nothing but Reseal takes it back, and a policy must allow that by name.
 */
const kind = z.literal('entra.role_assignment');

/** The tools of plain assignments, as a contract names them; those of `entra.directory_role` are about PIM's. */
export const ASSIGNMENT_TOOLS = {
  write: 'breakglass.microsoft_graph.write_plain_role_assignment',
  read: 'breakglass.microsoft_graph.read_plain_role_assignment',
  remove: 'breakglass.rollback.remove_plain_role_assignment',
} as const;

/** What a request says: this role, without an end of the provider's. */
export const roleAssignmentEffectSchema = z.strictObject({
  kind,
  ...roleEffectFields,
});

/** What such an effect acts on. Its role has a name of its own, so that it is never taken for PIM's tuple. */
export const roleAssignmentTupleSchema = z.strictObject({
  tenant_id: guidSchema,
  principal_id: guidSchema,
  assigned_role_template_id: guidSchema,
  directory_scope_id: roleScopeSchema,
});

/** What a profile of this kind says besides what all profiles say. */
export const roleAssignmentProfile = {
  action: kind,
  ...roleProfileFields,
  allow_without_dead_man: z.literal(
    true,
    'nothing but Reseal takes this back: say allow_without_dead_man: true, or use entra.directory_role where there is PIM',
  ),
};

export type RoleAssignmentEffect = z.output<typeof roleAssignmentEffectSchema>;
export type AssignmentTuple = z.output<typeof roleAssignmentTupleSchema>;

/** Nobody but Reseal ends such an assignment. */
export const roleAssignment: Kind<RoleProfile, RoleAssignmentEffect, AssignmentTuple> = {
  role: 'effect:entra.role_assignment',
  dead_man: false,
  tools: ASSIGNMENT_TOOLS,
  list: 'allowed_roles',
  effectOf: (profile, tenant_id) => ({ kind: 'entra.role_assignment', ...roleEffectOf(profile, tenant_id) }),
  tupleOf: ({ tenant_id, role_template_id, directory_scope_id }, principal_id) => ({
    tenant_id,
    principal_id,
    assigned_role_template_id: role_template_id,
    directory_scope_id,
  }),
  // The same object as that of PIM's kind: two ceremonies never give one person one role in two ways at once.
  objectOf: ({ assigned_role_template_id, directory_scope_id }) => ({
    id: assigned_role_template_id,
    scope: directory_scope_id,
  }),
  nameOf: ({ role_name }) => role_name,
};
