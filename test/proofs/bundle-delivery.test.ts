import { describe, expect, it } from 'vitest';

import type { EntryPayload, Receipt } from '../../domain/entry.js';
import type { Intent } from '../../domain/intent.js';
import { instant } from '../../domain/identifiers.js';
import { buildBundle } from '../../proofs/bundle.js';
import { verifyBundle } from '../../proofs/bundle-verify.js';
import { digestOf } from '../../proofs/canonical-json.js';
import { evidenceDigest } from '../../proofs/evidence.js';
import { signReceipt } from '../../proofs/receipt.js';
import { signIntent } from '../../proofs/signed-intent.js';
import { scopeHashOf, warrantScopeOf } from '../../proofs/warrant.js';
import { admissionOf, bob, carol, roleKeys, signAct, signRequest, T0 } from './ceremony-people.js';
import { deliveredEntry, deliveryReceipt, requestUnder, wantingReceipts } from './delivered-ceremony.js';
import { fullCeremony, ledgerOf, sealed, sign, testTrust } from './full-ceremony.js';
import { givenWarrant } from './given-warrant.js';

const policy = wantingReceipts();
const request = requestUnder(policy);
const plain = fullCeremony(request);
const { event_id } = request;
const receipt = deliveryReceipt(request, ['bob', 'carol']);

/** The same ceremony on evidence with these receipts, as the authority would have issued it. */
function delivered(deliveries: Receipt[] | undefined): EntryPayload[] {
  const evidence = {
    event_id,
    request: signRequest(request),
    approvals: [signAct(bob, 'approve', request), signAct(carol, 'approve', request)],
    admission: admissionOf(request),
    ...(deliveries === undefined ? {} : { deliveries }),
  };
  const intent: Intent = { ...plain.intent, evidence_digest: evidenceDigest(evidence) };
  const issued = Date.parse(intent.issued_at);
  const warrant = givenWarrant(intent, roleKeys.authority, issued);
  const intent_digest = digestOf(intent);
  return plain.payloads.map((entry) => {
    if (entry.type === 'intent')
      return { ...entry, data: { ...entry.data, signed: signIntent(intent, roleKeys.authority), evidence } };
    if (!('intent_digest' in entry.data)) return entry;
    const scope = scopeHashOf(warrantScopeOf(intent));
    const named =
      entry.type === 'granted'
        ? { warrant_id: warrant.id, warrant_scope_hash_b64u: scope, warrant: warrant.token }
        : {};
    return { ...entry, data: { ...entry.data, intent_digest, ...named } };
  });
}

const [first, ...rest] = delivered([receipt]).map(sign) as [Receipt, ...Receipt[]];
const verify = (receipts: readonly Receipt[]) => {
  const entries = ledgerOf(event_id, receipts);
  const sealedAt = instant(T0 + 3600_000);
  const bundle = buildBundle({
    eventId: event_id,
    stage: 'audited',
    sealedAt,
    policy,
    entries,
    key: roleKeys.register,
  });
  return verifyBundle(Buffer.from(bundle), testTrust([digestOf(policy)]));
};

describe('a bundle whose approvals count with delivery receipts', () => {
  it('verifies, and says who had been asked through which channel', () => {
    const report = verify([first, receipt, ...rest]);
    expect(report.errors).toEqual([]);
    expect(report.ok).toBe(true);
    expect(report.facts.deliveries).toMatchObject([{ channel: 'desk', round: 1, people: ['bob', 'carol'] }]);
    expect(report.checks.find(({ name }) => name === 'delivery')?.detail).toContain('bob, carol by desk at ');
    expect(report.not_verified.join('\n')).toContain('that people read what was sent to them');
  });

  it('says that none was wanted where the policy wants none', () => {
    const other = fullCeremony();
    const report = verifyBundle(Buffer.from(sealed(other.request.event_id, other.payloads.map(sign))), testTrust());
    expect(report.checks.find(({ name }) => name === 'delivery')).toMatchObject({
      ok: true,
      detail: 'the policy wants no receipts',
    });
  });

  it('fails where the intent rests on no receipt, and names whose is missing', () => {
    const [admitted, ...others] = delivered(undefined).map(sign) as [Receipt, ...Receipt[]];
    const report = verify([admitted, receipt, ...others]);
    expect(report.errors[0]).toMatchObject({ code: 'intent_refused' });
    expect(report.errors[0]?.message).toMatch(/quorum_not_met.*bob: not_delivered/);
  });

  it('fails where the receipt is not in the ledger, or stands after the intent', () => {
    expect(verify([first, ...rest]).errors).toMatchObject([
      { code: 'delivery_refused', message: expect.stringContaining('is not in the ledger') as string },
    ]);
    const [one, two, intent, ...others] = rest as [Receipt, Receipt, Receipt, ...Receipt[]];
    expect(verify([first, one, two, intent, receipt, ...others]).errors).toMatchObject([
      { code: 'delivery_refused', message: expect.stringContaining('stands after the intent') as string },
    ]);
  });

  it('fails where an entry tells of another request, or another role made it', () => {
    const foreign = deliveryReceipt(request, ['bob'], { request_digest: 'f'.repeat(64) });
    expect(verify([first, receipt, foreign, ...rest]).errors).toMatchObject([
      { code: 'delivery_refused', where: 'entries[2].body', message: 'it is of another request' },
    ]);
    const forged = signReceipt(deliveredEntry(request, ['bob']), roleKeys.verifier);
    expect(verify([first, receipt, forged, ...rest]).errors).toMatchObject([{ code: 'entry_refused' }]);
  });
});
