import { describe, expect, it } from 'vitest';

import type { QuorumKind } from '../../domain/quorum.js';
import { verifyBundle } from '../../proofs/bundle-verify.js';
import { BundleFindings } from '../../proofs/bundle-report.js';
import { proveReview } from '../../proofs/bundle-review.js';
import { statementDigest } from '../../proofs/statement-check.js';
import type { SignedStatement } from '../../domain/statement.js';
import { alice, bob, entryOf, requestFor, robot, roleKeys, signAct, signReview, T0 } from './ceremony-people.js';
import { fullCeremony, sealed, sign, testTrust } from './full-ceremony.js';
import { signReceipt } from '../../proofs/receipt.js';

const HOUR = 3600_000;
const trust = testTrust();
const { request, intent, payloads } = fullCeremony();
const eventId = request.event_id;

const reviewed = (statement: SignedStatement, person = 'bob') =>
  entryOf(eventId, 'reviewed', 'reviewed', T0 + 2 * HOUR, { statement, person, digest: statementDigest(statement) });
const good = reviewed(signReview(bob, request, { note: 'As it should be' }));
const verify = (entries: typeof payloads, stage: 'confirmed' | 'audited' = 'audited') =>
  verifyBundle(Buffer.from(sealed(eventId, entries.map(sign), stage)), trust);

describe('a bundle with a review', () => {
  it('verifies after the audit, and says who reviewed it', () => {
    const report = verify([...payloads, good]);
    expect(report.errors).toEqual([]);
    expect(report.facts.review).toMatchObject({ person: 'bob', method: 'software', at: good.at });
    expect(report.checks.find(({ name }) => name === 'review')?.detail).toContain('bob');
  });

  it('verifies between the end and the audit, and before the audit', () => {
    expect(verify([...payloads.slice(0, -1), good], 'confirmed').errors).toEqual([]);
    expect(verify([...payloads.slice(0, -1), good, ...payloads.slice(-1)]).errors).toEqual([]);
  });

  it('verifies without one, and then tells of none', () => {
    const report = verify(payloads);
    expect(report.ok).toBe(true);
    expect(report.facts.review).toBeNull();
    expect(report.not_verified.join('\n')).not.toContain('review');
  });

  it.each([
    ['the invoker', reviewed(signReview(alice, request), 'alice'), 'invoker_cannot_review'],
    ['an agent', reviewed(signReview(robot, request), 'robot'), 'agent_cannot_review'],
    ['a signature over another request', reviewed(signReview(bob, requestFor())), 'foreign_event'],
    ['another act than a review', reviewed(signAct(bob, 'kill', request)), 'name_disagrees'],
    ['another person than signed', reviewed(signReview(bob, request), 'carol'), 'another person'],
    ['no statement', entryOf(eventId, 'reviewed', 'reviewed', T0 + HOUR, { person: 'bob' }), 'no signed review'],
  ])('fails when it names %s', (_, entry, why) => {
    const report = verify([...payloads, entry]);
    expect(report.ok).toBe(false);
    expect(report.errors).toMatchObject([{ code: 'review_refused', where: 'entries[12].body' }]);
    expect(report.errors[0]?.message).toContain(why);
  });

  it('fails when it stands before the end, or nothing was ever granted', () => {
    const early = [...payloads.slice(0, 4), good, ...payloads.slice(4)];
    expect(verify(early).errors).toMatchObject([{ code: 'order_broken', where: 'entries[4].body' }]);
    const denied = entryOf(eventId, 'ended', 'ended', T0 + HOUR, { end: 'unapproved', cause: 'window', by: null });
    const [first] = payloads;
    const never = verify([...(first === undefined ? [] : [first]), denied, good], 'confirmed');
    expect(never.errors).toMatchObject([{ code: 'review_refused' }]);
  });

  it('fails when another than the register recorded it', () => {
    const receipts = [...payloads.map(sign), signReceipt(good, roleKeys.verifier)];
    const report = verifyBundle(Buffer.from(sealed(eventId, receipts)), trust);
    expect(report.errors).toMatchObject([{ code: 'entry_refused', where: 'entries[12].body' }]);
  });
});

describe('a review that is owed', () => {
  const found = (quorum: QuorumKind, entries: Parameters<typeof proveReview>[1]) => {
    const findings = new BundleFindings();
    const under = () => ({ ok: false, code: 'intent_foreign', message: 'not asked here' }) as const;
    const issued = { seq: 4, intent: { ...intent, quorum }, under };
    proveReview({ request, acts: [], extensions: [], intent: issued }, entries, trust, findings);
    return findings;
  };
  const body = sign(good).envelope;

  it.each(['fallback', 'immediate'] as const)('is told where it is missing after a grant by %s', (quorum) => {
    expect(found(quorum, []).notVerified).toEqual([expect.stringContaining('a review is owed')]);
    expect(found(quorum, [{ seq: 13, entry: good, body }]).notVerified).toEqual([]);
  });

  it('is none after a full quorum', () => {
    expect(found('full', []).notVerified).toEqual([]);
  });
});
