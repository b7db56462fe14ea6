import { z } from 'zod';
import { TOOLS } from '../contract.js';
import { guidSchema } from '../identifiers.js';
import type { Kind } from './kind.js';

const kind = z.literal('entra.directory_role');
const scopeSchema = z.string().min(1).max(200);

/** What a request says: a Microsoft Entra role, granted through PIM. */
export const directoryRoleEffectSchema = z.strictObject({
  kind,
  tenant_id: guidSchema,
  role_template_id: guidSchema,
  role_name: z.string().min(1).max(200),
  directory_scope_id: scopeSchema,
  end_sessions: z.boolean(),
});

/** What a directory-role effect acts on. Rollback addresses this tuple: Graph's adminRemove knows no assignment id. */
export const directoryRoleTupleSchema = z.strictObject({
  tenant_id: guidSchema,
  principal_id: guidSchema,
  role_template_id: guidSchema,
  directory_scope_id: scopeSchema,
});

/** What a profile of this kind says besides what all profiles say. */
export const directoryRoleProfile = {
  action: kind,
  role: z.strictObject({ template_id: guidSchema, name: z.string().min(1).max(200) }),
  scope: scopeSchema.default('/'),
};

interface RoleProfile {
  role: { template_id: string; name: string };
  scope: string;
  end_sessions: boolean;
}
export type DirectoryRoleEffect = z.output<typeof directoryRoleEffectSchema>;
export type RoleTuple = z.output<typeof directoryRoleTupleSchema>;

/** PIM ends such an assignment by itself: its end is the dead-man. */
export const directoryRole: Kind<RoleProfile, DirectoryRoleEffect, RoleTuple> = {
  role: 'effect:entra.directory_role',
  dead_man: true,
  tools: TOOLS,
  list: 'allowed_roles',
  effectOf: ({ role, scope, end_sessions }, tenant_id) => ({
    kind: 'entra.directory_role',
    tenant_id,
    role_template_id: role.template_id,
    role_name: role.name,
    directory_scope_id: scope,
    end_sessions,
  }),
  tupleOf: ({ tenant_id, role_template_id, directory_scope_id }, principal_id) => ({
    tenant_id,
    principal_id,
    role_template_id,
    directory_scope_id,
  }),
  objectOf: ({ role_template_id, directory_scope_id }) => ({ id: role_template_id, scope: directory_scope_id }),
  nameOf: ({ role_name }) => role_name,
};
