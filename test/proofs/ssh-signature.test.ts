import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';

import { describe, expect, it } from 'vitest';

import { parseSshPublicKeyBlob, type SshPublicKey } from '../../proofs/ssh-public-key.js';
import { verifySshSignature } from '../../proofs/ssh-signature.js';
import { sshMpint, sshString } from '../../proofs/ssh-wire.js';

const data = Buffer.from('data');
const ZERO = Buffer.of(0);

interface Sample {
  type: string;
  key: SshPublicKey;
  privateKey: KeyObject;
}

function sample(type: string, pair: { publicKey: KeyObject; privateKey: KeyObject }): Sample {
  const jwk = pair.publicKey.export({ format: 'jwk' });
  const bytes = (text = ''): Buffer => Buffer.from(text, 'base64url');
  const material =
    type === 'ssh-rsa'
      ? [sshMpint(bytes(jwk.e)), sshMpint(bytes(jwk.n))]
      : jwk.y === undefined
        ? [sshString(bytes(jwk.x))]
        : [sshString('nistp256'), sshString(Buffer.concat([Buffer.of(4), bytes(jwk.x), bytes(jwk.y)]))];
  const parsed = parseSshPublicKeyBlob(Buffer.concat([sshString(type), ...material]));
  if (!parsed.ok) throw new Error(parsed.reason);
  return { type, key: parsed.key, privateKey: pair.privateKey };
}

const ED25519 = sample('ssh-ed25519', generateKeyPairSync('ed25519'));
const ECDSA = sample('ecdsa-sha2-nistp256', generateKeyPairSync('ec', { namedCurve: 'prime256v1' }));
const RSA = sample('ssh-rsa', generateKeyPairSync('rsa', { modulusLength: 3072 }));

function reasonOf(signature: Buffer, key: SshPublicKey): string {
  const verdict = verifySshSignature(signature, key, data);
  return verdict.ok ? 'accepted' : verdict.reason;
}

function wire(algorithm: string, raw: Buffer, after = Buffer.alloc(0)): Buffer {
  return Buffer.concat([sshString(algorithm), sshString(raw), after]);
}

describe.each([
  ['ed25519', ED25519, 'ssh-ed25519', sign(null, data, ED25519.privateKey)],
  ['RSA', RSA, 'rsa-sha2-512', sign('sha512', data, RSA.privateKey)],
] as const)('a wire signature by %s', (_name, { key }, algorithm, raw) => {
  it('is as long as its key demands and stands alone', () => {
    expect(reasonOf(wire(algorithm, raw), key)).toBe('accepted');
    expect(reasonOf(wire(algorithm, raw, ZERO), key)).toBe('signature_malformed');
    expect(reasonOf(wire(algorithm, Buffer.concat([ZERO, raw])), key)).toBe('signature_malformed');
    expect(reasonOf(wire(algorithm, Buffer.concat([raw, ZERO])), key)).toBe('signature_malformed');
    expect(reasonOf(wire(algorithm, raw.subarray(1)), key)).toBe('signature_malformed');
    expect(reasonOf(wire(algorithm, Buffer.alloc(0)), key)).toBe('signature_malformed');
    expect(reasonOf(Buffer.alloc(0), key)).toBe('signature_malformed');
  });
});

describe('a wire signature by ECDSA', () => {
  const fixed = sign('sha256', data, { key: ECDSA.privateKey, dsaEncoding: 'ieee-p1363' });
  const [r, s] = [fixed.subarray(0, 32), fixed.subarray(32)];
  const order = Buffer.from('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551', 'hex');
  const of = (...numbers: Buffer[]): string => reasonOf(wire(ECDSA.type, Buffer.concat(numbers)), ECDSA.key);

  it('is two positive integers in their shortest form and nothing else', () => {
    expect(of(sshMpint(r), sshMpint(s))).toBe('accepted');
    expect(of(sshMpint(r), sshMpint(s), ZERO)).toBe('signature_malformed');
    expect(of(sshMpint(r))).toBe('signature_malformed');
    expect(of(sshString(Buffer.concat([ZERO, ZERO, r])), sshMpint(s))).toBe('signature_malformed');
    expect(of(sshMpint(ZERO), sshMpint(s))).toBe('signature_malformed');
    expect(of(sshMpint(r), sshString(ZERO))).toBe('signature_malformed');
    expect(of(sshString(Buffer.concat([Buffer.of(0x80), r.subarray(1)])), sshMpint(s))).toBe('signature_malformed');
    expect(of(sshMpint(Buffer.concat([Buffer.of(1), r])), sshMpint(s))).toBe('signature_malformed');
    expect(reasonOf(wire(ECDSA.type, Buffer.concat([sshMpint(r), sshMpint(s)]), ZERO), ECDSA.key)).toBe(
      'signature_malformed',
    );
  });

  it('is no DER, and no number beyond the order of the curve', () => {
    expect(of(sign('sha256', data, ECDSA.privateKey))).toBe('signature_malformed');
    expect(of(sshMpint(order), sshMpint(s))).toBe('signature_invalid');
    expect(of(sshMpint(r), sshMpint(order))).toBe('signature_invalid');
  });
});
