import { describe, expect, it } from 'vitest';

import type { EntryPayload } from '../../domain/entry.js';
import { instant } from '../../domain/identifiers.js';
import { digestOf } from '../../proofs/canonical-json.js';
import { T0 } from './ceremony-people.js';
import { ceremony, edited, eventId, told, without } from './told-ceremony.js';

const deadline = Date.parse(ceremony.intent.deadline);
const absentReads = (count: number, apart = 5000) =>
  Array.from({ length: count }, (_, index) => ({ at: instant(deadline + 20_000 + index * apart), absent: true }));

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
    [
      'its warrant authorised something else',
      edited('granted', { warrant_scope_hash_b64u: 'A'.repeat(43) }),
      'grant_refused entries[4].body',
    ],
    ['it names half a warrant', edited('granted', { warrant_id: null }), 'grant_refused entries[4].body'],
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

  it('lets a refusal shorten the wait only if it names the intent', () => {
    const refused = (named: Record<string, unknown>) => (payloads: EntryPayload[]) =>
      edited('ended', { end: 'not_granted', cause: 'refused_by_provider' })(
        edited('removal', { outcome: 'nothing_seen', word: null })(without('verified')(payloads)),
      ).map((payload): EntryPayload => {
        if (payload.type !== 'granted') return payload;
        return { ...payload, type: 'not_granted', transition: 'not_granted', data: { clean: true, ...named } };
      });
    expect(told(refused({ intent_digest: digestOf(ceremony.intent) })).codes).toEqual([]);
    expect(told(refused({})).codes).toEqual(['removal_unproven entries[8].body']);
  });

  it('lets a refused grant end as revoked only where somebody saw it stand', () => {
    const refused = { clean: true, intent_digest: digestOf(ceremony.intent) };
    const revoked = (removal: Record<string, unknown>) => (payloads: EntryPayload[]) =>
      edited('ended', { end: 'revoked', cause: 'refused_by_provider' })(
        edited('removal', removal)(without('verified')(payloads)),
      ).map((payload): EntryPayload => {
        if (payload.type !== 'granted') return payload;
        return { ...payload, type: 'not_granted', transition: 'not_granted', data: refused };
      });
    expect(told(revoked({})).codes).toEqual([]);
    expect(told(revoked({ outcome: 'nothing_seen', word: null })).codes).toEqual(['end_mismatch entries[9].body']);
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
