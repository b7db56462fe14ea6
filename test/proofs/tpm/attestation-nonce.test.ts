import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { attestationNonce } from '../../../proofs/tpm/attestation-nonce.js';

const of = { incident: 'INC-20261121-200000-0001', attempt: 1, binding: 'ab'.repeat(32) };
const random = Buffer.alloc(32, 7);
const hex = (changed: Partial<typeof of> = {}, bytes = random): string =>
  attestationNonce({ ...of, ...changed }, bytes).toString('hex');

describe('when a nonce is made for an attempt', () => {
  it('is the SHA-256 of its parts, each after its length', () => {
    const bytes = [
      `00000015${Buffer.from('reseal-attestation-v1').toString('hex')}`,
      `00000018${Buffer.from(of.incident).toString('hex')}`,
      '0000000400000001',
      `00000040${Buffer.from(of.binding).toString('hex')}`,
      `00000020${'07'.repeat(32)}`,
    ];
    expect(hex()).toBe(
      createHash('sha256')
        .update(Buffer.from(bytes.join(''), 'hex'))
        .digest('hex'),
    );
  });

  it('is another for another incident, attempt, containment or draw, however the parts are cut', () => {
    const all = [
      hex(),
      hex({ incident: `${of.incident}a` }),
      hex({ incident: `${of.incident}a`, binding: of.binding.slice(1) }),
      hex({ attempt: 2 }),
      hex({ binding: 'ac'.repeat(32) }),
      hex({}, Buffer.alloc(32, 8)),
      attestationNonce(of).toString('hex'),
      attestationNonce(of).toString('hex'),
    ];
    expect(new Set(all).size).toBe(all.length);
  });

  it('is not made of fewer random bytes', () => {
    expect(() => attestationNonce(of, Buffer.alloc(31))).toThrow(RangeError);
  });
});
