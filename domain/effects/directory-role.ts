import { z } from 'zod';
import { TOOLS } from '../contract.js';
import { guidSchema } from '../identifiers.js';
import type { Kind } from './kind.js';
import { roleEffectFields, roleEffectOf, roleProfileFields, roleScopeSchema, type RoleProfile } from './role-fields.js';

const kind = z.literal('entra.directory_role');

/** What a request says: a Microsoft Entra role, granted through PIM. */
export const directoryRoleEffectSchema = z.strictObject({
  kind,
  ...roleEffectFields,
});

/** What a directory-role effect acts on. Rollback addresses this tuple: Graph's adminRemove knows no assignment id. */
export const directoryRoleTupleSchema = z.strictObject({
  tenant_id: guidSchema,
  principal_id: guidSchema,
  role_template_id: guidSchema,
  directory_scope_id: roleScopeSchema,
});

/** What a profile of this kind says besides what all profiles say. */
export const directoryRoleProfile = {
  action: kind,
  ...roleProfileFields,
};

export type DirectoryRoleEffect = z.output<typeof directoryRoleEffectSchema>;
export type RoleTuple = z.output<typeof directoryRoleTupleSchema>;

/** PIM ends such an assignment by itself: its end is the dead-man. */
export const directoryRole: Kind<RoleProfile, DirectoryRoleEffect, RoleTuple> = {
  role: 'effect:entra.directory_role',
  dead_man: true,
  tools: TOOLS,
  list: 'allowed_roles',
  effectOf: (profile, tenant_id) => ({ kind: 'entra.directory_role', ...roleEffectOf(profile, tenant_id) }),
  tupleOf: ({ tenant_id, role_template_id, directory_scope_id }, principal_id) => ({
    tenant_id,
    principal_id,
    role_template_id,
    directory_scope_id,
  }),
  objectOf: ({ role_template_id, directory_scope_id }) => ({ id: role_template_id, scope: directory_scope_id }),
  nameOf: ({ role_name }) => role_name,
};
