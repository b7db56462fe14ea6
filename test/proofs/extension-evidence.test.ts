import { describe, expect, it } from 'vitest';

import { instant } from '../../domain/identifiers.js';
import type { Intent, SignedIntent } from '../../domain/intent.js';
import { policySchema } from '../../domain/policy.js';
import type { Evidence } from '../../domain/tasks.js';
import { digestOf } from '../../proofs/canonical-json.js';
import { evidenceDigest, judgeEvidence, judgeIntent, tupleOf } from '../../proofs/evidence.js';
import { makeMarker } from '../../proofs/marker.js';
import { generateRoleKey } from '../../proofs/role-key.js';
import { signIntent } from '../../proofs/signed-intent.js';
import * as people from './ceremony-people.js';
import { approvedExtension, askedExtension, extensionEvidence } from './extended-ceremony.js';

const { T0, alice, bob, carol, keyOf, policy, policyDigest, requestFor, roleKeys, roster, signAct } = people;
const MIN = 60_000;
type RoleIntent = Extract<Intent, { kind: 'entra.directory_role' }>;
const { authority } = roleKeys;
const authorityKey = (keyid: string) => (keyid === authority.keyid ? authority.publicKey : undefined);

/** The grant's intent, until half past ten. */
function granted(request = requestFor(), over: Partial<RoleIntent> = {}, key = authority): SignedIntent {
  const issued = T0 + 3 * MIN;
  const deadline = over.deadline ?? instant(issued + 30 * MIN);
  const tuple = tupleOf(request) as RoleIntent['tuple'];
  const { event_id } = request;
  const intent: RoleIntent = {
    schema: 'reseal.intent.v1',
    event_id,
    round: 1,
    kind: 'entra.directory_role',
    tuple,
    end_sessions: true,
    request_digest: digestOf(request),
    policy_digest: policyDigest,
    evidence_digest: 'd'.repeat(64),
    quorum: 'full',
    issued_at: instant(issued),
    deadline,
    dead_man: instant(Date.parse(deadline) + 10 * MIN),
    marker: makeMarker({ event_id, deadline, tuple }, key.privateKey),
    ...over,
  };
  return signIntent(intent, key);
}

const request = requestFor();
const first = granted(request);
const NOW = T0 + 20 * MIN;
const judge = (evidence: Evidence, nowMs = NOW, under = policy) =>
  judgeEvidence({ evidence, roster, roleKeys: keyOf, policy: under, policyDigest: digestOf(under), nowMs });
const good = (minutes = 20): ReturnType<typeof extensionEvidence> =>
  extensionEvidence(request, [first], { at: NOW - MIN, minutes });
const codeOf = (evidence: Evidence, nowMs = NOW): string => {
  const judged = judge(evidence, nowMs);
  return judged.ok ? 'ok' : judged.code;
};
const withAsked = (asked: Evidence['request']): Evidence => ({
  ...good(),
  approvals: [bob, carol].map((who) => approvedExtension(who, request, asked, NOW - MIN)),
  extension: { asked, prior: [first] },
});

describe('evidence of an extension', () => {
  it('carries exactly what a new quorum approved', () => {
    const judged = judge(good());
    if (!judged.ok) throw new Error(`${judged.code}: ${judged.message}`);
    expect(judged.quorum).toBe('full');
    expect(judged.approvals.map(({ person }) => person.id)).toEqual(['bob', 'carol']);
    expect(judged.extension).toMatchObject({ round: 2, started_at: first.intent.issued_at });
    expect(judged.extension?.deadline).toBe(instant(T0 + 53 * MIN));
  });

  it('has another digest than the same without it, and than one that follows another intent', () => {
    const { extension: _extension, ...without } = good();
    const other = { ...good(), extension: { ...good().extension, prior: [granted(request, { end_sessions: false })] } };
    expect(new Set([good(), without, other].map(evidenceDigest)).size).toBe(3);
  });

  describe('refuses what was approved for something else', () => {
    const { asked } = good().extension;
    const by = (...approvals: Evidence['approvals']): Evidence => ({ ...good(), approvals });
    const foreign = requestFor();

    it.each<[string, Evidence]>([
      ['the approvals of the grant', by(signAct(bob, 'approve', request), signAct(carol, 'approve', request))],
      [
        'an extension of another event',
        by(...[bob, carol].map((who) => approvedExtension(who, foreign, asked, NOW - MIN))),
      ],
      [
        'another deadline',
        by(
          ...[bob, carol].map((who) =>
            approvedExtension(who, request, asked, NOW - MIN, { deadline: instant(T0 + 60 * MIN) }),
          ),
        ),
      ],
      [
        'another round',
        by(...[bob, carol].map((who) => approvedExtension(who, request, asked, NOW - MIN, { round: 3 }))),
      ],
      [
        'another extend with the same deadline',
        by(
          ...[bob, carol].map((who) =>
            approvedExtension(who, request, askedExtension(request, [first], { at: NOW, reason: 'else' }), NOW - MIN),
          ),
        ),
      ],
      ['one approver twice', by(...[1, 2].map((n) => approvedExtension(bob, request, asked, NOW - n * 1000)))],
      [
        'the invoker for one of two',
        by(...[bob, alice].map((who) => approvedExtension(who, request, asked, NOW - MIN))),
      ],
      ['nobody', by()],
    ])('%s', (_, evidence) => {
      expect(codeOf(evidence)).toBe('quorum_not_met');
    });
  });

  describe('refuses what was not asked so', () => {
    it.each<[string, Evidence]>([
      ['an approver asks', withAsked(askedExtension(request, [first], { at: NOW - MIN, by: bob }))],
      ['of another event', withAsked(askedExtension(requestFor(), [first], { at: NOW - MIN }))],
      ['for another round', withAsked(askedExtension(request, [first], { at: NOW - MIN, round: 3 }))],
      ['too long ago', withAsked(askedExtension(request, [first], { at: NOW - MIN, not_after: instant(NOW) }))],
      ['not yet', withAsked(askedExtension(request, [first], { at: NOW + 2 * MIN }))],
      [
        'signed by nobody on the roster',
        withAsked(people.signPayload(people.mallory, askedExtension(request, [first], { at: NOW - MIN }).payload)),
      ],
    ])('%s', (_, evidence) => {
      expect(codeOf(evidence)).toBe('extension_not_authentic');
    });
  });

  describe('refuses intents before it that are not the authority’s, or not of this ceremony', () => {
    const after = (...prior: SignedIntent[]): Evidence => ({ ...good(), extension: { ...good().extension, prior } });
    it.each<[string, Evidence]>([
      ['signed by another key', after(granted(request, {}, generateRoleKey()))],
      ['changed since', after({ ...first, intent: { ...first.intent, issued_at: instant(NOW) } })],
      ['of another event', after(granted(requestFor()))],
      ['of another round', after(granted(request, { round: 2 }))],
      ['one that extends nothing', after(first, granted(request, { round: 2 }))],
    ])('%s', (_, evidence) => {
      expect(codeOf(evidence)).toBe('extension_prior_differs');
    });

    it('one that makes the start later than the request could have been approved', () => {
      const late = granted(request, { issued_at: instant(T0 + 3 * 3600_000) });
      expect(codeOf(extensionEvidence(request, [late], { at: NOW - MIN }))).toBe('request_stale');
    });
  });

  it('refuses an extension past the policy’s maximum, counted from the first start and not from what was extended', () => {
    const { max } = policy.timebox;
    const most = (max - 30 * 60) / 60;
    expect(codeOf(good(most))).toBe('ok');
    expect(codeOf(good(most + 1))).toBe('extension_too_long');
    const second = granted(request, { round: 2, deadline: instant(T0 + 33 * MIN + 60 * MIN), issued_at: instant(NOW) });
    const third = (minutes: number): string =>
      codeOf(extensionEvidence(request, [first, second], { at: NOW - MIN, minutes }));
    expect(third(most - 60)).toBe('ok');
    expect(third(most - 59)).toBe('extension_too_long');
  });

  it('is judged by the policy’s rules for its whole length, as at admission', () => {
    const ruled = policySchema.parse({ ...policy, rules: [{ name: 'short', max_duration: '45m' }] });
    const asked = requestFor({ policy_digest: digestOf(ruled) });
    const before = granted(asked, { policy_digest: digestOf(ruled) });
    const code = (minutes: number): string => {
      const judged = judge(extensionEvidence(asked, [before], { at: NOW - MIN, minutes }), NOW, ruled);
      return judged.ok ? 'ok' : judged.code;
    };
    expect(code(15)).toBe('ok');
    expect(code(16)).toBe('no_rule_matches');
  });

  it('is too short under five minutes, and too late in the last minute before the deadline that holds', () => {
    expect(codeOf(good(4))).toBe('extension_too_short');
    expect(codeOf(good(5))).toBe('ok');
    const deadline = Date.parse(first.intent.deadline);
    expect(codeOf(good(), deadline - MIN - 1)).toBe('ok');
    expect(codeOf(good(), deadline - MIN)).toBe('extension_too_late');
  });
});

describe('an intent of a later round', () => {
  const evidence = good();
  const { asked } = evidence.extension;
  const intended = (over: Partial<RoleIntent> = {}): RoleIntent => {
    const { deadline } = JSON.parse(asked.payload) as { deadline: string };
    const { intent } = granted(request, { round: 2, issued_at: instant(NOW), deadline });
    return { ...(intent as RoleIntent), evidence_digest: evidenceDigest(evidence), ...over };
  };
  const code = (intent: Intent, given: Evidence = evidence): string => {
    const signed = signIntent(intent, authority);
    const rules = { roster, roleKeys: keyOf, policy, policyDigest, nowMs: NOW, authorityKey };
    const judged = judgeIntent({ signed, evidence: given, ...rules });
    return judged.ok ? 'ok' : judged.code;
  };

  it('follows from its evidence, and says nothing else than that', () => {
    expect(code(intended())).toBe('ok');
    expect(code(intended({ round: 3 }))).toBe('intent_foreign');
    expect(code(intended({ deadline: instant(T0 + 54 * MIN), dead_man: instant(T0 + 64 * MIN) }))).toBe(
      'intent_foreign',
    );
    expect(code(intended({ dead_man: instant(T0 + 64 * MIN) }))).toBe('intent_foreign');
  });

  it('is nothing without an extension in its evidence: the approvals of the grant carry the grant alone', () => {
    const { extension: _extension, ...rest } = evidence;
    const plain = { ...rest, approvals: [signAct(bob, 'approve', request), signAct(carol, 'approve', request)] };
    expect(code(intended({ evidence_digest: evidenceDigest(plain) }), plain)).not.toBe('ok');
  });
});
