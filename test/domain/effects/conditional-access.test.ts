import { describe, expect, it } from 'vitest';
import { callOf, contractRefusal } from '../../../domain/contract-targets.js';
import { hasDeadMan, kindOfTuple, nameOf, objectOf, roleOfKind, targetOf } from '../../../domain/effects/effects.js';
import { policySchema, termsOf } from '../../../domain/policy.js';
import { policyWarnings } from '../../../domain/policy-warnings.js';
import type { Person } from '../../../domain/roster.js';
import * as scene from '../scene.js';

const POLICY = '6f2a0c1e-4b7d-4e35-9a68-0d1c5e8f7a23';
const KINDS = ['entra.ca_exclusion', 'entra.ca_policy'] as const;

const profileOf = (action: string, over: object = {}) => ({
  action,
  access_policy: { id: POLICY.toUpperCase(), name: 'Require MFA' },
  allow_without_dead_man: true,
  ...over,
});
const policyOf = (profile: object) =>
  policySchema.safeParse({
    version: 1,
    name: 'p',
    tenant_id: scene.TENANT,
    approvals: { min_approvers: 2, approvers: ['group:security'] },
    profiles: { mfa: profile },
  });

describe.each(KINDS)('a profile of %s', (kind) => {
  const parsed = policyOf(profileOf(kind));
  const effect = termsOf(parsed.data!, 'mfa')!.effect;
  const target = targetOf(effect, scene.PRINCIPAL);

  it('must allow by name that nothing but Reseal ends it', () => {
    for (const over of [{ allow_without_dead_man: undefined }, { allow_without_dead_man: false }]) {
      const { error } = policyOf(profileOf(kind, over));
      expect(error?.issues[0]?.message).toContain('allow_without_dead_man: true');
    }
    expect(hasDeadMan(kind)).toBe(false);
    expect(policyWarnings(parsed.data!, null).map(({ code }) => code)).toContain('no_dead_man');
  });

  it('names one policy, and no role', () => {
    expect(effect).toMatchObject({ kind, policy_id: POLICY, policy_name: 'Require MFA' });
    expect(nameOf(effect)).toContain('Require MFA');
    expect(policyOf(profileOf(kind, { role: { template_id: scene.ROLE, name: 'Reader' } })).success).toBe(false);
    expect(policyOf(profileOf(kind, { access_policy: { id: 'x', name: 'y' } })).success).toBe(false);
  });

  it('acts on a tuple that tells its kind, under a role of its own', () => {
    expect(kindOfTuple(target.tuple)).toBe(kind);
    expect(objectOf(target.tuple)).toEqual({ id: POLICY, scope: '/' });
    expect(roleOfKind(kind)).toBe('effect:entra.conditional_access');
  });

  it('is used only on policies that the contract names', () => {
    const execution = (allowed_policies?: string[]) => ({
      runtime: 'reseal',
      tools_allowlist: ['breakglass.microsoft_graph.write_conditional_access'],
      tools_denylist: [],
      elevated: false,
      target_constraints: {
        tenant_ids: [scene.TENANT],
        allowed_principals: [scene.PRINCIPAL],
        allowed_roles: [POLICY],
        ...(allowed_policies === undefined ? {} : { allowed_policies }),
      },
    });
    const people = scene.PEOPLE.map((person): Person => ({ ...person, keys: ['ssh-ed25519 AAAA'] }));
    const roster = { version: 1 as const, people };
    const refusal = (allowed?: string[]) =>
      contractRefusal({ execution: execution(allowed) }, callOf('write', target.tuple), roster)?.code;
    expect(refusal([POLICY])).toBeUndefined();
    expect(refusal([])).toBe('policy_outside_contract');
    expect(refusal()).toBe('policy_outside_contract');
  });
});
