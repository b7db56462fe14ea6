import { z } from 'zod';
import { guidSchema } from '../identifiers.js';
import type { Kind } from './kind.js';

/**
 * Two effects on a Conditional Access policy of Microsoft Entra: the principal is left out of it by name, or it is switched
 * off. Graph gives neither an end, so nothing but Reseal takes them back: a policy must allow that by name.
 */
const exclusionKind = z.literal('entra.ca_exclusion');
const disabledKind = z.literal('entra.ca_policy');
const nameSchema = z.string().min(1).max(200);

/** The tools' names, made like those that Reseal takes after. */
export const ACCESS_TOOLS = {
  write: 'breakglass.microsoft_graph.write_conditional_access',
  read: 'breakglass.microsoft_graph.read_conditional_access',
  remove: 'breakglass.rollback.restore_conditional_access',
} as const;

const effectMembers = {
  tenant_id: guidSchema,
  policy_id: guidSchema,
  policy_name: nameSchema,
  end_sessions: z.boolean(),
};

/** What a request says: this policy leaves the principal out. */
export const accessExclusionEffectSchema = z.strictObject({ kind: exclusionKind, ...effectMembers });
/** What a request says: this policy is off, for everybody. */
export const accessPolicyEffectSchema = z.strictObject({ kind: disabledKind, ...effectMembers });

export const accessExclusionTupleSchema = z.strictObject({
  tenant_id: guidSchema,
  principal_id: guidSchema,
  policy_id: guidSchema,
});
/** `principal_id` is who works while the policy is off; it is off for everybody. */
export const accessPolicyTupleSchema = z.strictObject({
  tenant_id: guidSchema,
  principal_id: guidSchema,
  disabled_policy_id: guidSchema,
});

const profileMembers = {
  /** `id` is the policy's object id, `name` what it is called: a policy of another name is refused. */
  access_policy: z.strictObject({ id: guidSchema, name: nameSchema }),
  allow_without_dead_man: z.literal(
    true,
    'nothing but Reseal takes this back: say allow_without_dead_man: true, or use another way',
  ),
};
export const accessExclusionProfile = { action: exclusionKind, ...profileMembers };
export const accessPolicyProfile = { action: disabledKind, ...profileMembers };

interface AccessProfile {
  access_policy: { id: string; name: string };
  end_sessions: boolean;
}
type ExclusionEffect = z.output<typeof accessExclusionEffectSchema>;
type PolicyEffect = z.output<typeof accessPolicyEffectSchema>;
export type ExclusionTuple = z.output<typeof accessExclusionTupleSchema>;
export type DisabledTuple = z.output<typeof accessPolicyTupleSchema>;

const common = {
  role: 'effect:entra.conditional_access',
  dead_man: false,
  tools: ACCESS_TOOLS,
  list: 'allowed_policies',
} as const;

const named = ({ access_policy, end_sessions }: AccessProfile, tenant_id: string) => ({
  tenant_id,
  policy_id: access_policy.id,
  policy_name: access_policy.name,
  end_sessions,
});

export const accessExclusion: Kind<AccessProfile, ExclusionEffect, ExclusionTuple> = {
  ...common,
  effectOf: (profile, tenantId) => ({ kind: 'entra.ca_exclusion', ...named(profile, tenantId) }),
  tupleOf: ({ tenant_id, policy_id }, principal_id) => ({ tenant_id, principal_id, policy_id }),
  objectOf: ({ policy_id }) => ({ id: policy_id, scope: '/' }),
  nameOf: ({ policy_name }) => `exclusion from ${policy_name}`,
};

export const accessPolicyOff: Kind<AccessProfile, PolicyEffect, DisabledTuple> = {
  ...common,
  effectOf: (profile, tenantId) => ({ kind: 'entra.ca_policy', ...named(profile, tenantId) }),
  tupleOf: ({ tenant_id, policy_id }, principal_id) => ({ tenant_id, principal_id, disabled_policy_id: policy_id }),
  objectOf: ({ disabled_policy_id }) => ({ id: disabled_policy_id, scope: '/' }),
  nameOf: ({ policy_name }) => `${policy_name} switched off`,
};
