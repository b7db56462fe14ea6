import { describe, expect, it } from 'vitest';
import { ATTESTATION_RESULT_TYPE } from '../../../domain/incidents/attestation-result.js';
import { signDsse } from '../../../proofs/dsse.js';
import { readAttestationResult, signAttestationResult } from '../../../proofs/incidents/attestation-result.js';
import type { RoleKeys } from '../../../proofs/receipt.js';
import { generateRoleKey } from '../../../proofs/role-key.js';
import { attestationResult } from './attested.js';

const [verifier, register, stranger] = [generateRoleKey(), generateRoleKey(), generateRoleKey()];
const keys: RoleKeys = (keyid) =>
  keyid === verifier.keyid
    ? { role: 'verifier', publicKey: verifier.publicKey }
    : keyid === register.keyid
      ? { role: 'register', publicKey: register.publicKey }
      : undefined;
const codeOf = (envelope: unknown): string => {
  const read = readAttestationResult(envelope, keys);
  return read.ok ? 'ok' : read.code;
};

describe('a signed result of an attestation', () => {
  const signed = signAttestationResult(attestationResult(), verifier);
  it('is read back when the verifier signed it', () => {
    expect(readAttestationResult(signed, keys)).toEqual({
      ok: true,
      result: attestationResult(),
      keyid: verifier.keyid,
    });
  });

  it('is nobody’s word when another role, a stranger, or more than one signed it', () => {
    expect(codeOf(signAttestationResult(attestationResult(), register))).toBe('attestation_unsigned');
    expect(codeOf(signAttestationResult(attestationResult(), stranger))).toBe('attestation_unsigned');
    const twice = { ...signed, signatures: [...signed.signatures, ...signed.signatures] };
    expect(codeOf(twice)).toBe('attestation_unsigned');
  });

  it('is refused when it was changed, and when it is another thing that the verifier signed', () => {
    const refused = signAttestationResult(attestationResult({ verdict: 'refused' }), verifier);
    expect(codeOf({ ...signed, payload: refused.payload })).toBe('attestation_unsigned');
    const payload = Buffer.from(JSON.stringify({ type: 'reseal.attestation_result.v1' }));
    expect(codeOf(signDsse({ payloadType: ATTESTATION_RESULT_TYPE, payload, key: verifier }))).toBe(
      'attestation_malformed',
    );
    const entry = Buffer.from(signed.payload, 'base64');
    const other = signDsse({ payloadType: 'application/vnd.reseal.entry+json', payload: entry, key: verifier });
    expect(codeOf(other)).toBe('attestation_unsigned');
    for (const nothing of [null, 'x', {}, []]) expect(codeOf(nothing)).toBe('attestation_unsigned');
  });
});
