import { describe, expect, it } from 'vitest';

import { instant } from '../../domain/identifiers.js';
import type { Intent } from '../../domain/intent.js';
import { tupleOf } from '../../proofs/evidence.js';
import { digestOf } from '../../proofs/canonical-json.js';
import { judgeOrder, type OrderRules } from '../../proofs/removal-order.js';
import {
  T0,
  admissionOf,
  alice,
  bob,
  carol,
  mallory,
  policy,
  policyDigest,
  requestFor,
  roster,
  signAct,
  signRequest,
} from './ceremony-people.js';

const request = requestFor();
const other = requestFor();
const evidenceFor = (of: typeof request, approvers = [bob]) => ({
  event_id: of.event_id,
  request: signRequest(of),
  approvals: approvers.map((person) => signAct(person, 'approve', of)),
  admission: admissionOf(of),
});
const intent = {
  event_id: request.event_id,
  request_digest: digestOf(request),
  policy_digest: policyDigest,
  issued_at: instant(T0 + 60_000),
  tuple: tupleOf(request),
} as Intent;
const rules: Omit<OrderRules, 'order'> = {
  intent,
  evidence: evidenceFor(request),
  roster,
  policy,
  policyDigest,
  nowMs: T0 + 120_000,
};
const judged = (order: OrderRules['order'], change: Partial<OrderRules> = {}) =>
  judgeOrder({ ...rules, order, ...change });
const reasonOf = (order: OrderRules['order'], change: Partial<OrderRules> = {}): string => {
  const verdict = judged(order, change);
  return verdict.ok ? `ok: ${verdict.person}` : verdict.reason;
};

describe('an order to remove a grant', () => {
  it.each([
    ['its invoker closes it', signAct(alice, 'close', request), 'alice'],
    ['its invoker kills it', signAct(alice, 'kill', request), 'alice'],
    ['an eligible approver kills it', signAct(carol, 'kill', request), 'carol'],
    ['an eligible approver denies it', signAct(carol, 'deny', request), 'carol'],
    ['who approved takes it back', signAct(bob, 'withdraw', request), 'bob'],
  ])('counts where %s', (_, order, person) => {
    expect(judged(order)).toMatchObject({ ok: true, person });
  });

  it.each([
    ['an approval', signAct(carol, 'approve', request), 'name_disagrees'],
    ['a kill of another ceremony', signAct(bob, 'kill', other), 'foreign_event'],
    ['a close by who neither asked nor receives', signAct(bob, 'close', request), 'not_entitled'],
    ['taking back what one never approved', signAct(carol, 'withdraw', request), 'not_entitled'],
    ['a kill by nobody known', signAct(mallory, 'kill', request), 'unknown_person'],
    ['an altered kill', { ...signAct(bob, 'kill', request), payload: '{}' }, 'malformed'],
    [
      'somebody else’s signature',
      { ...signAct(bob, 'kill', request), signature: signAct(carol, 'kill', request).signature },
      'bad_signature',
    ],
    ['no statement at all', { payload: 1, signature: null } as never, 'malformed'],
  ])('does not count: %s', (_, order, reason) => {
    expect(reasonOf(order)).toBe(reason);
  });

  it('is of the request that the intent names', () => {
    const change = { evidence: evidenceFor(other) };
    expect(reasonOf(signAct(bob, 'kill', other), change)).toBe('foreign_request');
  });

  it('is not judged under another policy, or by evidence of no shape', () => {
    const kill = signAct(bob, 'kill', request);
    expect(reasonOf(kill, { policyDigest: 'f'.repeat(64) })).toBe('foreign_policy');
    expect(reasonOf(kill, { evidence: {} as never })).toBe('evidence_malformed');
  });

  it('is no withdrawal from before the approval that it would take back', () => {
    const again = { ...evidenceFor(request), approvals: [signAct(bob, 'approve', request, {}, T0 + 50_000)] };
    const earlier = signAct(bob, 'withdraw', request, {}, T0 + 40_000);
    expect(reasonOf(earlier, { evidence: again })).toBe('replayed');
    expect(reasonOf(signAct(bob, 'withdraw', request, {}, T0 + 55_000), { evidence: again })).toBe('ok: bob');
  });

  it('counts no longer a day after it was signed', () => {
    expect(reasonOf(signAct(bob, 'kill', request), { nowMs: T0 + 25 * 3600_000 })).toBe('stale');
  });
});
