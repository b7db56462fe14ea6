import { describe, expect, it } from 'vitest';

import type { Receipt } from '../../domain/entry.js';
import type { Policy } from '../../domain/policy.js';
import type { SignedIntent } from '../../domain/intent.js';
import { digestOf, sha256Hex } from '../../proofs/canonical-json.js';
import { evidenceDigest, judgeEvidence } from '../../proofs/evidence.js';
import { signReceipt } from '../../proofs/receipt.js';
import { generateRoleKey } from '../../proofs/role-key.js';
import { signIntent } from '../../proofs/signed-intent.js';
import {
  admissionEntry,
  admissionOf,
  bob,
  carol,
  keyOf,
  roleKeys,
  roster,
  signAct,
  signRequest,
  T0,
} from './ceremony-people.js';
import { deliveredEntry, deliveryReceipt, requestUnder, wantingReceipts } from './delivered-ceremony.js';
import { extensionEvidence } from './extended-ceremony.js';
import { fullCeremony } from './full-ceremony.js';

const MIN = 60_000;
const policy = wantingReceipts();
const request = requestUnder(policy);
/** Signed a minute after admission. */
const evidence = {
  event_id: request.event_id,
  request: signRequest(request),
  approvals: [signAct(bob, 'approve', request), signAct(carol, 'approve', request)],
  admission: admissionOf(request),
};
const judge = (deliveries: Receipt[] | undefined, under: Policy = policy, over: Partial<typeof evidence> = {}) =>
  judgeEvidence({
    evidence: { ...evidence, ...over, ...(deliveries === undefined ? {} : { deliveries }) },
    roster,
    roleKeys: keyOf,
    policy: under,
    policyDigest: digestOf(policy),
    nowMs: T0 + 2 * MIN,
  });
const said = (...args: Parameters<typeof judge>): string => {
  const judged = judge(...args);
  return judged.ok ? 'ok' : `${judged.code}: ${judged.message}`;
};
const both = deliveryReceipt(request, ['bob', 'carol']);

describe('evidence under a policy that wants delivery receipts', () => {
  it('carries the call with a receipt for each approver, in one entry or several', () => {
    expect(said([both])).toBe('ok');
    expect(said([deliveryReceipt(request, ['bob']), deliveryReceipt(request, ['carol'])])).toBe('ok');
  });

  it('binds the receipts into its digest, and is the same as ever without any', () => {
    const digest = evidenceDigest(evidence);
    expect(evidenceDigest({ ...evidence, deliveries: undefined })).toBe(digest);
    expect(evidenceDigest({ ...evidence, deliveries: [both] })).not.toBe(digest);
    expect(digest).toBe(sha256Hex(JSON.stringify(sorted(evidence))));
  });

  it('names the approver whose receipt is missing', () => {
    expect(said(undefined)).toMatch(/^quorum_not_met: 0 of 2 .*bob: not_delivered, no receipt .*carol: not_delivered/);
    const one = said([deliveryReceipt(request, ['carol'])]);
    expect(one).toMatch(/^quorum_not_met: 1 of 2 .*bob: not_delivered, no receipt says .* delivered to bob before/);
    expect(one).not.toContain('carol: not');
  });

  it('does not count an approval that was signed before the delivery', () => {
    expect(said([deliveryReceipt(request, ['bob', 'carol'], { at: T0 + MIN })])).toBe('ok');
    expect(said([deliveryReceipt(request, ['bob', 'carol'], { at: T0 + MIN + 1 })])).toMatch(/^quorum_not_met/);
  });

  it.each<[string, Receipt]>([
    ['another request', deliveryReceipt(request, ['bob', 'carol'], { request_digest: 'f'.repeat(64) })],
    ['another event', deliveryReceipt(request, ['bob', 'carol'], { event_id: 'f'.repeat(16) })],
    ['another round', deliveryReceipt(request, ['bob', 'carol'], { round: 2, extension_digest: 'f'.repeat(64) })],
    ['a forged key', signReceipt(deliveredEntry(request, ['bob', 'carol']), generateRoleKey())],
    ['another role', signReceipt(deliveredEntry(request, ['bob', 'carol']), roleKeys.verifier)],
    ['no delivery', signReceipt(admissionEntry(request), roleKeys.register)],
    ['a notice that asks for nothing', deliveryReceipt(request, ['bob', 'carol'], { notice: 'finding' })],
  ])('refuses a receipt of %s, whatever the others say', (_, receipt) => {
    expect(said([both, receipt])).toMatch(/^delivery_not_authentic: delivery receipt 2: /);
  });

  it('does not take one person for another', () => {
    expect(said([deliveryReceipt(request, ['alice', 'mallory', 'bobby'])])).toMatch(/^quorum_not_met: 0 of 2/);
  });

  it('counts only the channels that the policy names', () => {
    const pager = wantingReceipts(['pager']);
    const under = (deliveries: Receipt[]) => {
      const asked = requestUnder(pager);
      const approvals = [signAct(bob, 'approve', asked), signAct(carol, 'approve', asked)];
      return judgeEvidence({
        evidence: {
          event_id: asked.event_id,
          request: signRequest(asked),
          approvals,
          admission: admissionOf(asked),
          deliveries: deliveries.map((__, index) =>
            deliveryReceipt(asked, ['bob', 'carol'], { channel: index === 0 ? 'pager' : 'desk' }),
          ),
        },
        roster,
        roleKeys: keyOf,
        policy: pager,
        policyDigest: digestOf(pager),
        nowMs: T0 + 2 * MIN,
      });
    };
    expect(under([both])).toMatchObject({ ok: true });
    expect(under([both, both])).toMatchObject({ ok: false, code: 'delivery_not_authentic' });
  });
});

describe('evidence of an extension under such a policy', () => {
  const ceremony = fullCeremony(request);
  const prior: SignedIntent[] = [signIntent(ceremony.intent, roleKeys.authority)];
  const at = Date.parse(ceremony.intent.issued_at) + 5 * MIN;
  const extending = extensionEvidence(request, prior, { at });
  const extension_digest = sha256Hex(extending.extension.asked.payload);
  const judgeExtension = (over: Record<string, unknown>): string => {
    const deliveries = [deliveryReceipt(request, ['bob', 'carol'], { at, round: 2, extension_digest, ...over })];
    const judged = judgeEvidence({
      evidence: { ...extending, deliveries },
      roster,
      roleKeys: keyOf,
      policy,
      policyDigest: digestOf(policy),
      nowMs: at + 1000,
    });
    return judged.ok ? 'ok' : judged.code;
  };

  it('needs receipts of that very extension', () => {
    expect(judgeExtension({})).toBe('ok');
    expect(judgeExtension({ round: 1, extension_digest: null })).toBe('delivery_not_authentic');
    expect(judgeExtension({ extension_digest: 'f'.repeat(64) })).toBe('delivery_not_authentic');
    expect(judgeExtension({ at: at + 1 })).toBe('quorum_not_met');
  });
});

/** Members in the order of their names, all the way down. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, member]) => [name, sorted(member)]),
  );
}
