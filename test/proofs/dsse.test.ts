import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  pae,
  parseDsseEnvelope,
  signDsse,
  verifyDsse,
  type DsseEnvelope,
  type DsseVerdict,
} from '../../proofs/dsse.js';
import { generateRoleKey, type RoleKey } from '../../proofs/role-key.js';

const payloadType = 'application/vnd.in-toto+json';
const payload = Buffer.from('{"a":1}');
const [alice, bob, mallory] = [generateRoleKey(), generateRoleKey(), generateRoleKey()];

function keysOf(...known: RoleKey[]): (keyid: string) => KeyObject | undefined {
  return (keyid) => known.find((key) => key.keyid === keyid)?.publicKey;
}

function signedBy(...signers: RoleKey[]): DsseEnvelope {
  const signatures = signers.flatMap((key) => signDsse({ payloadType, payload, key }).signatures);
  return { payloadType, payload: payload.toString('base64'), signatures };
}

function check(envelope: unknown, threshold = 1): DsseVerdict {
  return verifyDsse(envelope, { payloadType, keys: keysOf(alice, bob), threshold });
}

describe('pae', () => {
  it('encodes the example of the specification', () => {
    expect(pae('http://example.com/HelloWorld', Buffer.from('hello world')).toString()).toBe(
      'DSSEv1 29 http://example.com/HelloWorld 11 hello world',
    );
  });

  it('counts bytes, and keeps arbitrary payload bytes', () => {
    expect(pae('é', Buffer.from([0, 255])).toString('hex')).toBe(
      Buffer.concat([Buffer.from('DSSEv1 2 é 2 '), Buffer.from([0, 255])]).toString('hex'),
    );
  });
});

describe('verifyDsse', () => {
  it('accepts what signDsse made and answers the exact bytes', () => {
    const verdict = check(signedBy(alice));
    expect(verdict).toEqual({ ok: true, payload, keyids: [alice.keyid] });
  });

  it('survives a round trip through JSON', () => {
    expect(check(JSON.parse(JSON.stringify(signedBy(alice, bob))), 2)).toMatchObject({
      ok: true,
      keyids: [alice.keyid, bob.keyid],
    });
  });

  it('counts one key once, however often and under whatever keyid it signs', () => {
    expect(check(signedBy(alice, alice), 2)).toMatchObject({ ok: false, reason: 'threshold_not_met' });
    const aliased = signedBy(alice);
    aliased.signatures.push({ ...aliased.signatures[0], keyid: 'alias', sig: aliased.signatures[0]?.sig ?? '' });
    const verdict = verifyDsse(aliased, { payloadType, keys: () => alice.publicKey, threshold: 2 });
    expect(verdict).toMatchObject({ ok: false, reason: 'threshold_not_met' });
  });

  it('skips strangers, and never counts them', () => {
    expect(check(signedBy(mallory, alice))).toMatchObject({ ok: true, keyids: [alice.keyid] });
    expect(check(signedBy(mallory))).toMatchObject({ ok: false, reason: 'threshold_not_met' });
    expect(check(signedBy(mallory, alice), 2)).toMatchObject({ ok: false, reason: 'threshold_not_met' });
  });

  it('refuses an envelope in which a known key is claimed by somebody else', () => {
    const [forged] = signDsse({ payloadType, payload, key: { ...mallory, keyid: bob.keyid } }).signatures;
    const envelope = signedBy(alice);
    if (forged !== undefined) envelope.signatures.push(forged);
    expect(check(envelope)).toMatchObject({ ok: false, reason: 'signature_invalid' });
  });

  it('refuses a threshold that nobody met, and treats zero, NaN and negative ones as unmeetable or one', () => {
    expect(check(signedBy(mallory), 0)).toMatchObject({ reason: 'threshold_not_met' });
    expect(check(signedBy(mallory), -1)).toMatchObject({ reason: 'threshold_not_met' });
    expect(check(signedBy(alice), NaN)).toMatchObject({ reason: 'threshold_not_met' });
  });

  it('refuses another payload type, even when its signature is right', () => {
    const envelope = signDsse({ payloadType: 'text/plain', payload, key: alice });
    expect(check(envelope)).toMatchObject({ ok: false, reason: 'payload_type_mismatch' });
    expect(check({ ...envelope, payloadType })).toMatchObject({ ok: false, reason: 'signature_invalid' });
  });

  it('refuses another payload', () => {
    const changed = { ...signedBy(alice), payload: Buffer.from('{"a":2}').toString('base64') };
    expect(check(changed)).toMatchObject({ ok: false, reason: 'signature_invalid' });
  });

  it('refuses keys that are not Ed25519 public keys', () => {
    const ec = generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).publicKey;
    for (const key of [ec, alice.privateKey]) {
      expect(verifyDsse(signedBy(alice), { payloadType, keys: () => key })).toMatchObject({
        reason: 'signature_invalid',
      });
    }
  });

  it('refuses an RFC 8032 signature with S + L in place of S', () => {
    const sig = Buffer.from(signedBy(alice).signatures[0]?.sig ?? '', 'base64');
    const order = 2n ** 252n + 27742317777372353535851937790883648493n;
    const littleEndian = Buffer.from(sig.subarray(32)).reverse().toString('hex');
    const malleated = (BigInt(`0x${littleEndian}`) + order).toString(16).padStart(64, '0');
    const other = Buffer.concat([sig.subarray(0, 32), Buffer.from(malleated, 'hex').reverse()]);
    const envelope = { ...signedBy(alice), signatures: [{ keyid: alice.keyid, sig: other.toString('base64') }] };
    expect(check(envelope)).toMatchObject({ ok: false, reason: 'signature_invalid' });
  });

  const good = signedBy(alice);
  const [signature] = good.signatures;
  it.each([
    ['null', null],
    ['a string', 'x'],
    ['an array', [good]],
    ['an unknown member', { ...good, extra: 1 }],
    ['an unknown member in a signature', { ...good, signatures: [{ ...signature, cert: 'x' }] }],
    ['no signatures', { ...good, signatures: [] }],
    ['no keyid', { ...good, signatures: [{ sig: signature?.sig }] }],
    ['17 signatures', { ...good, signatures: Array.from({ length: 17 }, () => signature) }],
    ['a sparse array of signatures', { ...good, signatures: new Array(1) }],
    ['members from the prototype', Object.create(good) as unknown],
    ['a payload type of 256 characters', { ...good, payloadType: 'x'.repeat(256) }],
    ['base64 with a newline', { ...good, payload: `${good.payload}\n` }],
    ['base64 without padding', { ...good, payload: good.payload.replace(/=+$/, '') }],
    ['base64url', { ...good, payload: '_-__' }],
    ['base64 with unused bits', { ...good, payload: 'YR==' }],
    ['a short signature', { ...good, signatures: [{ keyid: 'k', sig: 'AAAA' }] }],
  ])('refuses %s', (_name, envelope) => {
    expect(check(envelope)).toMatchObject({ ok: false, reason: 'envelope_malformed' });
    expect(parseDsseEnvelope(envelope)).toMatchObject({ ok: false });
  });

  it('bounds the payload before it decodes it', () => {
    const envelope = signDsse({ payloadType, payload: Buffer.alloc(100), key: alice });
    const options = { payloadType, keys: keysOf(alice) };
    expect(verifyDsse(envelope, { ...options, maxBytes: 100 }).ok).toBe(true);
    expect(verifyDsse(envelope, { ...options, maxBytes: 99 })).toMatchObject({ reason: 'envelope_too_large' });
    expect(verifyDsse(envelope, { ...options, maxBytes: 10 })).toMatchObject({ reason: 'envelope_too_large' });
  });

  it('refuses any one character changed in any member, and never throws', () => {
    const text = JSON.stringify(signedBy(alice));
    for (let index = 0; index < text.length; index += 1) {
      const changed = text.slice(0, index) + String.fromCharCode(text.charCodeAt(index) ^ 1) + text.slice(index + 1);
      let envelope: unknown;
      try {
        envelope = JSON.parse(changed);
      } catch {
        continue;
      }
      expect(check(envelope).ok, `character ${index}`).toBe(false);
    }
  });

  it('never throws for arbitrary values', () => {
    const shaped = fc.record({
      payloadType: fc.anything(),
      payload: fc.anything(),
      signatures: fc.array(fc.anything()),
    });
    fc.assert(
      fc.property(fc.oneof(fc.anything(), shaped), (value) => {
        expect(check(value).ok).toBe(false);
      }),
      { numRuns: 500 },
    );
  });

  it('has no signer of another type', () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    expect(() => signDsse({ payloadType, payload, key: { keyid: 'k', privateKey } })).toThrow(TypeError);
  });

  it('verifies an envelope made by hand after the specification', () => {
    const sig = sign(null, Buffer.from('DSSEv1 4 text 2 hi'), alice.privateKey).toString('base64');
    const envelope = { payloadType: 'text', payload: 'aGk=', signatures: [{ keyid: alice.keyid, sig }] };
    expect(verifyDsse(envelope, { payloadType: 'text', keys: keysOf(alice) }).ok).toBe(true);
  });
});
