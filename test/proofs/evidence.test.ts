import { describe, expect, it } from 'vitest';

import { instant } from '../../domain/identifiers.js';
import type { Intent } from '../../domain/intent.js';
import { policySchema } from '../../domain/policy.js';
import { canonicalJson, digestOf } from '../../proofs/canonical-json.js';
import {
  evidenceDigest,
  judgeEvidence,
  judgeIntent,
  tupleOf,
  verifyIntent,
  type EvidenceRules,
} from '../../proofs/evidence.js';
import { makeMarker } from '../../proofs/marker.js';
import { signReceipt } from '../../proofs/receipt.js';
import { generateRoleKey } from '../../proofs/role-key.js';
import { signIntent } from '../../proofs/signed-intent.js';
import {
  T0,
  admissionEntry,
  admissionOf,
  alice,
  bob,
  carol,
  entryOf,
  keyOf,
  policy,
  policyDigest,
  requestFor,
  robot,
  roleKeys,
  roster,
  signAct,
  signRequest,
} from './ceremony-people.js';
import type { RoleTuple } from '../../domain/effects/directory-role.js';

const request = requestFor();
// Alice asks for herself, so that Bob (security) and Carol (platform) can approve.
const evidence = {
  event_id: request.event_id,
  request: signRequest(request),
  approvals: [signAct(bob, 'approve', request), signAct(carol, 'approve', request)],
  admission: admissionOf(request),
};
const rules: EvidenceRules = { evidence, roster, roleKeys: keyOf, policy, policyDigest, nowMs: T0 + 120_000 };

const codeOf = (changes: Partial<EvidenceRules>): string => {
  const judged = judgeEvidence({ ...rules, ...changes });
  return judged.ok ? 'ok' : judged.code;
};
const withApprovals = (...approvals: (typeof evidence)['approvals']) => ({ evidence: { ...evidence, approvals } });

describe('evidence of a quorum', () => {
  it('carries the call, and names who approved', () => {
    const judged = judgeEvidence(rules);
    expect(judged).toMatchObject({
      ok: true,
      request,
      request_digest: digestOf(request),
      evidence_digest: digestOf(evidence),
    });
    expect(judged.ok && judged.approvals.map(({ person }) => person.id)).toEqual(['bob', 'carol']);
  });

  it('carries it with a bad approval more', () => {
    expect(codeOf(withApprovals(signAct(robot, 'approve', request), ...evidence.approvals))).toBe('ok');
  });
});

describe("evidence with an admission that is not the register's word for this request", () => {
  const forged = signReceipt(admissionEntry(request), generateRoleKey());
  const others = requestFor();
  const tampered = structuredClone(evidence.admission);
  tampered.envelope.payload = Buffer.from(
    Buffer.from(tampered.envelope.payload, 'base64')
      .toString('utf8')
      .replace('"extra_approvers":0', '"extra_approvers":1'),
  ).toString('base64');

  it.each([
    ['signed by nobody known', forged],
    ['signed by another role', signReceipt(admissionEntry(request), roleKeys.verifier)],
    ['changed after it was signed', tampered],
    ['of another event', admissionOf(others)],
    ['of another request under the same event', admissionOf(request, T0, { request_digest: digestOf(others) })],
    ['that says nothing of approvers', admissionOf(request, T0, { extra_approvers: null })],
    [
      "that is another entry of the register's",
      signReceipt(entryOf(request.event_id, 'ended', 'ended', T0), roleKeys.register),
    ],
  ])('is refused: %s', (_, admission) => {
    expect(codeOf({ evidence: { ...evidence, admission } })).toBe('admission_not_authentic');
  });

  it('needs the approver more that it asks for', () => {
    const admission = admissionOf(request, T0, { extra_approvers: 1 });
    expect(judgeEvidence({ ...rules, evidence: { ...evidence, admission } })).toMatchObject({
      code: 'quorum_not_met',
      message: expect.stringContaining('2 of 3') as string,
    });
  });
});

describe('evidence under a policy with a fallback', () => {
  const withFallback = policySchema.parse({
    ...policy,
    approvals: { ...policy.approvals, fallback: { after: '10m', min_approvers: 1, max: '15m' } },
  });
  const policyDigest = digestOf(withFallback);
  const asked = requestFor({ policy_digest: policyDigest });
  const judge = (nowMs: number, over: Partial<EvidenceRules> = {}) =>
    judgeEvidence({
      ...rules,
      evidence: {
        event_id: asked.event_id,
        request: signRequest(asked),
        approvals: [signAct(bob, 'approve', asked)],
        admission: admissionOf(asked),
      },
      policy: withFallback,
      policyDigest,
      nowMs,
      ...over,
    });

  it("carries a shorter grant on fewer approvals, once it is open on the register's clock", () => {
    expect(judge(T0 + 599_999)).toMatchObject({ code: 'quorum_not_met' });
    expect(judge(T0 + 600_000)).toMatchObject({ ok: true, quorum: 'fallback', seconds: 900 });
  });

  it('asks when it was issued, and not when the call is made', () => {
    expect(judge(T0 + 700_000, { issuedMs: T0 + 599_999 })).toMatchObject({ code: 'quorum_not_met' });
  });
});

describe('evidence of an immediate request', () => {
  const immediately = (who: string) => {
    const lenient = policySchema.parse({
      ...policy,
      profiles: {
        ...policy.profiles,
        admin: {
          ...policy.profiles['admin'],
          timebox: { default: '30m', max: '1h' },
          approvals: { min_approvers: 0, approvers: ['group:security'], immediate: [who] },
        },
      },
    });
    const policyDigest = digestOf(lenient);
    const asked = requestFor({ policy_digest: policyDigest });
    const { event_id } = asked;
    const evidence = { event_id, request: signRequest(asked), approvals: [], admission: admissionOf(asked) };
    return judgeEvidence({ ...rules, evidence, policy: lenient, policyDigest });
  };

  it('carries the call for whom the policy names, and for nobody else', () => {
    expect(immediately('person:alice')).toMatchObject({ ok: true, quorum: 'immediate', approvals: [] });
    expect(immediately('person:bob')).toMatchObject({ ok: false, code: 'quorum_not_met' });
  });
});

describe('evidence without a quorum', () => {
  const [byBob, byCarol] = evidence.approvals;
  if (byBob === undefined || byCarol === undefined) throw new Error('two approvals');

  it.each([
    ['one approval', [byBob]],
    ['the same person twice', [byBob, signAct(bob, 'approve', request, { reason: 'again' })]],
    ['the same statement twice', [byBob, byBob]],
    ['the invoker', [byCarol, signAct(alice, 'approve', request)]],
    ['an agent', [byBob, signAct(robot, 'approve', request)]],
    ['an approval of another request', [byBob, signAct(carol, 'approve', requestFor())]],
    [
      'an approval under another policy',
      [byBob, signAct(carol, 'approve', request, { policy_digest: 'a'.repeat(64) })],
    ],
    ['another act', [byBob, signAct(carol, 'deny', request)]],
    ['a forged approval', [byBob, { ...byCarol, signature: byBob.signature }]],
    ['an approval from the future', [byBob, signAct(carol, 'approve', request, {}, T0 + 600_000)]],
    ['a stale approval', [byBob, signAct(carol, 'approve', request, { not_after: instant(T0 + 90_000) })]],
  ])('refuses %s', (_, approvals) => {
    expect(codeOf(withApprovals(...approvals))).toBe('quorum_not_met');
  });

  it('refuses an approver whom the roster no longer lets speak', () => {
    const people = roster.people.map((p) => (p.id === 'carol' ? { ...p, valid_until: instant(T0 + 100_000) } : p));
    const judged = judgeEvidence({ ...rules, roster: { ...roster, people } });
    expect(judged).toMatchObject({ ok: false, code: 'quorum_not_met' });
    expect(!judged.ok && judged.message).toContain('carol: person_not_valid');
  });
});

describe('a request that carries nothing', () => {
  it.each([
    ['too old', { nowMs: T0 + 1800_000 + 60_000 }, 'request_stale'],
    ['from the future', { nowMs: T0 - 61_000 }, 'request_not_yet_valid'],
    ['under a policy that is no longer in force', { policyDigest: 'a'.repeat(64) }, 'policy_changed'],
    ['of another event', { evidence: { ...evidence, event_id: '0'.repeat(16) } }, 'foreign_event'],
    [
      'unsigned',
      { evidence: { ...evidence, request: { ...evidence.request, signature: 'x'.repeat(40) } } },
      'bad_signature',
    ],
    ['of no shape', { evidence: { ...evidence, approvals: 'none' as unknown as [] } }, 'evidence_malformed'],
    ['of a profile that is gone', { policy: policySchema.parse({ ...policy, profiles: {} }) }, 'profile_unknown'],
  ])('refuses one %s', (_, changes, code) => {
    expect(codeOf(changes)).toBe(code);
  });

  it('refuses an invoker whom the roster no longer lets speak', () => {
    const people = roster.people.map((p) => (p.id === 'alice' ? { ...p, valid_until: instant(T0 + 100_000) } : p));
    expect(codeOf({ roster: { ...roster, people } })).toBe('invoker_not_valid');
  });
});

describe('an intent', () => {
  const { authority, register } = roleKeys;
  const issued = T0 + 100_000;
  const deadline = instant(issued + 1800_000);
  const tuple = tupleOf(request) as RoleTuple;
  const intent: Intent = {
    schema: 'reseal.intent.v1',
    event_id: request.event_id,
    round: 1,
    kind: 'entra.directory_role',
    tuple,
    end_sessions: true,
    request_digest: digestOf(request),
    policy_digest: policyDigest,
    quorum: 'full',
    evidence_digest: evidenceDigest(evidence),
    issued_at: instant(issued),
    deadline,
    dead_man: instant(issued + 1800_000 + 600_000),
    marker: makeMarker({ event_id: request.event_id, deadline, tuple }, authority.privateKey),
  };
  const signed = signIntent(intent, authority);
  const authorityKey = (keyid: string) => (keyid === authority.keyid ? authority.publicKey : undefined);
  const judge = (changes: Partial<Parameters<typeof judgeIntent>[0]> = {}): string => {
    const judged = judgeIntent({ ...rules, signed, authorityKey, ...changes });
    return judged.ok ? 'ok' : judged.code;
  };

  it('carries the call until its deadline, after the approval window too', () => {
    expect(judge()).toBe('ok');
    expect(judge({ nowMs: issued + 1800_000 - 1 })).toBe('ok');
    expect(judge({ nowMs: issued + 1800_000 })).toBe('deadline_passed');
  });

  it('refuses one that another role signed, or that says something else than was signed', () => {
    expect(judge({ signed: signIntent(intent, register) })).toBe('intent_not_signed');
    expect(judge({ signed: { ...signed, intent: { ...intent, deadline: instant(issued + 7200_000) } } })).toBe(
      'intent_differs',
    );
  });

  it.each([
    ['deadline', { deadline: instant(issued + 1801_000) }],
    ['dead_man', { dead_man: instant(issued + 7200_000) }],
    ['tuple', { tuple: { ...tuple, directory_scope_id: '/administrativeUnits/x' } }],
    ['evidence_digest', { evidence_digest: 'a'.repeat(64) }],
    ['end_sessions', { end_sessions: false }],
  ])('refuses another %s than the evidence calls for, though the authority signed it', (member, change) => {
    const judged = judgeIntent({
      ...rules,
      authorityKey,
      signed: signIntent({ ...intent, ...change }, authority),
    });
    expect(judged).toMatchObject({ ok: false, code: 'intent_foreign' });
    expect(!judged.ok && judged.message).toContain(member);
  });

  it('refuses evidence with an approval more or less', () => {
    expect(judge(withApprovals(...evidence.approvals.slice(0, 1)))).toBe('quorum_not_met');
    expect(judge(withApprovals(...evidence.approvals, signAct(robot, 'approve', request)))).toBe('intent_foreign');
  });

  it('refuses it once an approver may no longer speak', () => {
    const people = roster.people.map((p) => (p.id === 'bob' ? { ...p, valid_until: instant(T0 + 110_000) } : p));
    expect(judge({ roster: { ...roster, people } })).toBe('quorum_not_met');
  });

  it('verifies for a rollback by its envelope alone', () => {
    expect(verifyIntent(signed, authorityKey)).toEqual({ ok: true, intent });
    expect(verifyIntent(signed, () => undefined)).toMatchObject({ ok: false, code: 'intent_not_signed' });
    const rubbish = { ...intent, marker: { ...intent.marker, justification: '\ud800' } };
    expect(verifyIntent({ ...signed, intent: rubbish }, authorityKey)).toMatchObject({
      ok: false,
      code: 'intent_differs',
    });
    expect(canonicalJson(JSON.parse(Buffer.from(signed.envelope.payload, 'base64').toString()))).toBe(
      canonicalJson(intent),
    );
  });
});
