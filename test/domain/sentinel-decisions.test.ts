import { describe, expect, it } from 'vitest';
import { judgeAdmission } from '../../domain/admission.js';
import { admissionSteps, type AdmissionFacts } from '../../domain/admission-steps.js';
import { instant } from '../../domain/identifiers.js';
import { policySchema } from '../../domain/policy.js';
import { justificationSchema, REASON_CODES, requestSchema } from '../../domain/request.js';
import { NO_USAGE } from '../../domain/usage.js';
import * as scene from './scene.js';

/** The decisions of the source (Sentinel, phases 27 to 34) that are pure rules, one test each, by the source's own words. */

const { T0, MINUTE, HOUR } = scene;
const role = scene.ROLE_OF_PROFILE;
const base = {
  version: 1,
  name: 'sentinel',
  tenant_id: scene.TENANT,
  approvals: { min_approvers: 1, approvers: ['group:security'] },
  profiles: { 'global-admin': { action: 'entra.directory_role', role } },
};
const facts = (over: object = {}, more: Partial<AdmissionFacts> = {}): AdmissionFacts => ({
  policy: policySchema.parse({ ...base, ...over }),
  policy_digest: scene.POLICY_DIGEST,
  request: scene.REQUEST,
  person: scene.alice,
  people: scene.PEOPLE,
  usage: NO_USAGE,
  now_ms: T0,
  ...more,
});
const codeOf = (of: AdmissionFacts): string => {
  const verdict = judgeAdmission(of);
  return verdict.ok ? 'admitted' : verdict.refusal.code;
};
const stepsBefore = (name: string): string[] => {
  const names = admissionSteps.map((step) => step.name as string);
  return names.slice(0, names.indexOf(name));
};

describe('phase 27, schema', () => {
  it('five reason codes: incident, maintenance, security, recovery, other', () => {
    expect([...REASON_CODES]).toEqual(['incident', 'maintenance', 'security', 'recovery', 'other']);
    for (const reason_code of [...REASON_CODES, 'convenience'])
      expect(requestSchema.safeParse({ ...scene.REQUEST, reason_code }).success).toBe(reason_code !== 'convenience');
  });

  it('4-hour max TTL: no policy can allow more', () => {
    expect(policySchema.safeParse({ ...base, timebox: { default: '1h', max: '4h' } }).success).toBe(true);
    expect(policySchema.safeParse({ ...base, timebox: { default: '1h', max: '4h1s' } }).success).toBe(false);
    const request = { ...scene.REQUEST, duration_seconds: 4 * 3600 + 1 };
    expect(codeOf(facts({}, { request }))).toBe('duration_too_long');
  });

  it('20-char minimum justification', () => {
    expect(justificationSchema.safeParse('x'.repeat(19)).success).toBe(false);
    expect(justificationSchema.safeParse('x'.repeat(20)).success).toBe(true);
  });
});

describe('phase 28, command', () => {
  it('access stacking prevention: one open event per invoker and profile', () => {
    const usage = { ...NO_USAGE, open_of_pair: 'feedfacecafebeef' };
    expect(codeOf(facts({}, { usage }))).toBe('stacking_invoker_profile');
  });
});

describe('key decision: active at once, no pending', () => {
  it('is what an immediate profile is, for those whom it names and an hour at most', () => {
    const approvals = { min_approvers: 0, approvers: ['group:security'], immediate: ['person:alice'] };
    const over = {
      timebox: { default: '30m', max: '1h' },
      profiles: { 'global-admin': { ...base.profiles['global-admin'], approvals } },
    };
    expect(judgeAdmission(facts(over))).toMatchObject({ ok: true, terms: { approvals: { min_approvers: 0 } } });
    expect(codeOf(facts(over, { person: scene.bob }))).toBe('immediate_not_allowed');
  });
});

describe('phase 33, rate limits', () => {
  const limits = { cooldown: '15m', quota_window: '24h', max_per_user: 1, max_per_profile: 1, escalation_threshold: 1 };
  const ago = (ms: number): string => instant(T0 - ms);
  const all = {
    ...NO_USAGE,
    last_of_pair_at: ago(MINUTE),
    user_times: [ago(MINUTE)],
    profile_times: [ago(MINUTE)],
  };

  it('check order: cooldown -> user quota -> profile quota -> escalation flag', () => {
    const without = { ...limits };
    const codes: string[] = [];
    for (const member of ['cooldown', 'max_per_user', 'max_per_profile'] as const) {
      codes.push(codeOf(facts({ limits: without }, { usage: all })));
      delete (without as Partial<typeof limits>)[member];
    }
    expect(codes).toEqual(['cooldown', 'user_quota', 'profile_quota']);
    expect(judgeAdmission(facts({ limits: without }, { usage: all }))).toMatchObject({ ok: true, escalated: true });
  });

  it('escalation threshold flags for notification only, and does not block', () => {
    const usage = { ...NO_USAGE, user_times: Array.from({ length: 1000 }, (_, n) => ago(n + 1)) };
    const verdict = judgeAdmission(facts({ limits: { escalation_threshold: 1 } }, { usage }));
    expect(verdict).toMatchObject({ ok: true, escalated: true });
  });

  it('each limit is optional: none at all limits nothing', () => {
    expect(codeOf(facts({ limits: {} }, { usage: all }))).toBe('admitted');
    expect(codeOf(facts({}, { usage: all }))).toBe('admitted');
  });

  it('the cooldown is of an invoker and profile, whatever others do', () => {
    const usage = { ...NO_USAGE, profile_times: [ago(MINUTE)], user_times: [ago(MINUTE)] };
    expect(codeOf(facts({ limits: { cooldown: '1h' } }, { usage }))).toBe('admitted');
  });
});

describe('phase 34, policies', () => {
  it('empty lists are wildcards: profiles, users, reason codes, and times', () => {
    const open = { name: 'open', profiles: [], allow: [], reason_codes: [], time: [] };
    for (const person of scene.PEOPLE)
      for (const reason_code of REASON_CODES)
        expect(codeOf(facts({ rules: [open] }, { person, request: { ...scene.REQUEST, reason_code } }))).toBe(
          'admitted',
        );
  });

  it('but an empty list of approvers is nobody', () => {
    expect(policySchema.safeParse({ ...base, approvals: { min_approvers: 1, approvers: [] } }).success).toBe(false);
  });

  it.each([
    ['allowed users', { allow: ['person:bob'] }],
    ['allowed reason codes', { reason_codes: ['security'] }],
    ['time window', { time: [{ days: ['mon'], zone: 'UTC' }] }],
    ['max duration', { max_duration: '29m' }],
    ['profiles', { profiles: ['other'] }],
  ])('a rule constrains by %s', (_, over) => {
    const profiles = { ...base.profiles, other: base.profiles['global-admin'] };
    expect(codeOf(facts({ profiles, rules: [{ name: 'only', ...over }] }))).toBe('no_rule_matches');
  });

  it('the first rule that matches decides', () => {
    const rules = [
      { name: 'security', reason_codes: ['security'] },
      { name: 'short', max_duration: '1h' },
      { name: 'any' },
    ];
    expect(judgeAdmission(facts({ rules }))).toMatchObject({ ok: true, rule: 'short' });
  });

  it('policy check after profile validation, before rate limit check', () => {
    expect(stepsBefore('rule')).toEqual(['profile']);
    const rules = [{ name: 'others', allow: ['person:bob'] }];
    const limits = { cooldown: '1h' };
    const usage = { ...NO_USAGE, last_of_pair_at: instant(T0 - HOUR + 1) };
    const unknown = { ...scene.REQUEST, profile: 'unknown' };
    expect(codeOf(facts({ rules, limits }, { usage, request: unknown }))).toBe('profile_unknown');
    expect(codeOf(facts({ rules, limits }, { usage }))).toBe('no_rule_matches');
    expect(codeOf(facts({ limits }, { usage }))).toBe('cooldown');
    expect(codeOf(facts({ limits }, { usage, now_ms: T0 + 1 }))).toBe('admitted');
  });
});
