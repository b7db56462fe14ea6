import { createHash, generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { readAttestationKey } from '../../../proofs/tpm/attestation-key.js';
import { parsePublicArea } from '../../../proofs/tpm/public-area.js';
import { parseTpmSignature } from '../../../proofs/tpm/signature.js';
import { sized, softwareAk, u16 } from './software-quote.js';

const faultOf = (parsed: { ok: true } | { ok: false; fault: string }): string => (parsed.ok ? 'none' : parsed.fault);
const rsa = softwareAk('rsassa');
const ecc = softwareAk('ecdsa', { curve: 'P-384', hash: 'sha384' });

describe('when a public key is read', () => {
  it('is the same key as PEM, TPM2B_PUBLIC and TPMT_PUBLIC', () => {
    for (const { pem, area } of [rsa, ecc]) {
      const read = [Buffer.from(pem), area, sized(area)].map((bytes) => readAttestationKey(bytes));
      const keys = read.map((one) => (one.ok ? one.value.spkiSha256 : one.detail));
      expect(new Set(keys).size).toBe(1);
      expect(keys[0]).toMatch(/^[0-9a-f]{64}$/);
      expect(read.map((one) => one.ok && one.value.area === null)).toEqual([true, false, false]);
    }
  });

  it('computes the Name over the bare area', () => {
    const parsed = parsePublicArea(sized(rsa.area));
    const name = Buffer.concat([u16(0xb), createHash('sha256').update(rsa.area).digest()]);
    expect(parsed).toMatchObject({ ok: true, value: { name } });
  });

  it('refuses an area one byte short, wherever it is cut', () => {
    for (let length = 0; length < ecc.area.length; length += 1)
      expect(faultOf(parsePublicArea(ecc.area.subarray(0, length)))).not.toBe('none');
  });

  it.each([
    ['trailing_bytes', Buffer.concat([rsa.area, Buffer.of(0)])],
    ['truncated', Buffer.alloc(0)],
    ['wrong_type', Buffer.concat([u16(0x25), rsa.area.subarray(2)])],
    ['unknown_algorithm', Buffer.concat([rsa.area.subarray(0, 2), u16(0x99), rsa.area.subarray(4)])],
    ['too_large', Buffer.alloc(4096)],
    ['not_a_key', Buffer.from(`${rsa.pem}${rsa.pem}`)],
    ['not_a_key', Buffer.from('-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n')],
    ['not_a_key', Buffer.from(rsa.pem.replaceAll('PUBLIC', 'RSA PUBLIC'))],
    ['too_large', Buffer.from(`-----BEGIN PUBLIC KEY-----${'A'.repeat(9000)}`)],
  ])('refuses it as %s', (fault, bytes) => {
    expect(faultOf(readAttestationKey(bytes))).toBe(fault);
  });

  it('refuses a private key, an Ed25519 key, a curve of another size and a point off its curve', () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const ed = generateKeyPairSync('ed25519').publicKey.export({ format: 'pem', type: 'spki' });
    const p521 = generateKeyPairSync('ec', { namedCurve: 'P-521' }).publicKey.export({ format: 'pem', type: 'spki' });
    const off = Buffer.from(ecc.area);
    off.writeUInt8(off.readUInt8(off.length - 1) ^ 1, off.length - 1);
    for (const bytes of [privateKey.export({ format: 'pem', type: 'pkcs8' }), ed, p521, off])
      expect(faultOf(readAttestationKey(Buffer.from(bytes)))).toBe('not_a_key');
  });
});

describe('when a signature is parsed', () => {
  it('reads each of the three schemes, and nothing of them cut or lengthened', () => {
    for (const scheme of ['rsassa', 'rsapss', 'ecdsa'] as const) {
      const whole = softwareAk(scheme).sign(Buffer.from('signed'));
      expect(parseTpmSignature(whole)).toMatchObject({ ok: true, value: { scheme, hash: { name: 'sha256' } } });
      expect(faultOf(parseTpmSignature(Buffer.concat([whole, Buffer.of(0)])))).toBe('trailing_bytes');
      for (let length = 0; length < whole.length; length += 1)
        expect(faultOf(parseTpmSignature(whole.subarray(0, length)))).toBe('truncated');
    }
  });

  it.each([
    ['unknown_algorithm', Buffer.concat([u16(0x10), u16(0xb), sized(Buffer.alloc(32))])],
    ['unknown_algorithm', Buffer.concat([u16(0x5), u16(0xb), sized(Buffer.alloc(32))])],
    ['unknown_algorithm', Buffer.concat([u16(0x14), u16(0x10), sized(Buffer.alloc(256))])],
    ['out_of_range', Buffer.concat([u16(0x14), u16(0xb), sized(Buffer.alloc(513))])],
    ['too_large', Buffer.alloc(2000)],
  ])('refuses it as %s', (fault, bytes) => {
    expect(faultOf(parseTpmSignature(bytes))).toBe(fault);
  });
});
