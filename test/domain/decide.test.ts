import { describe, expect, it } from 'vitest';
import { ENDS, PHASES } from '../../domain/ceremony-state.js';
import { decide, type DecidableEvent, type DecideInput } from '../../domain/decide.js';
import { decisionSchema, DECISION_SOURCES, DOUBTS, type Decision } from '../../domain/decision.js';
import { instant } from '../../domain/identifiers.js';
import {
  DANA_ADMIN,
  DANA_DAILY,
  DIGEST,
  HOUR,
  NOW,
  SOMEBODY,
  dana,
  policyWith,
  question,
  standingEvent,
} from './decidable.js';

const decided = (over: Partial<DecideInput> = {}): Decision => decisionSchema.parse(decide(question(over)));
const withEvent = (over: Partial<DecidableEvent> = {}): Decision => decided({ events: [standingEvent(over)] });
const codes = (decision: Decision): string[] => decision.reasons.map(({ code }) => code);
const rule = { name: 'office', allow: ['group:on-call'], max_session: '1h' };

describe('the order of precedence', () => {
  const approved = standingEvent({ event_id: 'a'.repeat(16) });
  const immediate = standingEvent({ event_id: 'b'.repeat(16), quorum: 'immediate', expires_at: instant(NOW + HOUR) });

  it('takes a standing rule first, though a ceremony would last longer', () => {
    const policy = policyWith([{ ...rule, max_session: '5m' }]);
    expect(decided({ policy, events: [immediate, approved] })).toEqual({
      person: 'dana',
      profile: 'security-admin',
      policy_digest: DIGEST,
      effect: 'allow',
      source: 'standing',
      proof: 'policy',
      rule: 'office',
      break_glass_event_id: null,
      principal_id: null,
      session_seconds: 300,
      at: instant(NOW),
      expires_at: instant(NOW + 300_000),
      reasons: [],
    });
  });

  it('takes an approved request before a break-glass that nobody approved, though that one lasts longer', () => {
    const decision = decided({ events: [immediate, approved] });
    expect(decision).toMatchObject({
      effect: 'allow',
      source: 'approved_request',
      proof: 'ledger',
      rule: null,
      break_glass_event_id: approved.event_id,
      principal_id: DANA_ADMIN,
      session_seconds: 1800,
    });
    expect(codes(decision)).toEqual(['no_standing_rule']);
  });

  it('takes a break-glass last, and says why nothing before it allowed', () => {
    const decision = decided({ events: [immediate, { ...approved, state: 'resealing' }] });
    expect(decision).toMatchObject({ source: 'break_glass', break_glass_event_id: immediate.event_id });
    expect(codes(decision)).toEqual(['no_standing_rule', 'resealing']);
  });

  it('counts what fewer approvers let in as approved: somebody did approve', () => {
    expect(withEvent({ quorum: 'fallback' })).toMatchObject({ effect: 'allow', source: 'approved_request' });
  });

  it('refuses with a reason of each step, in their order', () => {
    const decision = decided();
    expect(decision).toMatchObject({ effect: 'deny', source: null, session_seconds: 0, expires_at: null });
    expect(decision.reasons.map(({ step }) => step)).toEqual([...DECISION_SOURCES]);
    expect(codes(decision)).toEqual(['no_standing_rule', 'no_open_ceremony', 'no_open_ceremony']);
  });

  it('refuses a profile that the policy does not have before looking at anything else', () => {
    const events = [standingEvent({ profile: 'gone' })];
    expect(codes(decided({ profile: 'gone', events, policy: policyWith([rule]) }))).toEqual(['profile_unknown']);
    expect(codes(decided({ profile: '__proto__' }))).toEqual(['profile_unknown']);
  });
});

describe('a ceremony', () => {
  it.each([...PHASES, ...ENDS])('in %s allows exactly when that is active', (state) => {
    for (const quorum of ['full', 'fallback', 'immediate'] as const)
      expect(withEvent({ state, quorum }).effect).toBe(state === 'active' ? 'allow' : 'deny');
  });

  it('that the second identity has not seen allows nothing, and says so', () => {
    expect(codes(withEvent({ state: 'active_unverified' }))).toContain('unverified');
  });

  it('is named in the reason while it waits for approvals, under the step that it would be', () => {
    const waiting = { state: 'awaiting_approval', quorum: null, expires_at: null } as const;
    const reason = { code: 'not_active_yet', event_id: '0123456789abcdef' };
    expect(withEvent({ ...waiting, approvals_wanted: 2 }).reasons).toContainEqual(
      expect.objectContaining({ ...reason, step: 'approved_request' }),
    );
    expect(withEvent({ ...waiting, approvals_wanted: 0 }).reasons).toContainEqual(
      expect.objectContaining({ ...reason, step: 'break_glass' }),
    );
  });

  it.each([...DOUBTS])('whose view is in doubt (%s) allows nothing, whatever it says', (code) => {
    const decision = withEvent({ doubt: { code, message: 'is in doubt' } });
    expect(decision.effect).toBe('deny');
    expect(codes(decision)).toContain(code);
  });

  it.each<[string, Partial<DecidableEvent>]>([
    ['whose deadline is now', { expires_at: instant(NOW) }],
    ['whose deadline has passed', { expires_at: instant(NOW - 1) }],
    ['with less than a second left', { expires_at: instant(NOW + 999) }],
    ['without a deadline', { expires_at: null }],
    ['whose quorum nobody knows', { quorum: null }],
    ['for another role than the profile names by now', { role: 'Exchange Administrator' }],
    ['for another role of the same name', { object_id: SOMEBODY }],
    ['for another scope', { directory_scope_id: '/administrativeUnits/x' }],
    ['in another tenant', { tenant_id: SOMEBODY }],
  ])('%s allows nothing', (_what, over) => {
    expect(withEvent(over).effect).toBe('deny');
  });

  it('of somebody else or under another profile is not even mentioned', () => {
    for (const over of [{ principal_id: SOMEBODY }, { principal_id: null }, { profile: 'other' }, { profile: null }]) {
      const decision = withEvent(over);
      expect(codes(decision)).toEqual(['no_standing_rule', 'no_open_ceremony', 'no_open_ceremony']);
      expect(JSON.stringify(decision)).not.toContain('0123456789abcdef');
    }
  });

  it('is judged by the time there, and the session ends there', () => {
    const ahead = NOW + 20 * 60_000;
    expect(withEvent({ now: instant(ahead) })).toMatchObject({
      at: instant(ahead),
      session_seconds: 600,
      expires_at: instant(NOW + HOUR / 2),
    });
    expect(withEvent({ now: instant(NOW + HOUR) }).effect).toBe('deny');
  });

  it('of two, the one with more left is taken', () => {
    const events = [
      standingEvent({ event_id: 'a'.repeat(16), expires_at: instant(NOW + 60_000) }),
      standingEvent({ event_id: 'b'.repeat(16), principal_id: DANA_DAILY }),
      standingEvent({ event_id: 'c'.repeat(16), state: 'resealing', expires_at: instant(NOW + HOUR) }),
    ];
    const expected = { break_glass_event_id: 'b'.repeat(16), principal_id: DANA_DAILY };
    expect(decided({ events })).toMatchObject(expected);
    expect(decided({ events: events.toReversed() })).toMatchObject(expected);
  });
});

describe('a person', () => {
  it('is one under every account the roster knows, and only under those', () => {
    for (const principal_id of [DANA_DAILY, DANA_ADMIN])
      expect(withEvent({ principal_id })).toMatchObject({ effect: 'allow', principal_id });
    const person = { ...dana, object_ids: [DANA_DAILY] };
    expect(decided({ person, events: [standingEvent()] }).effect).toBe('deny');
  });

  it('has nothing outside of their time on the roster, and no session that outlives it', () => {
    const policy = policyWith([rule]);
    const events = [standingEvent()];
    const early = { ...dana, valid_from: instant(NOW + 1) };
    const late = { ...dana, valid_until: instant(NOW) };
    const leaving = { ...dana, valid_until: instant(NOW + 90_500) };
    expect(decided({ person: early, policy, events }).reasons).toMatchObject([
      { step: 'standing', code: 'person_not_valid', passes_at: instant(NOW + 1) },
      { step: 'approved_request', code: 'person_not_valid' },
      { step: 'break_glass', code: 'no_open_ceremony' },
    ]);
    expect(codes(decided({ person: late, policy, events }))).toEqual([
      'person_not_valid',
      'person_not_valid',
      'no_open_ceremony',
    ]);
    expect(decided({ person: leaving, policy })).toMatchObject({ source: 'standing', session_seconds: 90 });
    expect(decided({ person: leaving, events })).toMatchObject({ source: 'approved_request', session_seconds: 90 });
  });
});

describe('the length of a session', () => {
  it.each([
    [undefined, 1800],
    [1, 1],
    [900, 900],
    [1800, 1800],
    [1801, 1800],
    [Number.MAX_SAFE_INTEGER, 1800],
    [Number.POSITIVE_INFINITY, 1800],
    [59.9, 59],
  ])('asked for %s s of half an hour that remains, is %s s', (session_seconds, seconds) => {
    const asked = session_seconds === undefined ? {} : { session_seconds };
    const decision = decided({ events: [standingEvent()], ...asked });
    expect(decision).toMatchObject({ session_seconds: seconds, expires_at: instant(NOW + seconds * 1000) });
  });

  it.each([0, -1, -1e9, Number.NaN, Number.NEGATIVE_INFINITY])('asked for %s s, is none', (session_seconds) => {
    const decision = decided({ events: [standingEvent()], policy: policyWith([rule]), session_seconds });
    expect(decision).toMatchObject({ effect: 'deny', session_seconds: 0 });
  });
});

describe('a standing rule', () => {
  const night = { days: ['wed'], from: '22:00', until: '06:00', zone: 'UTC' };
  const nightShift = { ...rule, name: 'night', time: [night], max_session: '12h' };
  const at = (time: string): number => Date.parse(`2026-03-${time}:00.000Z`);

  it('ends with its hours, across midnight', () => {
    const policy = policyWith([nightShift]);
    expect(decided({ policy, now_ms: at('04T23:00') })).toMatchObject({ rule: 'night', session_seconds: 7 * 3600 });
    expect(decided({ policy, now_ms: at('05T05:59') })).toMatchObject({ session_seconds: 60 });
    expect(decided({ policy, now_ms: at('05T06:00') }).effect).toBe('deny');
  });

  it('says when it opens next', () => {
    const decision = decided({ policy: policyWith([nightShift]) });
    expect(decision.reasons[0]).toMatchObject({
      step: 'standing',
      code: 'outside_hours',
      passes_at: instant(at('04T22:00')),
    });
  });

  it('names persons and groups, and all profiles unless it names some', () => {
    const only = (allow: string, profiles: string[] = []): Decision =>
      decided({ policy: policyWith([{ ...rule, allow: [allow], profiles }]) });
    expect(only('person:dana').effect).toBe('allow');
    expect(only('group:on-call', ['security-admin']).effect).toBe('allow');
    expect(only('group:on-call', ['other']).effect).toBe('deny');
    expect(only('person:dan').effect).toBe('deny');
    expect(only('group:dana').effect).toBe('deny');
  });

  it('that is closed or about to close makes way for the next in the list', () => {
    const policy = policyWith([nightShift, { ...rule, name: 'second', max_session: '10m' }]);
    expect(decided({ policy })).toMatchObject({ rule: 'second', session_seconds: 600 });
    const lastMoment = at('05T06:00') - 500;
    expect(decided({ policy, now_ms: lastMoment })).toMatchObject({ rule: 'second' });
    expect(codes(decided({ policy: policyWith([nightShift]), now_ms: lastMoment }))[0]).toBe('nothing_remains');
  });
});
