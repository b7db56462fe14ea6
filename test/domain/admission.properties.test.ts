import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { admittedFrom, judgeAdmission } from '../../domain/admission.js';
import { admissionSteps } from '../../domain/admission-steps.js';
import { epochMs } from '../../domain/identifiers.js';
import { histories, mostInAnyWindow, play, policies } from './admission-histories.js';
import * as scene from './scene.js';

const STEP_OF: Readonly<Record<string, string>> = {
  no_rule_matches: 'rule',
  cooldown: 'cooldown',
  user_quota: 'user_quota',
  profile_quota: 'profile_quota',
};

/** Histories begin around changes of daylight saving in New York and on Lord Howe. */
const starts = fc.constantFrom(
  scene.T0,
  Date.parse('2026-03-07T20:00:00Z'),
  Date.parse('2026-04-04T08:00:00Z'),
  Date.parse('2026-10-31T20:00:00Z'),
);
const atOnce = fc.constantFrom(0, 0, 0, null);
const later = fc.option(fc.integer({ min: 0, max: 30 }));

const grouped = <T>(items: readonly T[], key: (item: T) => string): T[][] => [
  ...items
    .reduce((groups, item) => groups.set(key(item), [...(groups.get(key(item)) ?? []), item]), new Map<string, T[]>())
    .values(),
];

describe('over any history', () => {
  it('no window holds more grants of a user or a profile than the policy allows', () => {
    let refusals = 0;
    fc.assert(
      fc.property(policies, histories(atOnce), starts, (policy, asks, start) => {
        const { grants, judged } = play(policy, asks, start);
        const { quota_window = 0, max_per_user = Infinity, max_per_profile = Infinity } = policy.limits ?? {};
        const most = (of: typeof grants): number =>
          mostInAnyWindow(
            of.map(({ at }) => at),
            quota_window * 1000,
          );
        for (const mine of grouped(grants, ({ who }) => who)) expect(most(mine)).toBeLessThanOrEqual(max_per_user);
        for (const ours of grouped(grants, ({ profile }) => profile))
          expect(most(ours)).toBeLessThanOrEqual(max_per_profile);
        refusals += judged.filter(({ verdict }) => !verdict.ok && verdict.refusal.code.endsWith('quota')).length;
      }),
      { numRuns: 400 },
    );
    expect(refusals).toBeGreaterThan(0);
  });

  it('two grants of one invoker and profile never overlap, and lie a cooldown apart, however late approval came', () => {
    fc.assert(
      fc.property(policies, histories(later), starts, (policy, asks, start) => {
        const { grants } = play(policy, asks, start);
        const cooldown = (policy.limits?.cooldown ?? 0) * 1000;
        for (const pair of grouped(grants, ({ who, profile }) => `${who} ${profile}`)) {
          const inOrder = pair.sort((a, b) => a.at - b.at);
          for (const [index, grant] of inOrder.entries()) {
            const before = inOrder[index - 1];
            if (before === undefined) continue;
            expect(grant.at).toBeGreaterThanOrEqual(before.ends);
            expect(grant.at - before.at).toBeGreaterThanOrEqual(cooldown);
          }
        }
      }),
      { numRuns: 400 },
    );
  });

  it('passes_at is the first millisecond at which the check that refused passes', () => {
    const seen = new Map<string, number>();
    fc.assert(
      fc.property(policies, histories(later), starts, (policy, asks, start) => {
        for (const { facts, verdict } of play(policy, asks, start).judged) {
          if (verdict.ok || verdict.refusal.passes_at === null) continue;
          const { code, passes_at } = verdict.refusal;
          seen.set(code, (seen.get(code) ?? 0) + 1);
          const codeAt = (now_ms: number): string => {
            const found = admissionSteps.find(({ name }) => name === STEP_OF[code])?.judge({ ...facts, now_ms });
            return found?.verdict === 'refused' ? found.refusal.code : 'passes';
          };
          const at = epochMs(passes_at);
          expect(at).toBeGreaterThan(facts.now_ms);
          expect(codeAt(at - 1)).toBe(code);
          expect(codeAt(at)).toBe('passes');
        }
      }),
      { numRuns: 300 },
    );
    expect([...seen.keys()].sort()).toEqual(['cooldown', 'no_rule_matches', 'profile_quota', 'user_quota']);
  });

  it('admission as a whole comes at the first millisecond at which no check refuses, where nobody else asks', () => {
    let waited = 0;
    fc.assert(
      fc.property(
        policies,
        histories(later),
        starts,
        fc.array(fc.nat(999), { maxLength: 20 }),
        (policy, asks, start, dots) => {
          for (const { facts, verdict } of play(policy, asks, start).judged) {
            const at = admittedFrom(facts);
            if (verdict.ok) expect(at).toBe(facts.now_ms);
            if (verdict.ok || at === null) continue;
            waited += 1;
            expect(judgeAdmission({ ...facts, now_ms: at }).ok).toBe(true);
            expect(judgeAdmission({ ...facts, now_ms: at - 1 }).ok).toBe(false);
            for (const dot of dots) {
              const now_ms = facts.now_ms + Math.floor(((at - facts.now_ms) * dot) / 1000);
              expect(judgeAdmission({ ...facts, now_ms }).ok).toBe(false);
            }
          }
        },
      ),
      { numRuns: 200 },
    );
    expect(waited).toBeGreaterThan(0);
  });

  it('the escalation threshold decides what is flagged, and nothing else', () => {
    let flagged = 0;
    fc.assert(
      fc.property(policies, histories(later), starts, (policy, asks, start) => {
        for (const { facts, verdict } of play(policy, asks, start).judged) {
          const without = {
            ...policy,
            limits: { ...facts.policy.limits, quota_window: policy.limits?.quota_window ?? 0 },
          };
          delete without.limits.escalation_threshold;
          const same = judgeAdmission({ ...facts, policy: without });
          if (verdict.ok && verdict.escalated) flagged += 1;
          expect(same).toEqual(verdict.ok ? { ...verdict, escalated: false } : verdict);
        }
      }),
      { numRuns: 200 },
    );
    expect(flagged).toBeGreaterThan(0);
  });

  it('the same facts have the same verdict, whatever was judged in between', () => {
    fc.assert(
      fc.property(policies, histories(later), starts, (policy, asks, start) => {
        const { judged } = play(policy, asks, start);
        for (const { facts, verdict } of judged.reverse()) expect(judgeAdmission(facts)).toEqual(verdict);
      }),
      { numRuns: 50 },
    );
  });
});
