import { describe, expect, it } from 'vitest';
import type { AdmissionRefusal } from '../../domain/admission-refusal.js';
import { judgeAdmission } from '../../domain/admission.js';
import { admissionSteps, type AdmissionFacts } from '../../domain/admission-steps.js';
import { instant } from '../../domain/identifiers.js';
import { policySchema } from '../../domain/policy.js';
import { refusalSchema } from '../../domain/refusal.js';
import { NO_USAGE, type Usage } from '../../domain/usage.js';
import * as scene from './scene.js';

const { T0, SECOND, MINUTE, HOUR } = scene;
const role = scene.ROLE_OF_PROFILE;
const policy = (over: object = {}) =>
  policySchema.parse({
    version: 1,
    name: 'admission',
    tenant_id: scene.TENANT,
    approvals: { min_approvers: 2, approvers: ['group:security', 'group:platform'] },
    profiles: { 'global-admin': { action: 'entra.directory_role', tier0: true, role } },
    ...over,
  });
const facts = (over: Partial<AdmissionFacts> = {}): AdmissionFacts => ({
  policy: policy(),
  policy_digest: scene.POLICY_DIGEST,
  request: scene.REQUEST,
  person: scene.alice,
  people: scene.PEOPLE,
  usage: NO_USAGE,
  now_ms: T0,
  ...over,
});
const used = (over: Partial<Usage>): Usage => ({ ...NO_USAGE, ...over });
const limited = (limits: object, over: Partial<Usage> = {}, now_ms = T0): AdmissionFacts =>
  facts({ policy: policy({ limits }), usage: used(over), now_ms });
function refusal(of: AdmissionFacts): AdmissionRefusal {
  const verdict = judgeAdmission(of);
  if (verdict.ok) throw new Error('it was admitted');
  return verdict.refusal;
}
const ago = (ms: number): string => instant(T0 - ms);

describe('admission', () => {
  it('lets in what the profile allows, where the policy says nothing more', () => {
    expect(judgeAdmission(facts())).toMatchObject({
      ok: true,
      rule: null,
      escalated: false,
      extra_approvers: 0,
      terms: { profile: 'global-admin', approvals: { min_approvers: 2 } },
    });
  });

  it('names the rule that let it in', () => {
    const rules = [{ name: 'others', allow: ['person:bob'] }, { name: 'on-call' }];
    expect(judgeAdmission(facts({ policy: policy({ rules }) }))).toMatchObject({ ok: true, rule: 'on-call' });
  });

  it('judges profile, rule, stacking, cooldown, user quota, profile quota, escalation, in this order', () => {
    expect(admissionSteps.map(({ name }) => name)).toEqual([
      'profile',
      'rule',
      'stacking',
      'cooldown',
      'user_quota',
      'profile_quota',
      'escalation',
    ]);
    const everything = {
      rules: [{ name: 'others', allow: ['person:bob'] }],
      limits: { cooldown: '1h', max_per_user: 1, max_per_profile: 1, escalation_threshold: 1 },
    };
    const usage = used({
      open_of_pair: 'a'.repeat(16),
      open_of_target: 'b'.repeat(16),
      last_of_pair_at: ago(MINUTE),
      user_times: [ago(MINUTE)],
      profile_times: [ago(MINUTE)],
    });
    const codes: string[] = [];
    let now = facts({ policy: policy({ ...everything, profiles: {}, rules: [] }), usage });
    const judge = (next: Partial<AdmissionFacts>): void => {
      now = { ...now, ...next };
      const verdict = judgeAdmission(now);
      codes.push(verdict.ok ? `escalated: ${verdict.escalated}` : verdict.refusal.code);
    };
    judge({});
    judge({ policy: policy(everything), policy_digest: 'c'.repeat(64) });
    judge({ policy_digest: scene.POLICY_DIGEST });
    judge({ policy: policy({ ...everything, rules: [] }) });
    judge({ usage: { ...now.usage, open_of_pair: null } });
    judge({ usage: { ...now.usage, open_of_target: null } });
    judge({ usage: { ...now.usage, last_of_pair_at: null } });
    const roomForMe = { ...everything, rules: [], limits: { ...everything.limits, max_per_user: 2 } };
    judge({ policy: policy(roomForMe) });
    judge({ usage: { ...now.usage, profile_times: [] } });
    expect(codes).toEqual([
      'profile_unknown',
      'policy_changed',
      'no_rule_matches',
      'stacking_invoker_profile',
      'stacking_target',
      'cooldown',
      'user_quota',
      'profile_quota',
      'escalated: true',
    ]);
  });

  it('passes on what the request itself is refused for', () => {
    const request = { ...scene.REQUEST, duration_seconds: 5 * 3600 };
    expect(refusal(facts({ request }))).toMatchObject({ code: 'duration_too_long', passes_at: null });
  });

  it('says when the rule that came nearest opens', () => {
    const rules = [{ name: 'nights', time: [{ from: '22:00', until: '06:00', zone: 'UTC' }] }];
    expect(refusal(facts({ policy: policy({ rules }) }))).toEqual({
      code: 'no_rule_matches',
      message:
        'no rule lets alice in; nearest is nights, which wants time: every day 22:00 to 06:00 UTC: passes at 2026-03-01T22:00:00.000Z',
      rule: 'nights',
      wanted: 'time: every day 22:00 to 06:00 UTC',
      passes_at: '2026-03-01T22:00:00.000Z',
    });
  });
});

describe('stacking', () => {
  it('is refused per invoker and profile, and per principal, role and scope; no waiting helps by itself', () => {
    const open = 'feedfacecafebeef';
    expect(refusal(facts({ usage: used({ open_of_pair: open }) }))).toEqual({
      code: 'stacking_invoker_profile',
      message: `event ${open} of the same invoker and profile is open: close it first`,
      passes_at: null,
    });
    expect(refusal(facts({ usage: used({ open_of_target: open }) }))).toMatchObject({ code: 'stacking_target' });
  });
});

describe('a cooldown', () => {
  it('ends to the millisecond', () => {
    const last_of_pair_at = ago(15 * MINUTE - 1);
    expect(refusal(limited({ cooldown: '15m' }, { last_of_pair_at }))).toMatchObject({
      code: 'cooldown',
      wanted: '15m between two grants of one invoker and profile',
      passes_at: instant(T0 + 1),
    });
    expect(judgeAdmission(limited({ cooldown: '15m' }, { last_of_pair_at }, T0 + 1)).ok).toBe(true);
  });

  it('is none before the first grant', () => {
    expect(judgeAdmission(limited({ cooldown: '744h' })).ok).toBe(true);
  });
});

describe('a quota', () => {
  it('counts what was granted within the window, and passes when the oldest that counts leaves it', () => {
    const times = [ago(HOUR), ago(2 * HOUR), ago(23 * HOUR)];
    const mine = limited({ max_per_user: 3 }, { user_times: times });
    expect(refusal(mine)).toMatchObject({
      code: 'user_quota',
      wanted: 'at most 3 of invoker alice in 24h',
      passes_at: instant(T0 + HOUR),
    });
    expect(judgeAdmission({ ...mine, now_ms: T0 + HOUR - 1 }).ok).toBe(false);
    expect(judgeAdmission({ ...mine, now_ms: T0 + HOUR }).ok).toBe(true);
    const ours = limited({ max_per_profile: 2, quota_window: '3h' }, { profile_times: times });
    expect(refusal(ours)).toMatchObject({
      code: 'profile_quota',
      wanted: 'at most 2 of profile global-admin in 3h',
      passes_at: instant(T0 + HOUR),
    });
  });

  it('is not used up by what was granted before the window, or to others, or never', () => {
    expect(judgeAdmission(limited({ max_per_user: 1 }, { user_times: [ago(24 * HOUR)] })).ok).toBe(true);
    expect(judgeAdmission(limited({ max_per_user: 1 }, { profile_times: [ago(SECOND)] })).ok).toBe(true);
    expect(judgeAdmission(limited({ max_per_profile: 1 }, { user_times: [ago(SECOND)] })).ok).toBe(true);
    expect(judgeAdmission(limited({ quota_window: '24h' }, { user_times: [ago(SECOND)] })).ok).toBe(true);
  });
});

describe('the escalation flag', () => {
  it('is raised from the threshold on, and refuses nobody', () => {
    const limits = { escalation_threshold: 2 };
    const judged = (user_times: string[]) => judgeAdmission(limited(limits, { user_times }));
    expect(judged([ago(HOUR)])).toMatchObject({ ok: true, escalated: false });
    expect(judged([ago(HOUR), ago(2 * HOUR)])).toMatchObject({ ok: true, escalated: true });
    expect(judged([ago(HOUR), ago(24 * HOUR)])).toMatchObject({ ok: true, escalated: false });
  });
});

describe('an immediate profile', () => {
  const over = {
    timebox: { default: '10m', max: '1h' },
    profiles: {
      'global-admin': {
        action: 'entra.directory_role',
        role,
        approvals: { min_approvers: 0, approvers: ['group:security'], immediate: ['group:oncall', 'person:sam'] },
      },
    },
  };
  const at = (person: typeof scene.alice) => facts({ policy: policy(over), person });

  it('is for those whom it names, themselves or by a group', () => {
    expect(judgeAdmission(at(scene.alice)).ok).toBe(true);
    expect(judgeAdmission(at(scene.sam)).ok).toBe(true);
    expect(refusal(at(scene.bob))).toEqual({
      code: 'immediate_not_allowed',
      message:
        "profile global-admin is granted with nobody's approval, and bob is not among those who may: group:oncall, person:sam",
      wanted: 'group:oncall, person:sam',
      passes_at: null,
    });
  });

  it('takes one approver from an invoker whose review is overdue', () => {
    const usage = used({ overdue_reviews: [scene.EVENT] });
    expect(judgeAdmission({ ...at(scene.alice), usage })).toMatchObject({ ok: true, extra_approvers: 1 });
  });
});

describe('an overdue review', () => {
  const overdue = used({ overdue_reviews: ['a'.repeat(16), 'b'.repeat(16)] });
  const extra = (over: Partial<AdmissionFacts>) => {
    const verdict = judgeAdmission(facts({ usage: overdue, ...over }));
    return verdict.ok ? verdict.extra_approvers : verdict.refusal.code;
  };

  it('takes one approver more, however many are overdue', () => {
    expect(extra({})).toBe(1);
  });

  it('takes none where there is nobody left to be that one: nobody is locked out', () => {
    expect(extra({ people: [scene.alice, scene.bob, scene.carol] })).toBe(0);
    expect(extra({ people: [scene.alice, scene.bob, scene.carol, scene.dave] })).toBe(1);
  });

  it('does not count agents, the principal, or people whose time on the roster is over', () => {
    const gone = { ...scene.dave, valid_until: instant(T0) };
    const people = [scene.alice, scene.bob, scene.carol, scene.robot, scene.pat, gone];
    expect(extra({ people })).toBe(0);
  });

  it('keeps to what the groups of the policy can fill', () => {
    const approvals = {
      min_approvers: 2,
      require: [
        { group: 'security', count: 1 },
        { group: 'platform', count: 1 },
      ],
    };
    expect(extra({ policy: policy({ approvals }), people: [scene.bob, scene.carol, scene.erin] })).toBe(1);
    expect(extra({ policy: policy({ approvals }), people: [scene.carol, scene.erin, scene.zed] })).toBe(0);
  });
});

describe('a refusal', () => {
  it('stays within what everybody can be told, however long the lists of the policy are', () => {
    const many = Array.from({ length: 1000 }, (_, n) => `person:${'p'.repeat(58)}${n}`);
    const time = Array.from({ length: 100 }, (_, n) => ({
      days: ['mon', 'tue', 'wed', 'thu', 'fri', 'sat'],
      until: `00:${String((n % 58) + 1).padStart(2, '0')}`,
      zone: 'America/Argentina/ComodRivadavia',
    }));
    const names = Array.from({ length: 1000 }, (_, n) => `profile-${'x'.repeat(50)}${n}`);
    const profile = { action: 'entra.directory_role', role };
    const profiles = Object.fromEntries([...names, 'global-admin'].map((name) => [name, profile]));
    const rules = [{ name: 'long', profiles: names, allow: many, time, max_duration: '10m' }];
    const ruled = refusal(facts({ policy: policy({ profiles, rules }) }));
    expect(refusalSchema.safeParse(ruled).error).toBeUndefined();
    expect(ruled.wanted).toContain('person:pppp');
    const approvals = { min_approvers: 0, approvers: ['group:security'], immediate: many };
    const timebox = { default: '10m', max: '1h' };
    const immediate = refusal(
      facts({ policy: policy({ timebox, profiles: { 'global-admin': { ...profile, approvals } } }) }),
    );
    expect(refusalSchema.safeParse(immediate).error).toBeUndefined();
    expect(immediate.wanted).toMatch(/ and 992 more$/);
  });
});
