import { describe, expect, it } from 'vitest';
import { callOf, contractRefusal } from '../../../domain/contract-targets.js';
import { hasDeadMan, kindOfTuple, nameOf, objectOf, roleOfKind, targetOf } from '../../../domain/effects/effects.js';
import { policySchema, termsOf } from '../../../domain/policy.js';
import { policyWarnings } from '../../../domain/policy-warnings.js';
import { tier0Role } from '../../../domain/tier0-roles.js';
import type { Person } from '../../../domain/roster.js';
import * as scene from '../scene.js';

const ROLE = 'fe930be7-5e62-47db-91af-98c3a49a38b1';
const KIND = 'entra.role_assignment';
const profileOf = (over: object = {}) => ({
  action: KIND,
  role: { template_id: ROLE.toUpperCase(), name: 'User Administrator' },
  allow_without_dead_man: true,
  ...over,
});
const policyOf = (profile: object) =>
  policySchema.safeParse({
    version: 1,
    name: 'p',
    tenant_id: scene.TENANT,
    approvals: { min_approvers: 2, approvers: ['group:security'] },
    profiles: { admin: profile },
  });
const parsed = policyOf(profileOf());
const effect = termsOf(parsed.data!, 'admin')!.effect;
const target = targetOf(effect, scene.PRINCIPAL);

describe('a profile of a plain role assignment', () => {
  it('must allow by name that nothing but Reseal ends it', () => {
    for (const over of [{ allow_without_dead_man: undefined }, { allow_without_dead_man: false }]) {
      const { error } = policyOf(profileOf(over));
      expect(error?.issues[0]?.message).toContain('allow_without_dead_man: true');
    }
    expect(hasDeadMan(KIND)).toBe(false);
    expect(policyWarnings(parsed.data!, null).map(({ code }) => code)).toContain('no_dead_man');
  });

  it('names a role and its scope, the whole directory where it says none', () => {
    expect(effect).toEqual({
      kind: KIND,
      tenant_id: scene.TENANT,
      role_template_id: ROLE,
      role_name: 'User Administrator',
      directory_scope_id: '/',
      end_sessions: true,
    });
    expect(nameOf(effect)).toBe('User Administrator');
    expect(policyOf(profileOf({ group: { id: ROLE, name: 'Group' } })).success).toBe(false);
  });

  it('is known to give a tier-0 role where it does', () => {
    const role = { template_id: '62e90394-69f5-4237-9190-012177145e10', name: 'Global Administrator' };
    const { data } = policyOf(profileOf({ role }));
    expect(tier0Role(data!.profiles['admin']!)).toBe('Global Administrator');
    expect(policyWarnings(data!, null).map(({ code }) => code)).toContain('tier0_not_said');
  });

  it('acts on a tuple of its own, and on the same object as PIM would', () => {
    expect(kindOfTuple(target.tuple)).toBe(KIND);
    expect(roleOfKind(KIND)).toBe('effect:entra.role_assignment');
    const byPim = { tenant_id: scene.TENANT, principal_id: scene.PRINCIPAL, directory_scope_id: '/' };
    expect(objectOf(target.tuple)).toEqual(objectOf({ ...byPim, role_template_id: ROLE }));
  });

  it('needs a tool of its own and the role in the contract: the tools of PIM do not carry it', () => {
    const people = scene.PEOPLE.map((person): Person => ({ ...person, keys: ['ssh-ed25519 AAAA'] }));
    const roster = { version: 1 as const, people };
    const refusal = (tool: string, allowed_roles: string[]) => {
      const execution = {
        runtime: 'reseal',
        tools_allowlist: [tool],
        tools_denylist: [],
        elevated: false,
        target_constraints: { tenant_ids: [scene.TENANT], allowed_principals: [scene.PRINCIPAL], allowed_roles },
      };
      return contractRefusal({ execution }, callOf('write', target.tuple), roster)?.code;
    };
    const own = 'breakglass.microsoft_graph.write_plain_role_assignment';
    expect(refusal(own, [ROLE])).toBeUndefined();
    expect(refusal(own, [])).toBe('role_outside_contract');
    expect(refusal('breakglass.microsoft_graph.write_role_assignment', [ROLE])).toBe('tool_not_allowed');
  });
});
