import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { EntryPayload } from '../../domain/entry.js';
import { instant } from '../../domain/identifiers.js';
import { verifyBundle } from '../../proofs/bundle-verify.js';
import type { BundleReport } from '../../proofs/bundle-report.js';
import { canonicalJson } from '../../proofs/canonical-json.js';
import { signReceipt } from '../../proofs/receipt.js';
import { generateRoleKey } from '../../proofs/role-key.js';
import {
  alice,
  entryOf,
  policyDigest,
  requestFor,
  roleKeys,
  signAct,
  T0,
  trustedRoles,
  roster,
} from './ceremony-people.js';
import { fullCeremony, ledgerOf, sealed, sign, testTrust } from './full-ceremony.js';
import { buildBundle } from '../../proofs/bundle.js';
import { statementDigest } from '../../proofs/statement-check.js';
import { parseTrust, trustFileText } from '../../proofs/trust.js';

const trust = testTrust();
const ceremony = fullCeremony();
const eventId = ceremony.request.event_id;
const text = sealed(eventId, ceremony.payloads.map(sign));
const bytes = Buffer.from(text);
const verify = (file: Uint8Array | string): BundleReport => verifyBundle(Buffer.from(file), trust);

/** The same ceremony with its payloads changed, every signature genuine. */
function told(change: (payloads: EntryPayload[]) => EntryPayload[], stage: 'confirmed' | 'audited' = 'audited') {
  const report = verify(sealed(eventId, change([...ceremony.payloads]).map(sign), stage));
  return { ok: report.ok, codes: report.errors.map(({ code, where }) => `${code} ${where}`), report };
}
const without = (type: string) => (payloads: EntryPayload[]) => payloads.filter((payload) => payload.type !== type);
const edited = (type: string, data: Record<string, unknown>, at?: number) => (payloads: EntryPayload[]) =>
  payloads.map((payload) =>
    payload.type === type
      ? { ...payload, ...(at === undefined ? {} : { at: instant(at) }), data: { ...payload.data, ...data } }
      : payload,
  );

const deadline = Date.parse(ceremony.intent.deadline);
const absentReads = (count: number, apart = 5000) =>
  Array.from({ length: count }, (_, index) => ({ at: instant(deadline + 20_000 + index * apart), absent: true }));

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

describe('any change of the file', () => {
  it('fails, naming where, at every single byte', () => {
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = Buffer.from(bytes);
        changed[at] = (changed[at] ?? 0) ^ flip;
        const report = verifyBundle(changed, trust);
        expect(report.ok).toBe(false);
        expect(report.errors.length).toBeGreaterThan(0);
        expect(report.errors.every(({ where, message }) => where !== '' && message !== '')).toBe(true);
      }),
      {
        numRuns: 250,
        examples: [
          [0, 1],
          [bytes.length - 1, 1],
        ],
      },
    );
  });

  it('fails for a byte more or less', () => {
    expect(verify(`${text}\n`).errors).toMatchObject([{ code: 'bundle_not_canonical' }]);
    expect(verify(text.slice(0, -1)).ok).toBe(false);
    expect(verify(text.replace('{', '{"extra":1,')).ok).toBe(false);
    expect(verify(text.replace('{"payload"', '{"payload":"","payload"')).errors).toMatchObject([
      { code: 'bundle_not_json' },
    ]);
  });

  it('names the entry that was changed inside the envelope', () => {
    const envelope = JSON.parse(text) as { payload: string };
    const inner = Buffer.from(envelope.payload, 'base64').toString();
    const statement = JSON.parse(inner) as { predicate: { entries: { body: { signatures: { sig: string }[] } }[] } };
    const [signature] = statement.predicate.entries[4]?.body.signatures ?? [];
    if (signature === undefined) throw new Error('five entries');
    signature.sig = `${signature.sig.startsWith('A') ? 'B' : 'A'}${signature.sig.slice(1)}`;
    const payload = Buffer.from(canonicalJson(statement)).toString('base64');
    const { errors } = verify(canonicalJson({ ...envelope, payload }));
    expect(errors.map(({ code, where }) => `${code} ${where}`)).toEqual([
      'envelope_signature envelope.signatures[0].sig',
      'ledger_broken entries[4]',
      'entry_refused entries[4].body',
    ]);
  });

  it('never throws, whatever the bytes are', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.json().map((json) => Buffer.from(json)),
        ),
        (rubbish) => {
          expect(verifyBundle(rubbish, trust).ok).toBe(false);
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe('a ledger that its makers signed and that is still not right', () => {
  it.each([
    ['no removal was confirmed', without('confirmed'), 'removal_unproven entries[3].body'],
    ['too few reads agree', edited('confirmed', { reads: absentReads(4) }), 'removal_unproven entries[9].body'],
    [
      'the reads came at once',
      edited('confirmed', { reads: absentReads(5, 1000) }),
      'removal_unproven entries[9].body',
    ],
    [
      'nobody said removed, and no window was kept',
      edited('removal', { word: 'gone' }),
      'removal_unproven entries[9].body',
    ],
    [
      'it was confirmed before its window was over',
      edited('confirmed', { settle_until: instant(deadline + 1200_000) }),
      'removal_unproven entries[9].body',
    ],
    ['nothing says how it ended', without('ended'), 'end_mismatch predicate.entries'],
    ['the end does not follow from the cause', edited('ended', { end: 'closed' }), 'end_mismatch entries[10].body'],
    [
      'the end says that nothing was granted',
      edited('ended', { end: 'denied', cause: null }),
      'end_mismatch entries[10].body',
    ],
    ['the audit is missing', without('audited'), 'stage_mismatch predicate.stage'],
    ['the request is missing', without('request'), 'request_refused entries[0].body'],
    ['nothing allowed the grant', without('intent'), 'grant_refused entries[3].body'],
    ['it was granted after the deadline', edited('granted', {}, T0 + 7200_000), 'grant_refused entries[4].body'],
    [
      'the grant names another intent',
      edited('granted', { intent_digest: 'a'.repeat(64) }),
      'grant_refused entries[4].body',
    ],
    ['resealing began before the deadline', edited('resealing', {}, T0 + 600_000), 'end_mismatch entries[10].body'],
    [
      'the evidence is another',
      edited('intent', { evidence: { event_id: eventId, request: {}, approvals: [] } }),
      'intent_refused entries[3].body',
    ],
  ])('fails when %s', (_, change, error) => {
    const { ok, codes } = told(change);
    expect(ok).toBe(false);
    expect(codes).toContain(error);
  });

  it('fails when an approval stands after the intent', () => {
    const { codes } = told(([request, bob, carol, intent, ...rest]) =>
      [request, bob, intent, carol, ...rest].flatMap((payload) => payload ?? []),
    );
    expect(codes).toEqual(['order_broken entries[3].body']);
  });

  it('fails when the quorum is short', () => {
    const { payloads } = ceremony;
    const data = payloads[3]?.data as { evidence: { approvals: unknown[] } };
    const short = { ...data.evidence, approvals: data.evidence.approvals.slice(0, 1) };
    const { codes, report } = told(edited('intent', { evidence: short }));
    expect(codes).toContain('intent_refused entries[3].body');
    expect(report.checks.find(({ name }) => name === 'quorum')?.ok).toBe(false);
  });

  it('puts the evidence together from the statements when the intent was too large to carry it', () => {
    const { codes } = told((payloads) =>
      payloads.map((payload) =>
        payload.type === 'intent' ? { ...payload, data: { signed: payload.data.signed } } : payload,
      ),
    );
    expect(codes).toEqual([]);
  });

  it('verifies without the statements of a ceremony that was lost, and says what that leaves open', () => {
    const { ok, report } = told(without('statement'));
    expect(ok).toBe(true);
    expect(report.not_verified.join('\n')).toContain("when bob's approval was heard");
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

describe('a trust-roots file', () => {
  const good = trustFileText({ roles: trustedRoles, roster, policies: [policyDigest] });
  it('reads back what was written', () => {
    expect(parseTrust(good)).toMatchObject({ ok: true });
  });
  it.each([
    ['is no JSON', 'x', 'trust_not_json'],
    [
      'names a key under another keyid',
      good.replace(/"keyid":"[0-9a-f]{64}"/, `"keyid":"${'a'.repeat(64)}"`),
      'trust_malformed',
    ],
    [
      'gives one key two roles',
      trustFileText({ roles: trustedRoles.map((r) => ({ ...r, publicKey: roleKeys.register.publicKey })), roster }),
      'trust_malformed',
    ],
    ['has a member more', good.replace('{', '{"extra":1,'), 'trust_malformed'],
  ])('is refused when it %s', (_, file, code) => {
    expect(parseTrust(file)).toMatchObject({ ok: false, code });
  });
});
