import { describe, expect, it } from 'vitest';

import { canonicalJson } from '../../proofs/canonical-json.js';
import { checkReviewStatement } from '../../proofs/review-check.js';
import { checkStatement, statementDigest } from '../../proofs/statement-check.js';
import { bob, carol, mallory, requestFor, roster, signAct, signRequest, signReview } from './ceremony-people.js';

const request = requestFor();

describe('a review statement', () => {
  it('is checked from its bytes, with who signed it and how', () => {
    const envelope = signReview(bob, request, { note: 'As it should be' });
    const checked = checkReviewStatement(envelope, roster);
    expect(checked).toMatchObject({
      ok: true,
      digest: statementDigest(envelope),
      statement: { act: 'review', person: 'bob', note: 'As it should be' },
      method: 'software',
    });
    expect(checked.ok && 'keys' in checked.person).toBe(false);
  });

  const good = signReview(bob, request);
  it.each([
    ['signed by somebody else', { ...good, signature: signReview(carol, request).signature }, 'bad_signature'],
    ['of a person nobody knows', signReview(mallory, request), 'unknown_person'],
    ['that is an approval', signAct(bob, 'approve', request), 'name_disagrees'],
    ['that is a request', signRequest(request), 'name_disagrees'],
    ['with a member more', signReview(bob, request, { reason: 'x' }), 'malformed'],
    ['that is no JSON', { payload: '{', signature: good.signature }, 'malformed'],
    ['that is no statement at all', { payload: 1, signature: null } as never, 'malformed'],
    ['that is not even an envelope', null as never, 'malformed'],
    ['that is too large', { ...good, payload: 'x'.repeat(9000) }, 'too_large'],
  ])('is refused when it is one %s', (_, envelope, code) => {
    expect(checkReviewStatement(envelope, roster)).toMatchObject({ ok: false, code });
  });

  it('never counts as an act in a ceremony', () => {
    expect(checkStatement(good, roster)).toMatchObject({ ok: false, reason: 'name_disagrees', person: 'bob' });
    expect(canonicalJson(JSON.parse(good.payload))).toBe(good.payload);
  });
});
