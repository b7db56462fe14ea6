import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { policySchema } from '../../domain/policy.js';
import { policyWarnings } from '../../domain/policy-warnings.js';
import type { Person, Roster } from '../../domain/roster.js';
import { clockAt, isAnyOpen, timeWindowSchema, WEEKDAYS, type TimeWindow } from '../../domain/time-window.js';
import { coversWeek } from '../../domain/week-cover.js';
import * as scene from './scene.js';

const SOFTWARE = 'ssh-ed25519 AAAA';
const HARDWARE = 'sk-ssh-ed25519@openssh.com AAAA';
const GLOBAL_ADMINISTRATOR = '62e90394-69f5-4237-9190-012177145e10';
const reader = { action: 'entra.directory_role', role: { template_id: scene.ROLE, name: 'Global Reader' } };

/** Nothing to say against it. */
const strong = {
  version: 1,
  name: 'strong',
  tenant_id: scene.TENANT,
  responders: ['group:security'],
  rules: [{ name: 'on-call', allow: ['group:oncall'] }],
  limits: { cooldown: '15m' },
  notices: [{ channel: 'desk' }],
  approvals: { min_approvers: 2, approvers: ['group:security', 'group:platform'] },
  profiles: { reader },
};
const rosterOf = (keysOf: (id: string) => string[]): Roster => ({
  version: 1,
  people: scene.PEOPLE.map((person): Person => ({ ...person, keys: keysOf(person.id) })),
});
const roster = rosterOf(() => [SOFTWARE]);
const warned = (over: object, people: Roster | null = roster): string[] =>
  policyWarnings(policySchema.parse({ ...strong, ...over }), people).map(
    ({ code, path }) => `${code} ${path.join('.')}`,
  );
const withProfile = (profile: object): object => ({ profiles: { reader: { ...reader, ...profile } } });
const two = strong.approvals;

describe('a policy with nothing weak in it', () => {
  it('is warned of nothing, with a roster and without', () => {
    expect(warned({})).toEqual([]);
    expect(warned({}, null)).toEqual([]);
  });
});

describe('a warning', () => {
  it.each([
    ['one approver is enough, by default', { approvals: { ...two, min_approvers: 1 } }, ['quorum_of_one approvals']],
    [
      'one approver is enough, in a profile',
      withProfile({ approvals: { ...two, min_approvers: 1 } }),
      ['quorum_of_one profiles.reader.approvals'],
    ],
    [
      'a role is given with nobody asked',
      {
        timebox: { default: '10m', max: '1h' },
        ...withProfile({ approvals: { ...two, min_approvers: 0, immediate: ['person:alice'] } }),
      },
      ['immediate_profile profiles.reader.approvals'],
    ],
    [
      'fewer approvers suffice and nobody is told',
      { notices: [], approvals: { ...two, fallback: { after: '5m', min_approvers: 1, max: '30m' } } },
      ['nobody_told profiles.reader'],
    ],
    [
      'one channel alone lets approvals count',
      { approvals: { ...two, delivery: { required: true } } },
      ['delivery_by_one_channel profiles.reader'],
    ],
    [
      'no channel that counts hears of extensions',
      {
        notices: [
          { channel: 'desk', events: ['requested'] },
          { channel: 'pager', events: ['requested'] },
        ],
        ...withProfile({ approvals: { ...two, delivery: { required: true } } }),
      },
      ['delivery_of_no_extension profiles.reader.approvals'],
    ],
    [
      'a tier-0 role has a fallback',
      {
        approvals: { ...two, fallback: { after: '5m', min_approvers: 1, max: '30m' } },
        ...withProfile({ tier0: true }),
      },
      ['tier0_fallback profiles.reader', 'tier0_software_keys profiles.reader'],
    ],
    [
      'a tier-0 role is not said to be one',
      withProfile({ role: { template_id: GLOBAL_ADMINISTRATOR, name: 'Global Administrator' } }),
      ['tier0_not_said profiles.reader.role'],
    ],
    ['there are no responders', { responders: [] }, ['no_responders responders']],
    ['the grace is the shortest', { grace: '5m' }, ['shortest_grace grace']],
    ['there are no rules', { rules: [] }, ['no_rules rules']],
    ['there are no limits', { limits: undefined }, ['no_limits limits']],
    ['there is no limit but a flag', { limits: { escalation_threshold: 1 } }, ['no_limits limits']],
    [
      'a group has nobody in it',
      { responders: ['group:security', 'group:secruity'] },
      ['group_of_nobody responders.1'],
    ],
    [
      'a person is not on the roster',
      { rules: [{ name: 'on-call', allow: ['group:oncall', 'person:alcie'] }] },
      ['person_not_on_roster rules.0.allow.1'],
    ],
    [
      'a required group has nobody in it, and so nothing can be approved',
      {
        approvals: {
          min_approvers: 1,
          require: [
            { group: 'security', count: 1 },
            { group: 'auditors', count: 1 },
          ],
        },
      },
      ['quorum_cannot_be_met approvals', 'group_of_nobody approvals.require.1.group'],
    ],
    [
      'there are fewer who may approve than are wanted, agents not counted',
      { approvals: { min_approvers: 3, approvers: ['person:bob', 'person:carol', 'person:robot'] } },
      ['quorum_cannot_be_met approvals'],
    ],
    [
      'a standing rule names nobody',
      { standing: [{ name: 'desk', allow: ['group:desk'], max_session: '1h' }] },
      ['group_of_nobody standing.0.allow.0'],
    ],
    [
      'a standing rule opens a tier-0 profile, by its name or because it names none',
      {
        ...withProfile({ tier0: true }),
        standing: [
          { name: 'named', allow: ['group:oncall'], profiles: ['reader'], max_session: '1h' },
          { name: 'every', allow: ['group:oncall'], max_session: '1h' },
        ],
      },
      ['tier0_software_keys profiles.reader', 'tier0_standing standing.0', 'tier0_standing standing.1'],
    ],
    [
      'a standing rule opens a tier-0 role whose profile does not say so',
      {
        ...withProfile({ role: { template_id: GLOBAL_ADMINISTRATOR, name: 'Global Administrator' } }),
        standing: [{ name: 'every', allow: ['group:oncall'], max_session: '1h' }],
      },
      ['tier0_not_said profiles.reader.role', 'tier0_standing standing.0'],
    ],
  ])('is given where %s', (_, over, expected) => {
    expect(warned(over)).toEqual(expected);
  });

  it('is told once of a default that no profile of its own replaces, and not where all do', () => {
    const profiles = { a: reader, b: reader };
    expect(warned({ approvals: { ...two, min_approvers: 1 }, profiles })).toEqual(['quorum_of_one approvals']);
    const own = { ...reader, approvals: two };
    expect(warned({ approvals: { ...two, min_approvers: 1 }, profiles: { a: own, b: own } })).toEqual([]);
  });

  it('about standing rules is not given where they name other profiles', () => {
    const standing = [{ name: 'desk', allow: ['group:oncall'], profiles: ['reader'], max_session: '1h' }];
    const profiles = { reader, admin: { ...reader, tier0: true } };
    expect(warned({ profiles, standing }, null)).toEqual([]);
  });

  it('about people is not given without a roster', () => {
    const over = { ...withProfile({ tier0: true }), responders: ['group:nobody'] };
    expect(warned(over, null)).toEqual([]);
    expect(warned(over)).toEqual(['tier0_software_keys profiles.reader', 'group_of_nobody responders.0']);
  });

  it('about software keys is given as long as they alone make a quorum', () => {
    const tier0 = withProfile({ tier0: true });
    const hardwareBut = (...software: string[]) =>
      rosterOf((id) => (software.includes(id) ? [HARDWARE, SOFTWARE] : [HARDWARE]));
    expect(warned(tier0, hardwareBut('bob', 'carol'))).toEqual(['tier0_software_keys profiles.reader']);
    expect(warned(tier0, hardwareBut('bob', 'alice', 'robot'))).toEqual([]);
    expect(warned(tier0, hardwareBut())).toEqual([]);
    expect(
      warned(
        tier0,
        rosterOf(() => []),
      ),
    ).toEqual([]);
  });
});

describe('a rule that can never match', () => {
  const shadowed = (earlier: object, later: object): boolean =>
    warned({
      rules: [
        { name: 'earlier', ...earlier },
        { name: 'later', ...later },
      ],
      ...withProfile({}),
    }).includes('rule_never_matches rules.1');
  const office = { days: ['mon', 'tue'], from: '09:00', until: '17:00', zone: 'Europe/Berlin' };

  it.each([
    ['everything is let in before', {}, { allow: ['person:bob'] }, true],
    ['the same list comes again', { allow: ['group:oncall'] }, { allow: ['group:oncall'] }, true],
    ['a longer list came before', { allow: ['group:oncall', 'person:bob'] }, { allow: ['person:bob'] }, true],
    ['an open rule follows a narrow one', { allow: ['group:oncall'] }, {}, false],
    ['another list follows', { reason_codes: ['incident'] }, { reason_codes: ['incident', 'security'] }, false],
    ['a shorter time follows a longer', { max_duration: '2h' }, { max_duration: '1h' }, true],
    ['a longer time follows a shorter', { max_duration: '1h' }, { max_duration: '2h' }, false],
    ['any time follows a limited one', { max_duration: '1h' }, {}, false],
    ['hours lie within hours', { time: [office] }, { time: [{ ...office, from: '10:00' }] }, true],
    ['hours reach beyond', { time: [office] }, { time: [{ ...office, until: '17:01' }] }, false],
    ['hours are of another zone', { time: [office] }, { time: [{ ...office, zone: 'Europe/Paris' }] }, false],
    ['any hour follows hours', { time: [office] }, {}, false],
  ])('where %s: %s, %s, %s', (_, earlier, later, expected) => {
    expect(shadowed(earlier, later)).toBe(expected);
  });

  it('is one that is shorter than any request can be', () => {
    expect(warned({ rules: [{ name: 'short', max_duration: '9m59s' }] })).toEqual(['rule_never_matches rules.0']);
    expect(warned({ rules: [{ name: 'short', max_duration: '10m' }] })).toEqual([]);
  });
});

describe('the cover of a week', () => {
  const minute = fc.nat(95).map((quarter) => {
    const [h, m] = [Math.floor(quarter / 4), (quarter % 4) * 15];
    return `${String(h).padStart(2, '0')}:${String(m).padStart(2, '0')}`;
  });
  const windows = fc.array(
    fc
      .record({ days: fc.subarray([...WEEKDAYS]), from: minute, until: minute, zone: fc.constant('UTC') })
      .filter(({ from, until }) => from !== until)
      .map((window): TimeWindow => timeWindowSchema.parse(window)),
    { maxLength: 3 },
  );

  it('is what the clock says, minute by minute', () => {
    const sunday = Date.parse('2026-03-01T00:00:00Z');
    let covered = 0;
    fc.assert(
      fc.property(windows, windows, (earlier, later) => {
        let all = true;
        for (let at = sunday; at < sunday + 7 * 24 * scene.HOUR; at += 15 * scene.MINUTE) {
          const clock = clockAt(at);
          if (isAnyOpen(later, clock) && !isAnyOpen(earlier, clock)) all = false;
        }
        expect(coversWeek(earlier, later)).toBe(all);
        if (all && earlier.length > 0) covered += 1;
      }),
      { numRuns: 150 },
    );
    expect(covered).toBeGreaterThan(0);
  });
});
