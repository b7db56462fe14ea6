import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { checkRequestStatement, checkStatement, statementDigest } from '../../proofs/statement-check.js';
import { canonicalJson, digestOf, sha256Hex } from '../../proofs/canonical-json.js';
import {
  alice,
  bob,
  carol,
  mallory,
  requestFor,
  roster,
  signAct,
  signPayload,
  signRequest,
} from './ceremony-people.js';

const request = requestFor();

describe('a statement that its person signed', () => {
  it('verifies, with the digests that senders and approvers use', () => {
    const envelope = signAct(bob, 'approve', request);
    const checked = checkStatement(envelope, roster);
    expect(checked).toMatchObject({ ok: true, method: 'software', statement: { act: 'approve', person: 'bob' } });
    expect(checked.digest).toBe(digestOf(envelope));
    expect(checked.ok && checked.statement_digest).toBe(sha256Hex(envelope.payload));
    expect(checked.ok && 'keys' in checked.person).toBe(false);
  });

  it('verifies with the second of two keys', () => {
    const people = roster.people.map((person) =>
      person.id === 'bob' ? { ...person, keys: ['ssh-ed25519 AAAA rubbish', ...person.keys] } : person,
    );
    expect(checkStatement(signAct(bob, 'kill', request), { ...roster, people }).ok).toBe(true);
  });
});

describe('a statement that does not count', () => {
  const reasonOf = (envelope: { payload: string; signature: string }) => {
    const checked = checkStatement(envelope, roster);
    return checked.ok ? 'ok' : checked.reason;
  };
  const good = signAct(bob, 'approve', request);

  it.each([
    ['signed by somebody else', { ...good, signature: signAct(carol, 'approve', request).signature }, 'bad_signature'],
    ['signed for another namespace', signPayload(bob, good.payload, 'git'), 'bad_signature'],
    ['of a person nobody knows', signAct(mallory, 'approve', request), 'unknown_person'],
    [
      'of a person under an alias',
      signPayload(bob, good.payload.replace('"bob"', '"bob@example.com"')),
      'unknown_person',
    ],
    ['with a space more', signPayload(bob, good.payload.replace(':', ': ')), 'malformed'],
    ['with a member more', signAct(bob, 'approve', request, { force: true }), 'malformed'],
    ['with a member twice', signPayload(bob, good.payload.replace('{', '{"act":"approve",')), 'malformed'],
    ['of another domain', signAct(bob, 'approve', request, { domain: 'other' }), 'malformed'],
    ['of an act nobody knows', signPayload(bob, good.payload.replace('"approve"', '"grant"')), 'malformed'],
    ['that is too large', { ...good, signature: 'x'.repeat(9000) }, 'too_large'],
    ['of too many bytes in few characters', { ...good, payload: '€'.repeat(4000) }, 'too_large'],
    ['that is a request', signRequest(request), 'name_disagrees'],
  ])('refuses one %s', (_, envelope, reason) => {
    expect(reasonOf(envelope)).toBe(reason);
  });

  it('never throws, whatever it is', () => {
    const anything = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.json(),
      fc.constant('\ud800'),
      fc.constant(good.payload),
    );
    fc.assert(
      fc.property(anything, anything, (payload, signature) => {
        const checked = checkStatement({ payload, signature }, roster);
        expect(checked.ok).toBe(false);
        expect(checked.digest).toMatch(/^[0-9a-f]{64}$/);
      }),
      { numRuns: 300 },
    );
  });

  it('refuses every change of one character of what was signed', () => {
    fc.assert(
      fc.property(fc.nat(good.payload.length - 1), (at) => {
        const changed = good.payload[at] === 'x' ? 'y' : 'x';
        const payload = good.payload.slice(0, at) + changed + good.payload.slice(at + 1);
        expect(reasonOf({ ...good, payload })).not.toBe('ok');
      }),
      { numRuns: 100 },
    );
  });

  it('has a digest even where RFC 8785 has none', () => {
    expect(statementDigest({ payload: '\ud800', signature: '' })).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe("a request's statement", () => {
  it('verifies, and answers the digest that approvers sign', () => {
    const checked = checkRequestStatement(signRequest(request), roster);
    expect(checked).toMatchObject({ ok: true, request_digest: digestOf(request), person: { id: 'alice' } });
  });

  const other = requestFor();
  it.each([
    [
      'with the digest of another request',
      signRequest(request, alice, { request_digest: digestOf(other) }),
      'foreign_request',
    ],
    ['of another event than its request', signRequest(request, alice, { event_id: other.event_id }), 'foreign_event'],
    [
      'under another policy than its request',
      signRequest(request, alice, { policy_digest: 'a'.repeat(64) }),
      'foreign_policy',
    ],
    ['signed by another than its invoker', signRequest(request, bob), 'invoker_unknown'],
    [
      'that shows another invoker',
      signRequest(requestFor({ invoker: { person: 'alice', upn: 'bob@example.com' } })),
      'invoker_unknown',
    ],
    ['that is an act', signAct(alice, 'kill', request), 'name_disagrees'],
    ['that is forged', { ...signRequest(request), signature: signRequest(other).signature }, 'bad_signature'],
  ])('refuses one %s', (_, envelope, reason) => {
    expect(checkRequestStatement(envelope, roster)).toMatchObject({ ok: false, reason });
  });

  it('refuses a second spelling of the same request', () => {
    const upper = {
      ...request,
      principal: { ...request.principal, object_id: request.principal.object_id.toUpperCase() },
    };
    const payload = JSON.parse(signRequest(request).payload) as object;
    const envelope = signPayload(alice, canonicalJson({ ...payload, request: upper, request_digest: digestOf(upper) }));
    expect(checkRequestStatement(envelope, roster)).toMatchObject({ ok: false, reason: 'malformed' });
  });
});
