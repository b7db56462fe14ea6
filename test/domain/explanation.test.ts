import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judgeAdmission } from '../../domain/admission.js';
import type { AdmissionFacts } from '../../domain/admission-steps.js';
import { explainAdmission, explanationSchema } from '../../domain/explanation.js';
import { instant } from '../../domain/identifiers.js';
import { policySchema } from '../../domain/policy.js';
import { NO_USAGE } from '../../domain/usage.js';
import { histories, play, policies } from './admission-histories.js';
import * as scene from './scene.js';

const policy = (over: object = {}) =>
  policySchema.parse({
    version: 1,
    name: 'explained',
    tenant_id: scene.TENANT,
    approvals: { min_approvers: 2, approvers: ['group:security', 'group:platform'] },
    profiles: {
      'global-admin': {
        action: 'entra.directory_role',
        role: scene.ROLE_OF_PROFILE,
      },
    },
    ...over,
  });
const facts = (over: Partial<AdmissionFacts> = {}): AdmissionFacts => ({
  policy: policy(),
  policy_digest: scene.POLICY_DIGEST,
  request: scene.REQUEST,
  person: scene.alice,
  people: scene.PEOPLE,
  usage: NO_USAGE,
  now_ms: scene.T0,
  ...over,
});

describe('an explanation', () => {
  it('says of every check what it found, in the order of admission', () => {
    const told = explainAdmission(facts(), 'register');
    expect(told).toMatchObject({ passes: true, refusal: null, approvals_wanted: 2, admitted_from: instant(scene.T0) });
    expect(told.steps.map(({ step, verdict }) => `${step} ${verdict}`)).toEqual([
      'invoker passed',
      'profile passed',
      'rule passed',
      'stacking passed',
      'cooldown passed',
      'user_quota passed',
      'profile_quota passed',
      'escalation passed',
    ]);
  });

  it('names the channels whose receipts let an approval count', () => {
    const approvals = { min_approvers: 2, approvers: ['group:security'], delivery: { required: true } };
    const notices = [{ channel: 'desk' }, { channel: 'pager', events: ['finding'] }];
    const told = explainAdmission(facts({ policy: policy({ approvals, notices }) }), 'none');
    expect(explanationSchema.parse(told).delivered_by).toEqual(['desk']);
    expect(explainAdmission(facts(), 'none')).not.toHaveProperty('delivered_by');
  });

  it('judges on behind the first refusal, and says when nothing would refuse any more', () => {
    const limits = { cooldown: '1h', max_per_user: 1, escalation_threshold: 1 };
    const rules = [{ name: 'nights', time: [{ from: '22:00', until: '06:00', zone: 'UTC' }] }];
    const granted = instant(scene.T0 - 10 * scene.MINUTE);
    const usage = { ...NO_USAGE, last_of_pair_at: granted, user_times: [granted] };
    const told = explainAdmission(facts({ policy: policy({ limits, rules }), usage }), 'register');
    expect(told.steps.filter(({ verdict }) => verdict === 'refused').map(({ step }) => step)).toEqual([
      'rule',
      'cooldown',
      'user_quota',
    ]);
    expect(told.steps.at(-1)).toMatchObject({ step: 'escalation', verdict: 'flagged' });
    expect(told).toMatchObject({
      passes: false,
      rule: null,
      approvals_wanted: null,
      refusal: { code: 'no_rule_matches' },
    });
    // The quota has room at 11:50 the next day, when no night is.
    expect(told.admitted_from).toBe('2026-03-02T22:00:00.000Z');
  });

  it('asks whether the roster lets the invoker speak, of a request that its profile allows', () => {
    const person = { ...scene.alice, valid_until: instant(scene.T0) };
    const told = explainAdmission(facts({ person }), 'none');
    expect(told).toMatchObject({ passes: false, admitted_from: null, refusal: { code: 'invoker_not_valid' } });
    const request = { ...scene.REQUEST, duration_seconds: 5 * 3600 };
    expect(explainAdmission(facts({ person, request }), 'none').refusal?.code).toBe('duration_too_long');
  });

  it('is the verdict of admission, over any history, and keeps to its schema', () => {
    const delays = fc.option(fc.integer({ min: 0, max: 30 }));
    fc.assert(
      fc.property(policies, histories(delays), (of, asks) => {
        for (const { facts: judged, verdict } of play(of, asks, scene.T0).judged) {
          const told = explanationSchema.parse(explainAdmission(judged, 'register'));
          expect(told.passes).toBe(verdict.ok);
          expect(told.refusal).toEqual(verdict.ok ? null : verdict.refusal);
          if (!verdict.ok) continue;
          const { rule, escalated, extra_approvers } = verdict;
          expect(told).toMatchObject({ rule, escalated, extra_approvers });
          expect(judgeAdmission(judged)).toEqual(verdict);
        }
      }),
      { numRuns: 100 },
    );
  });
});
