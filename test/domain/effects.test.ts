import { describe, expect, it } from 'vitest';
import {
  EFFECT_KINDS,
  effectOf,
  isSameEffect,
  kindOfTuple,
  nameOf,
  objectOf,
  roleOfKind,
  targetOf,
  toolsOf,
  TUPLES,
  type Effect,
} from '../../domain/effects/effects.js';
import { makerOf } from '../../domain/entry.js';
import { policySchema, termsOf, termsSchema } from '../../domain/policy.js';
import { TASK_QUEUES } from '../../domain/roles.js';
import { callOf, contractRefusal } from '../../domain/contract-targets.js';
import * as scene from './scene.js';

const GROUP = '11111111-2222-4333-8444-555555555555';
const GROUP_PROFILE = { action: 'entra.group_membership', group: { id: GROUP, name: 'Exclusion' } };
const policy = policySchema.parse({
  version: 1,
  name: 'kinds',
  tenant_id: scene.TENANT,
  approvals: { min_approvers: 1, approvers: ['person:bob'] },
  profiles: { role: { action: 'entra.directory_role', role: scene.ROLE_OF_PROFILE }, group: GROUP_PROFILE },
});
const effectNamed = (profile: string): Effect => termsOf(policy, profile)!.effect;

describe('a kind of effect', () => {
  it('has a role with a queue, and tools that no kind of another role has', () => {
    for (const kind of EFFECT_KINDS) expect(Object.keys(TASK_QUEUES)).toContain(roleOfKind(kind));
    const roles = new Map<string, Set<string>>();
    for (const kind of EFFECT_KINDS)
      for (const tool of toolsOf(kind)) roles.set(tool, (roles.get(tool) ?? new Set()).add(roleOfKind(kind)));
    expect([...roles.values()].filter(({ size }) => size > 1)).toEqual([]);
    expect(roleOfKind('entra.group_membership')).toBe('effect:entra.group_membership');
  });

  it('is told from the members of its tuple', () => {
    const members = EFFECT_KINDS.map((kind) => Object.keys(TUPLES[kind].shape).sort().join());
    expect(new Set(members).size).toBe(EFFECT_KINDS.length);
    for (const profile of ['role', 'group']) {
      const effect = effectNamed(profile);
      expect(kindOfTuple(targetOf(effect, scene.TENANT).tuple)).toBe(effect.kind);
    }
    expect(() => kindOfTuple({ tenant_id: scene.TENANT } as never)).toThrow('the tuple of no kind');
  });

  it('says what a request under a profile must ask for', () => {
    expect(effectNamed('group')).toEqual({
      kind: 'entra.group_membership',
      tenant_id: scene.TENANT,
      group_id: GROUP,
      group_name: 'Exclusion',
      end_sessions: true,
    });
    expect(nameOf(effectNamed('role'))).toBe(scene.ROLE_OF_PROFILE.name);
    expect(objectOf(targetOf(effectNamed('group'), scene.TENANT).tuple)).toEqual({ id: GROUP, scope: 'member' });
    const again = effectOf(policy.profiles['group']!, scene.TENANT);
    expect(isSameEffect(again, effectNamed('group'))).toBe(true);
    expect(isSameEffect({ ...again, end_sessions: false }, effectNamed('group'))).toBe(false);
    expect(isSameEffect(effectNamed('role'), effectNamed('group'))).toBe(false);
  });

  it('takes no members of another kind in a profile', () => {
    const broken = { ...policy, profiles: { group: { ...GROUP_PROFILE, role: scene.ROLE_OF_PROFILE } } };
    expect(policySchema.safeParse(broken).success).toBe(false);
    const unknown = { ...policy, profiles: { group: { ...GROUP_PROFILE, action: 'entra.everything' } } };
    expect(policySchema.safeParse(unknown).success).toBe(false);
  });
});

describe('what an effect says of itself', () => {
  it('is for the role of the kind that it names, and for nobody else', () => {
    const data = { kind: 'entra.group_membership' };
    expect(makerOf({ type: 'granted', data: {} })).toBe('effect:entra.directory_role');
    expect(makerOf({ type: 'removal', data })).toBe('effect:entra.group_membership');
    expect(makerOf({ type: 'granted', data: { kind: 'entra.everything' } })).toBe('effect:entra.directory_role');
    expect(makerOf({ type: 'tool_wrote', data })).toBe('effect:entra.group_membership');
    expect(makerOf({ type: 'tool_removed', data: {} })).toBe('effect:entra.directory_role');
    expect(makerOf({ type: 'verified', data })).toBe('verifier');
  });
});

describe('the terms of a ceremony that an earlier version admitted', () => {
  it('are read as those of the same role', () => {
    const { effect, ...terms } = scene.TERMS;
    const { tenant_id, end_sessions } = effect;
    const former = { ...terms, tenant_id, role: scene.ROLE_OF_PROFILE, scope: '/', end_sessions };
    expect(termsSchema.parse(former)).toEqual(termsSchema.parse(scene.TERMS));
  });
});

describe('a contract', () => {
  const { tuple } = targetOf(effectNamed('group'), scene.TENANT);
  const roster = { version: 1 as const, people: [] };
  const contract = (over: object) => ({
    execution: {
      runtime: 'reseal',
      tools_allowlist: EFFECT_KINDS.flatMap(toolsOf),
      tools_denylist: [],
      target_constraints: {
        tenant_ids: [scene.TENANT],
        allowed_principals: [scene.TENANT],
        allowed_roles: [GROUP],
        ...over,
      },
      elevated: false,
    },
  });

  it('must name the group among its groups: a role of that id is something else', () => {
    const refusal = (over: object) => contractRefusal(contract(over), callOf('write', tuple), roster)?.code;
    expect(refusal({ allowed_groups: [GROUP] })).toBeUndefined();
    expect(refusal({ allowed_groups: [] })).toBe('group_outside_contract');
    expect(refusal({})).toBe('group_outside_contract');
  });
});
