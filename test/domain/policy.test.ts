import { describe, expect, it } from 'vitest';
import { isNamed, policySchema, termsOf, type Policy } from '../../domain/policy.js';
import * as scene from './scene.js';

const profile = {
  action: 'entra.directory_role',
  role: { template_id: scene.ROLE, name: 'Global Reader' },
};
const base = {
  version: 1,
  name: 'breakglass',
  tenant_id: scene.TENANT,
  approvals: { min_approvers: 2, approvers: ['group:security'] },
  profiles: { reader: profile },
};
const accepts = (over: Record<string, unknown>): boolean => policySchema.safeParse({ ...base, ...over }).success;
const messages = (over: Record<string, unknown>): string[] =>
  policySchema
    .safeParse({ ...base, ...over })
    .error?.issues.map(({ message, path }) => `${path.join('.')}: ${message}`) ?? [];

describe('a policy', () => {
  it('fills in what it leaves out', () => {
    expect(policySchema.parse(base)).toMatchObject({
      approval_window: 1800,
      grace: 600,
      timebox: { default: 1800, max: 14_400 },
      responders: [],
      profiles: { reader: { scope: '/', end_sessions: true, tier0: false } },
    });
  });

  it.each([
    [599, false],
    [600, true],
    ['10m', true],
    ['9m59s', false],
  ])('a default timebox of %s: %s', (timebox, allowed) => {
    expect(accepts({ timebox: { default: timebox, max: '4h' } })).toBe(allowed);
    expect(accepts({ profiles: { reader: { ...profile, timebox: { default: timebox, max: '4h' } } } })).toBe(allowed);
  });

  it.each([
    ['4h', true],
    ['4h1s', false],
    [14_401, false],
  ])('a longest timebox of %s: %s', (max, allowed) => {
    expect(accepts({ timebox: { default: '10m', max } })).toBe(allowed);
  });

  it('wants a default no longer than the maximum', () => {
    expect(accepts({ timebox: { default: '1h', max: '59m' } })).toBe(false);
    expect(accepts({ timebox: { default: '1h', max: '1h' } })).toBe(true);
  });

  it.each([
    ['4m59s', false],
    ['5m', true],
    ['15m', true],
    ['15m1s', false],
  ])('a grace of %s: %s', (grace, allowed) => {
    expect(accepts({ grace })).toBe(allowed);
  });

  it('needs somebody who can approve, in every profile', () => {
    expect(messages({ approvals: undefined })).toEqual([
      'profiles.reader.approvals: no approvals here and no default: nobody could approve',
    ]);
    expect(messages({ approvals: { min_approvers: 1 } })).toEqual([
      'profiles.reader.approvals: an empty approvers list means nobody can approve',
    ]);
    const own = { ...profile, approvals: { min_approvers: 1, approvers: ['person:bob'] } };
    expect(accepts({ approvals: undefined, profiles: { reader: own } })).toBe(true);
  });

  it('lets those approve whom its group requirements name', () => {
    const approvals = { min_approvers: 2, require: [{ group: 'security', count: 1 }] };
    expect(policySchema.parse({ ...base, approvals }).approvals?.approvers).toEqual(['group:security']);
  });

  it('wants at least one approver and at most sixteen', () => {
    for (const [min_approvers, allowed] of [
      [0, false],
      [1, true],
      [16, true],
      [17, false],
      [1.5, false],
    ] as const)
      expect(accepts({ approvals: { min_approvers, approvers: ['group:security'] } })).toBe(allowed);
  });

  it('knows groups and persons, and no other party', () => {
    const withParty = (party: string) => accepts({ responders: [party] });
    expect(withParty('group:soc') && withParty('person:dave')).toBe(true);
    for (const wrong of ['soc', 'role:soc', 'group:', 'group:a b', 'group:a:b', '*', 'group:\n'])
      expect(withParty(wrong)).toBe(false);
  });

  it('refuses members it does not know, other versions, and odd names', () => {
    expect(accepts({ extra: 1 })).toBe(false);
    expect(accepts({ version: 2 })).toBe(false);
    expect(accepts({ name: 'Break Glass' })).toBe(false);
    expect(accepts({ profiles: { 'Bad Name': profile } })).toBe(false);
    expect(accepts({ profiles: { reader: { ...profile, action: 'aws.role' } } })).toBe(false);
  });
});

describe('the terms of a profile', () => {
  const policy: Policy = policySchema.parse({
    ...base,
    grace: '5m',
    responders: ['group:soc'],
    profiles: {
      reader: profile,
      admin: {
        ...profile,
        tenant_id: scene.ROLE.toUpperCase(),
        scope: '/administrativeUnits/x',
        timebox: { default: '10m', max: '1h' },
        approvals: { min_approvers: 1, approvers: ['person:bob'] },
      },
    },
  });

  it('come from the policy where the profile says nothing', () => {
    expect(termsOf(policy, 'reader')).toMatchObject({
      profile: 'reader',
      effect: { tenant_id: scene.TENANT },
      timebox: { default: 1800, max: 14_400 },
      grace: 300,
      approvals: { min_approvers: 2 },
      responders: ['group:soc'],
    });
  });

  it('come from the profile where it speaks, ids in lower case', () => {
    expect(termsOf(policy, 'admin')).toMatchObject({
      effect: { tenant_id: scene.ROLE, directory_scope_id: '/administrativeUnits/x' },
      timebox: { default: 600, max: 3600 },
      approvals: { min_approvers: 1, approvers: ['person:bob'] },
    });
  });

  it('are none for a name that is no profile, inherited names included', () => {
    for (const name of ['', 'nobody', 'toString', '__proto__', 'constructor', 'hasOwnProperty'])
      expect(termsOf(policy, name)).toBeUndefined();
  });
});

describe('being named', () => {
  it('goes by id or group, and never one for the other', () => {
    expect(isNamed(['person:bob'], scene.bob)).toBe(true);
    expect(isNamed(['group:security'], scene.bob)).toBe(true);
    expect(isNamed(['group:bob', 'person:security'], scene.bob)).toBe(false);
    expect(isNamed([], scene.bob)).toBe(false);
  });
});
