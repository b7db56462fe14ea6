import { generateKeyPairSync, sign, verify, createPublicKey } from 'node:crypto';

import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import {
  fingerprint,
  parseSshPublicKey,
  parseSshPublicKeyBlob,
  sshPublicKeyLine,
} from '../../proofs/ssh-public-key.js';
import { sshMpint, sshString } from '../../proofs/ssh-wire.js';
import { ecdsaAuthenticator, ed25519Authenticator } from './authenticator.js';
import { publicKeyOf, SshKeygen } from './ssh-keygen.js';

let oracle: SshKeygen;

beforeAll(() => {
  oracle = new SshKeygen();
});

afterAll(() => {
  oracle.dispose();
});

function line(blob: Buffer, type = 'ssh-ed25519'): string {
  return `${type} ${blob.toString('base64')}`;
}

function reasonOf(text: string): string {
  const parsed = parseSshPublicKey(text);
  return parsed.ok ? 'accepted' : parsed.reason;
}

function ed25519Blob(point: Buffer): Buffer {
  return Buffer.concat([sshString('ssh-ed25519'), sshString(point)]);
}

function rsaBlob(e: Buffer, n: Buffer): Buffer {
  return Buffer.concat([sshString('ssh-rsa'), sshMpint(e), sshMpint(n)]);
}

const POINT = Buffer.from(generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' }).x ?? '', 'base64url');

describe('parseSshPublicKey', () => {
  it('reads keys that ssh-keygen makes and prints their fingerprint as ssh-keygen does', () => {
    for (const [type, bits] of [
      ['ed25519', 256],
      ['ecdsa', 256],
      ['ecdsa', 384],
      ['rsa', 3072],
    ] as const) {
      const text = oracle.publicLine(oracle.generate(`${type}${bits}`, type, { bits }));
      const parsed = parseSshPublicKey(`${text}\n`);
      expect(parsed).toMatchObject({ ok: true, comment: `${type}${bits}@test` });
      const key = publicKeyOf(text);
      expect(fingerprint(key)).toBe(oracle.fingerprint(text));
      expect(sshPublicKeyLine(key, `${type}${bits}@test`)).toBe(text);
    }
  }, 30_000);

  it('reads the keys of authenticators, with their application', () => {
    for (const device of [ed25519Authenticator('ssh:reseal'), ecdsaAuthenticator('ssh:reseal')]) {
      expect(publicKeyOf(device.publicLine).application).toBe('ssh:reseal');
      expect(fingerprint(publicKeyOf(device.publicLine))).toBe(oracle.fingerprint(device.publicLine));
    }
  });

  it('parses a line once', () => {
    const text = line(ed25519Blob(POINT));
    expect(publicKeyOf(`${text} one`)).toBe(publicKeyOf(`${text} two`));
  });

  it('forgets old lines, so that a flood of keys costs no memory', () => {
    const first = publicKeyOf(line(ed25519Blob(POINT)));
    for (let index = 0; index < 300; index += 1) publicKeyOf(ed25519Authenticator(`ssh:${index}`).publicLine);
    const again = publicKeyOf(line(ed25519Blob(POINT)));
    expect(again).not.toBe(first);
    expect(again.blob.equals(first.blob)).toBe(true);
  });

  it.each([
    ['DSA', 'ssh-dss'],
    ['P-521', 'ecdsa-sha2-nistp521'],
    ['a certificate', 'ssh-ed25519-cert-v01@openssh.com'],
    ['something new', 'ssh-mldsa65'],
  ])('refuses %s by type', (_name, type) => {
    expect(reasonOf(line(sshString(type), type))).toBe('key_type_unsupported');
    expect(parseSshPublicKeyBlob(sshString(type))).toMatchObject({ reason: 'key_type_unsupported' });
  });

  it.each([
    ['nothing', ''],
    ['authorized_keys options', `command="id" ${line(ed25519Blob(POINT))}`],
    ['a type that the blob denies', line(ed25519Blob(POINT), 'ssh-rsa')],
    ['two lines', `${line(ed25519Blob(POINT))}\n${line(ed25519Blob(POINT))}`],
    ['a control character in the comment', `${line(ed25519Blob(POINT))} a\u001b[2J`],
    ['base64 without padding', 'ssh-ed25519 AAA'],
    ['base64 with unused bits', `${line(ed25519Blob(POINT)).slice(0, -2)}B=`],
    ['a short point', line(ed25519Blob(POINT.subarray(1)))],
    ['trailing bytes', line(Buffer.concat([ed25519Blob(POINT), Buffer.of(0)]))],
    ['an endless line', `${line(ed25519Blob(POINT))} ${'x'.repeat(5000)}`],
    ['a length beyond the blob', line(Buffer.from('ffffffff', 'hex'))],
  ])('refuses %s as malformed', (_name, text) => {
    expect(reasonOf(text)).toBe('key_malformed');
  });

  it('refuses a point off the curve, a compressed one and another curve inside', () => {
    const type = 'ecdsa-sha2-nistp256';
    const { x = '', y = '' } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).publicKey.export({
      format: 'jwk',
    });
    const [xs, ys] = [Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')];
    const blob = (curve: string, point: Buffer): Buffer =>
      Buffer.concat([sshString(type), sshString(curve), sshString(point)]);
    expect(reasonOf(line(blob('nistp256', Buffer.concat([Buffer.of(4), xs, ys])), type))).toBe('accepted');
    const off = Buffer.from(ys);
    off[31] = (off[31] ?? 0) ^ 1;
    expect(reasonOf(line(blob('nistp256', Buffer.concat([Buffer.of(4), xs, off])), type))).toBe('key_malformed');
    expect(reasonOf(line(blob('nistp256', Buffer.concat([Buffer.of(2), xs])), type))).toBe('key_malformed');
    expect(reasonOf(line(blob('nistp384', Buffer.concat([Buffer.of(4), xs, ys])), type))).toBe('key_malformed');
  });

  it('refuses RSA under 3072 bits, tiny or even exponents, and numbers not in their shortest form', () => {
    const modulus = (bits: number): Buffer => {
      const bytes = Buffer.alloc(Math.ceil(bits / 8), 0xff);
      bytes[0] = 0xff >> (bytes.length * 8 - bits);
      return bytes;
    };
    const e = Buffer.from('010001', 'hex');
    const of = (blob: Buffer): string => reasonOf(line(blob, 'ssh-rsa'));
    expect(of(rsaBlob(e, modulus(3072)))).toBe('accepted');
    expect(of(rsaBlob(e, modulus(3071)))).toBe('key_too_weak');
    expect(of(rsaBlob(e, modulus(2048)))).toBe('key_too_weak');
    expect(of(rsaBlob(Buffer.of(3), modulus(3072)))).toBe('key_too_weak');
    expect(of(rsaBlob(Buffer.from('010000', 'hex'), modulus(3072)))).toBe('key_too_weak');
    expect(of(rsaBlob(Buffer.from('010002', 'hex'), modulus(3072)))).toBe('key_malformed');
    expect(of(rsaBlob(e, modulus(8200)))).toBe('key_malformed');
    const padded = Buffer.concat([
      sshString('ssh-rsa'),
      sshString(Buffer.from('00010001', 'hex')),
      sshMpint(modulus(3072)),
    ]);
    expect(of(padded)).toBe('key_malformed');
    const negative = Buffer.concat([sshString('ssh-rsa'), sshMpint(e), sshString(modulus(3072))]);
    expect(of(negative)).toBe('key_malformed');
  });

  it('refuses ed25519 points of small order, under which OpenSSL accepts a signature that nobody made', () => {
    const identity = Buffer.concat([Buffer.of(1), Buffer.alloc(31)]);
    const forged = Buffer.concat([identity, Buffer.alloc(32)]);
    const order8 = [
      '0100000000000000000000000000000000000000000000000000000000000000',
      'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
      '0000000000000000000000000000000000000000000000000000000000000000',
      '0000000000000000000000000000000000000000000000000000000000000080',
      '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
      '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
      'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
      'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
    ];
    for (const hex of order8) {
      const point = Buffer.from(hex, 'hex');
      const key = createPublicKey({
        key: { kty: 'OKP', crv: 'Ed25519', x: point.toString('base64url') },
        format: 'jwk',
      });
      const messages = Array.from({ length: 200 }, (_, index) => Buffer.from(`message ${index}`));
      expect(
        messages.some((message) => verify(null, message, key, forged)),
        hex,
      ).toBe(true);
      expect(reasonOf(line(ed25519Blob(point)))).toBe('key_too_weak');
    }
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    expect(verify(null, Buffer.from('m'), publicKey, forged)).toBe(false);
    expect(verify(null, Buffer.from('m'), publicKey, sign(null, Buffer.from('m'), privateKey))).toBe(true);
  });

  it('never throws for arbitrary lines and blobs', () => {
    const type = fc.constantFrom('ssh-ed25519', 'ssh-rsa', 'ecdsa-sha2-nistp256', 'sk-ssh-ed25519@openssh.com');
    fc.assert(
      fc.property(type, fc.uint8Array({ maxLength: 500 }), fc.string(), (name, bytes, text) => {
        const blob = Buffer.concat([sshString(name), bytes]);
        expect(typeof parseSshPublicKey(line(blob, name)).ok).toBe('boolean');
        expect(parseSshPublicKey(text).ok).toBe(false);
      }),
      { numRuns: 300 },
    );
  });
});
