import { describe, expect, it } from 'vitest';
import { approvalsSchema } from '../../domain/approvals.js';
import { policySchema, termsOf } from '../../domain/policy.js';
import { digestOf } from '../../proofs/canonical-json.js';
import * as scene from './scene.js';

const faults = (approvals: object): string[] =>
  approvalsSchema.safeParse(approvals).error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? [];
const party = { approvers: ['group:security'] };
const fallback = { after: '10m', min_approvers: 1, max: '30m' };

const base = {
  version: 1,
  name: 'night',
  tenant_id: scene.TENANT,
  timebox: { default: '10m', max: '1h' },
  approvals: { min_approvers: 2, ...party },
};
const reader = { action: 'entra.directory_role', role: { template_id: scene.ROLE, name: 'Global Reader' } };
const policyFaults = (profile: object, over: object = {}): string[] =>
  policySchema
    .safeParse({ ...base, ...over, profiles: { reader: { ...reader, ...profile } } })
    .error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? [];

describe('a fallback', () => {
  it('is read in seconds and carried by the terms', () => {
    const policy = policySchema.parse({
      ...base,
      approvals: { min_approvers: 2, ...party, fallback },
      profiles: { reader },
    });
    expect(termsOf(policy, 'reader')?.approvals).toEqual({
      min_approvers: 2,
      approvers: ['group:security'],
      require: [],
      fallback: { after: 600, min_approvers: 1, max: 1800 },
    });
  });

  it.each([
    ['wants at least one', { ...fallback, min_approvers: 0 }, false],
    ['wants fewer than before', { ...fallback, min_approvers: 2 }, false],
    ['lasts ten minutes or longer', { ...fallback, max: '9m59s' }, false],
    ['lasts four hours or shorter', { ...fallback, max: '4h1s' }, false],
    ['may last four hours', { ...fallback, max: '4h' }, true],
    ['says from when', { min_approvers: 1, max: '30m' }, false],
    ['says how long', { after: '10m', min_approvers: 1 }, false],
  ])('%s', (_, wrong, allowed) => {
    expect(faults({ min_approvers: 2, ...party, fallback: wrong }).length === 0).toBe(allowed);
  });

  it('may ask for fewer than the groups need seats', () => {
    const require = [
      { group: 'security', count: 1 },
      { group: 'platform', count: 1 },
    ];
    expect(faults({ min_approvers: 1, require, fallback })).toEqual([]);
    expect(faults({ min_approvers: 1, require, fallback: { ...fallback, min_approvers: 2 } })).toEqual([
      'fallback: wants 2, which is not fewer than the 2 wanted before it',
    ]);
  });

  it('opens while there is still time to approve', () => {
    const late = { approvals: { min_approvers: 2, ...party, fallback: { ...fallback, after: '30m' } } };
    expect(policyFaults(late)).toEqual([
      'profiles.reader.approvals.fallback.after: never comes: the approval window is over after 30m',
    ]);
    expect(policyFaults(late, { approval_window: '31m' })).toEqual([]);
  });
});

describe('an immediate grant', () => {
  const immediate = { min_approvers: 0, ...party, immediate: ['person:dana', 'group:on-call'] };

  it('is allowed by name, in the approvals of one profile', () => {
    expect(policyFaults({ approvals: immediate })).toEqual([]);
    expect(policyFaults({}, { approvals: immediate })).toEqual([
      'approvals.immediate: is allowed only by name: in the approvals of the profile that it is meant for',
    ]);
  });

  it('goes with no approvers, and no approvers go with nothing else', () => {
    expect(faults({ min_approvers: 0, ...party })).toEqual([
      'min_approvers: with no approver at all, say who may have it at once: immediate: [person:…, group:…]',
    ]);
    expect(faults({ min_approvers: 1, ...party, immediate: ['person:dana'] })).toEqual([
      'immediate: goes with min_approvers: 0 only, and 1 are wanted here',
    ]);
    expect(faults({ min_approvers: 0, ...party, immediate: [] })).not.toEqual([]);
    expect(faults({ ...immediate, require: [{ group: 'security', count: 1 }] })).not.toEqual([]);
    expect(faults({ ...immediate, fallback })).not.toEqual([]);
  });

  it('lasts an hour at most', () => {
    const timebox = { default: '30m', max: '1h1s' };
    const said = 'timebox.max: is 1h1s: what nobody approved lasts at most 1h';
    expect(policyFaults({ approvals: immediate, timebox })).toEqual([`profiles.reader.${said}`]);
    expect(policyFaults({ approvals: immediate }, { timebox })).toEqual([`profiles.reader.${said}`]);
    expect(policyFaults({ approvals: immediate, timebox: { ...timebox, max: '1h' } })).toEqual([]);
  });

  it('is never tier-0', () => {
    expect(policyFaults({ approvals: immediate, tier0: true })).toEqual([
      'profiles.reader.tier0: a tier-0 role is never granted with nobody asked: leave out immediate',
    ]);
  });

  it('still names approvers, who are asked when a review is overdue', () => {
    const nobody = { min_approvers: 0, immediate: ['person:dana'] };
    expect(policyFaults({ approvals: nobody })).toEqual([
      'profiles.reader.approvals: an empty approvers list means nobody can approve',
    ]);
  });
});

describe('the terms', () => {
  it('count the seats that groups need, so that one approver more is one more', () => {
    const require = [
      { group: 'security', count: 2 },
      { group: 'platform', count: 1 },
    ];
    const policy = policySchema.parse({ ...base, approvals: { min_approvers: 1, require }, profiles: { reader } });
    expect(termsOf(policy, 'reader')?.approvals.min_approvers).toBe(3);
  });

  it('say when a review is overdue, 24 h where the policy does not', () => {
    const terms = (over: object) => termsOf(policySchema.parse({ ...base, ...over, profiles: { reader } }), 'reader');
    expect(terms({})?.review_after).toBe(24 * 3600);
    expect(terms({ review_after: '8h' })?.review_after).toBe(8 * 3600);
    expect(() => terms({ review_after: '745h' })).toThrow(/at most 744h/);
  });
});

describe('the digest of a policy', () => {
  it('stays what it was in the first release for a file that says nothing new', () => {
    const first = policySchema.parse({
      version: 1,
      name: 'kept',
      tenant_id: '7d2f6c1e-93ab-4c58-8e0d-1b5a4f7c9e21',
      approvals: { min_approvers: 2, require: [{ group: 'security', count: 1 }] },
      profiles: { reader: { action: 'entra.directory_role', role: { template_id: scene.ROLE, name: 'Reader' } } },
    });
    expect(digestOf(first)).toBe('10cf2ec218929234e8826fed2fec9532478ffd469e616ca2b19bd4a2db68623a');
  });
});

describe('delivery receipts', () => {
  const wanting = (delivery: object, over: object = {}) =>
    policyFaults({ approvals: { min_approvers: 2, ...party, delivery } }, over);
  const notices = [{ channel: 'desk' }, { channel: 'pager', events: ['finding'] }];

  it('are carried by the terms, and absent where a policy says nothing of them', () => {
    const approvals = { min_approvers: 2, ...party, delivery: { required: true, channels: ['desk'] } };
    const wanted = policySchema.parse({ ...base, notices, approvals, profiles: { reader } });
    expect(termsOf(wanted, 'reader')?.approvals.delivery).toEqual({ required: true, channels: ['desk'] });
    const silent = policySchema.parse({ ...base, notices, profiles: { reader } });
    expect(silent.approvals).not.toHaveProperty('delivery');
  });

  it.each<[string, object, object, string]>([
    ['no channel hears of requests', { required: true }, {}, 'no channel in notices that counts hears'],
    ['those that count do not', { required: true, channels: ['pager'] }, { notices }, 'no channel in notices that'],
    ['they are not required', { required: false }, { notices }, 'is true: leave delivery out'],
    ['no channel counts', { required: true, channels: [] }, { notices }, 'name a channel, or leave channels out'],
  ])('are refused where %s', (_, delivery, over, message) => {
    expect(wanting(delivery, over).join()).toContain(message);
  });

  it('are refused where nobody is asked', () => {
    const immediate = { min_approvers: 0, ...party, immediate: ['person:alice'], delivery: { required: true } };
    expect(policyFaults({ approvals: immediate }, { notices }).join()).toContain('nobody is asked before an immediate');
  });
});
