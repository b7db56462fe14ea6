import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { policySchema } from '../../domain/policy.js';
import { policyRuleSchema, policyRulesSchema, type PolicyRule } from '../../domain/policy-rules.js';
import { REASON_CODES } from '../../domain/reason-codes.js';
import { conditionText, matchRules, RULE_CONDITIONS, type RuleQuestion } from '../../domain/rule-match.js';
import * as scene from './scene.js';

const rule = (over: Partial<Record<keyof PolicyRule, unknown>>): PolicyRule =>
  policyRuleSchema.parse({ name: 'rule', ...over });
/** Thursday, 03:00 in Berlin. */
const THURSDAY_NIGHT = Date.parse('2026-03-05T02:00:00.000Z');
const asked: RuleQuestion = {
  profile: 'reader',
  person: scene.alice,
  reason_code: 'incident',
  duration_seconds: 1800,
  now_ms: THURSDAY_NIGHT,
};
const office = { days: ['mon', 'tue', 'wed', 'thu', 'fri'], from: '09:00', until: '17:00', zone: 'Europe/Berlin' };
const missed = (rules: PolicyRule[], over: Partial<RuleQuestion> = {}) => {
  const found = matchRules(rules, { ...asked, ...over });
  if (found.ok) throw new Error(`rule ${found.rule ?? ''} matched`);
  return found;
};

describe('a rule', () => {
  it('with empty lists lets everybody ask for everything at any time', () => {
    expect(matchRules([rule({})], asked)).toEqual({ ok: true, rule: 'rule' });
    expect(matchRules([], asked)).toEqual({ ok: true, rule: null });
  });

  it.each([
    ['profiles', { profiles: ['admin'] }, 'profile', 'profile: admin'],
    ['allow', { allow: ['person:bob', 'group:soc'] }, 'person', 'person: person:bob, group:soc'],
    ['reason_codes', { reason_codes: ['security'] }, 'reason_code', 'reason_code: security'],
    ['max_duration', { max_duration: '29m59s' }, 'duration', 'duration: at most 29m59s'],
    ['time', { time: [office] }, 'time', 'time: mon, tue, wed, thu, fri 09:00 to 17:00 Europe/Berlin'],
  ])('refuses by its %s, and says what it wanted', (_, over, condition, wanted) => {
    expect(missed([rule(over)])).toMatchObject({ rule: 'rule', unmet: [condition], wanted });
  });

  it.each([
    { profiles: ['admin', 'reader'] },
    { allow: ['person:alice'] },
    { allow: ['group:oncall'] },
    { reason_codes: ['incident', 'security'] },
    { max_duration: '30m' },
    { time: [office, { ...office, from: '22:00', until: '06:00' }] },
  ])('lets in by %o', (over) => {
    expect(matchRules([rule(over)], asked).ok).toBe(true);
  });
});

describe('the first rule that matches', () => {
  it('wins, however many others do', () => {
    const rules = [rule({ name: 'no', allow: ['person:bob'] }), rule({ name: 'first' }), rule({ name: 'second' })];
    expect(matchRules(rules, asked)).toEqual({ ok: true, rule: 'first' });
  });

  it('and exactly that one, over any rules and questions', () => {
    const anyRule = fc.record({
      profiles: fc.subarray(['reader', 'admin']),
      allow: fc.subarray(['person:alice', 'group:security', 'person:carol']),
      reason_codes: fc.subarray([...REASON_CODES]),
      time: fc.constantFrom([], [office], [{ ...office, from: '17:00', until: '09:00' }]),
      max_duration: fc.option(fc.constantFrom(600, 1800, 3600), { nil: undefined }),
    });
    const anyQuestion = fc.record({
      profile: fc.constantFrom('reader', 'admin'),
      person: fc.constantFrom(scene.alice, scene.bob, scene.carol),
      reason_code: fc.constantFrom(...REASON_CODES),
      duration_seconds: fc.constantFrom(600, 601, 1800, 3600, 3601),
      now_ms: fc.nat(7 * 24 * 60).map((minutes) => THURSDAY_NIGHT + minutes * 60_000),
    });
    fc.assert(
      fc.property(fc.array(anyRule, { minLength: 1, maxLength: 6 }), anyQuestion, (drafts, question) => {
        const rules = drafts.map((draft, index) => rule({ ...draft, name: `rule-${index}` }));
        const alone = rules.map((one) => matchRules([one], question).ok);
        const found = matchRules(rules, question);
        const first = alone.indexOf(true);
        expect(found.ok).toBe(first >= 0);
        if (found.ok) expect(found.rule).toBe(`rule-${first}`);
        else expect(rules.some(({ name }) => name === found.rule)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});

describe('the nearest rule', () => {
  it('is the one that opens first, where time is all that is missing', () => {
    const late = rule({ name: 'late', time: [{ ...office, from: '12:00' }] });
    const early = rule({ name: 'early', time: [office] });
    const stranger = rule({ name: 'stranger', allow: ['person:bob'] });
    expect(missed([late, stranger, early])).toEqual({
      ok: false,
      rule: 'early',
      unmet: ['time'],
      wanted: 'time: mon, tue, wed, thu, fri 09:00 to 17:00 Europe/Berlin',
      passes_ms: Date.parse('2026-03-05T08:00:00.000Z'),
    });
  });

  it('opens over a weekend and a change of daylight saving', () => {
    const friday = Date.parse('2026-03-27T20:00:00.000Z');
    expect(missed([rule({ time: [office] })], { now_ms: friday }).passes_ms).toBe(
      Date.parse('2026-03-30T07:00:00.000Z'),
    );
  });

  it('is the one that misses the least, and can be met by asking otherwise', () => {
    const far = rule({ name: 'far', allow: ['person:bob'], reason_codes: ['security'] });
    const other = rule({ name: 'other-person', allow: ['person:bob'] });
    const shorter = rule({ name: 'shorter', max_duration: '10m' });
    expect(missed([far, other, shorter])).toMatchObject({ rule: 'shorter', passes_ms: null });
    expect(missed([far, other])).toMatchObject({ rule: 'other-person', wanted: 'person: person:bob' });
    expect(missed([far])).toMatchObject({ unmet: ['person', 'reason_code'] });
  });

  it('passes never by waiting, where more than time is missing', () => {
    expect(missed([rule({ time: [office], allow: ['person:bob'] })]).passes_ms).toBeNull();
  });

  it('says of every condition what it leaves open', () => {
    for (const condition of RULE_CONDITIONS) expect(conditionText(rule({}), condition)).toBe('any');
  });
});

describe('the rules of a policy', () => {
  it('have names of their own', () => {
    expect(policyRulesSchema.safeParse([{ name: 'a' }, { name: 'b' }]).success).toBe(true);
    const issue = policyRulesSchema.safeParse([{ name: 'a' }, { name: 'b' }, { name: 'a' }]).error?.issues[0];
    expect(issue).toMatchObject({ path: [2, 'name'], message: 'rule 1 has this name already: refusals name the rule' });
  });

  it('name profiles that the policy has', () => {
    const policy = {
      version: 1,
      name: 'typo',
      tenant_id: scene.TENANT,
      approvals: { min_approvers: 1, approvers: ['group:security'] },
      profiles: { reader: { action: 'entra.directory_role', role: { template_id: scene.ROLE, name: 'Reader' } } },
      rules: [{ name: 'typo', profiles: ['reader', 'raeder', 'toString'] }],
    };
    const issues = policySchema
      .safeParse(policy)
      .error?.issues.map(({ path, message }) => `${path.join('.')} ${message}`);
    expect(issues).toEqual([
      'rules.0.profiles.1 the policy has no profile raeder',
      'rules.0.profiles.2 the policy has no profile toString',
    ]);
  });

  it.each([
    { name: 'Bad Name' },
    { name: 'a', allow: ['dana'] },
    { name: 'a', reason_codes: ['because'] },
    { name: 'a', max_duration: '0m' },
    { name: 'a', max_duration: 'soon' },
    { name: 'a', users: [] },
    { name: 'a', time: [{ zone: 'UTC', days: ['someday'] }] },
  ])('refuses %o', (wrong) => {
    expect(policyRulesSchema.safeParse([wrong]).success).toBe(false);
  });
});
