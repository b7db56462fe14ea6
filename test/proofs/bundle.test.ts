import { describe, expect, it } from 'vitest';

import { instant } from '../../domain/identifiers.js';
import { buildBundle } from '../../proofs/bundle.js';
import { verifyBundle } from '../../proofs/bundle-verify.js';
import { signReceipt } from '../../proofs/receipt.js';
import { generateRoleKey } from '../../proofs/role-key.js';
import { statementDigest } from '../../proofs/statement-check.js';
import { alice, entryOf, policyDigest, requestFor, roleKeys, signAct, T0 } from './ceremony-people.js';
import { fullCeremony, ledgerOf, sealed, sign, testTrust } from './full-ceremony.js';
import { ceremony, edited, eventId, text, told, verify, without } from './told-ceremony.js';

const bytes = Buffer.from(text);

describe('a bundle of a whole ceremony', () => {
  it('verifies offline and tells what happened', () => {
    const report = verify(bytes);
    expect(report.errors).toEqual([]);
    expect(report).toMatchObject({ ok: true, event_id: eventId, stage: 'audited' });
    expect(report.facts).toMatchObject({
      invoker: alice.upn,
      role: 'Privileged Role Administrator',
      policy_digest: policyDigest,
      deadline: ceremony.intent.deadline,
      end: 'expired',
      cause: 'deadline',
      ledger_count: 12,
    });
    expect(report.facts.approvals.map(({ person }) => person)).toEqual(['bob', 'carol']);
    expect(report.checks.every(({ ok, detail }) => ok && detail !== 'not reached')).toBe(true);
    expect(report.not_verified.join('\n')).toContain('no later entry was left out');
  });

  it('verifies at the stage before the audit, and says so', () => {
    const { ok, report } = told(without('audited'), 'confirmed');
    expect(ok).toBe(true);
    expect(report.not_verified.join('\n')).toContain('audit log');
  });

  it('verifies after a kill that an approver signed', () => {
    const statement = signAct(alice, 'kill', ceremony.request, {}, T0 + 300_000);
    const digest = statementDigest(statement);
    const said = entryOf(eventId, 'statement', 'statement/kill', T0 + 300_000, {
      act: 'kill',
      person: 'alice',
      statement,
      digest,
    });
    const killed = edited('ended', { end: 'revoked', cause: 'kill', by: 'alice' });
    expect(told((payloads) => [...killed(payloads).slice(0, 6), said, ...killed(payloads).slice(6)]).codes).toEqual([]);
    // The same end without the signed word for it.
    expect(told(killed).codes).toEqual(['end_mismatch entries[10].body']);
  });

  it('verifies when a grant without an answer was found late', () => {
    const late = edited('granted', { adopted: true }, Date.parse(ceremony.intent.deadline) + 1000);
    expect(told(late).codes).toEqual([]);
  });

  it('verifies for a ceremony that nobody approved', () => {
    const payloads = [
      ...ceremony.payloads.slice(0, 1),
      entryOf(eventId, 'ended', 'ended', T0 + 1800_000, { end: 'unapproved', cause: 'window', by: null }),
    ];
    const report = verify(sealed(eventId, payloads.map(sign), 'confirmed'));
    expect(report.errors).toEqual([]);
    expect(report.ok).toBe(true);
  });

  it('says what it cannot vouch for when the trust file lists no policies', () => {
    const report = verifyBundle(bytes, testTrust(null));
    expect(report.ok).toBe(true);
    expect(report.not_verified.join('\n')).toContain(`that policy ${policyDigest} was in force`);
    expect(verifyBundle(bytes, testTrust(['a'.repeat(64)])).errors).toMatchObject([{ code: 'policy_unknown' }]);
  });
});

describe('signatures by the wrong hands', () => {
  it('fails when an entry is signed by another role than its own', () => {
    const receipts = ceremony.payloads.map((payload) =>
      payload.type === 'confirmed' ? signReceipt(payload, roleKeys.authority) : sign(payload),
    );
    const { errors } = verify(sealed(eventId, receipts));
    expect(errors[0]).toMatchObject({ code: 'entry_refused', where: 'entries[9].body' });
  });

  it('fails when the bundle is sealed by another than the register', () => {
    for (const key of [generateRoleKey(), roleKeys.authority]) {
      const entries = ledgerOf(eventId, ceremony.payloads.map(sign));
      const policy = (
        JSON.parse(Buffer.from((JSON.parse(text) as { payload: string }).payload, 'base64').toString()) as {
          predicate: { policy: Parameters<typeof buildBundle>[0]['policy'] };
        }
      ).predicate.policy;
      const file = buildBundle({ eventId, stage: 'audited', sealedAt: instant(T0), policy, entries, key });
      expect(verify(file).errors).toMatchObject([{ code: 'envelope_signer' }]);
    }
  });

  it("fails with another event's ledger under this event's name", () => {
    const other = fullCeremony(requestFor());
    expect(verify(sealed(eventId, other.payloads.map(sign))).ok).toBe(false);
  });
});
