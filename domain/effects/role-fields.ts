import { z } from 'zod';
import { guidSchema } from '../identifiers.js';

/** What requests and profiles say of a Microsoft Entra role, whichever way it is given. */

export const roleScopeSchema = z.string().min(1).max(200);
const nameSchema = z.string().min(1).max(200);

/** Of a request: the role and its scope. */
export const roleEffectFields = {
  tenant_id: guidSchema,
  role_template_id: guidSchema,
  role_name: nameSchema,
  directory_scope_id: roleScopeSchema,
  end_sessions: z.boolean(),
};

/** Of a profile. */
export const roleProfileFields = {
  role: z.strictObject({ template_id: guidSchema, name: nameSchema }),
  scope: roleScopeSchema.default('/'),
};

export interface RoleProfile {
  role: { template_id: string; name: string };
  scope: string;
  end_sessions: boolean;
}

/** What a request of such a profile says. */
export const roleEffectOf = ({ role, scope, end_sessions }: RoleProfile, tenant_id: string) => ({
  tenant_id,
  role_template_id: role.template_id,
  role_name: role.name,
  directory_scope_id: scope,
  end_sessions,
});
