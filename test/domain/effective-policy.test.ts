import { describe, expect, it } from 'vitest';
import { reachOf, type PolicyReach } from '../../domain/effective-policy.js';

const A = 'a11ce000-0000-4000-8000-000000000001';
const B = 'b0b00000-0000-4000-8000-000000000002';
const policy = (over: Partial<PolicyReach> = {}): PolicyReach => ({
  state: 'enabled',
  include_users: ['All'],
  exclude_users: [],
  include_groups: [],
  exclude_groups: [],
  include_roles: [],
  exclude_roles: [],
  ...over,
});

describe('whether a policy holds for somebody', () => {
  it.each([
    ['everybody', {}, { holds: 'yes' }],
    ['the user by name', { include_users: [A.toUpperCase()] }, { holds: 'yes' }],
    ['others', { include_users: [B] }, { holds: 'no', because: 'not_included' }],
    ['nobody, being off', { state: 'disabled' }, { holds: 'no', because: 'not_enforced' }],
    ['nobody, being watched', { state: 'enabledForReportingButNotEnforced' }, { holds: 'no', because: 'not_enforced' }],
    ['nobody, by a word that is new', { state: 'unknownFutureValue' }, { holds: 'no', because: 'not_enforced' }],
    ['all but the user', { exclude_users: [B, A.toUpperCase()] }, { holds: 'no', because: 'excluded_by_name' }],
    ['all but a group', { exclude_groups: [B] }, { holds: 'unknown', because: 'excluded_by_membership' }],
    ['all but a role', { exclude_roles: [B] }, { holds: 'unknown', because: 'excluded_by_membership' }],
    ['a group', { include_users: [], include_groups: [B] }, { holds: 'unknown', because: 'included_by_membership' }],
    ['a role', { include_users: [], include_roles: [B] }, { holds: 'unknown', because: 'included_by_membership' }],
  ] as const)('is told of one about %s', (_, over, reach) => {
    expect(reachOf(policy(over), A)).toEqual(reach);
  });
});
