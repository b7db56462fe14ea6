import { describe, expect, it } from 'vitest';
import { readPcrPolicy } from '../../../proofs/tpm/pcr-policy-document.js';
import { verifyQuote } from '../../../proofs/tpm/verify-quote.js';
import { attest, evidenceOf, failuresOf, NONCE, pcrPolicy, softwareAk, VALUES } from './software-quote.js';

const ak = softwareAk('ecdsa');
const spki_sha256 = ((key) => (key.ok ? key.value.spkiSha256 : ''))(evidenceOf(ak).ak);
const judged = (...[changed, values]: Parameters<typeof pcrPolicy>) =>
  verifyQuote(evidenceOf(ak), { nonce: NONCE, policy: pcrPolicy(changed, values) });

describe('when a quote is held against a policy', () => {
  it('passes with allowed values, and the report names version and digest of the policy', () => {
    const policy = pcrPolicy();
    const report = verifyQuote(evidenceOf(ak), { nonce: NONCE, policy });
    expect(report).toMatchObject({ ok: true, policy: { name: 'hosts', version: 3, digest: policy.digest } });
  });

  it('passes when the policy names fewer PCRs than were quoted, and not when it names one that was not', () => {
    const { '0': first = '' } = VALUES['sha256'] ?? {};
    expect(failuresOf(judged({}, { sha256: { '0': first } }))).toEqual([]);
    const more = { sha256: { ...VALUES['sha256'], '4': first } };
    expect(failuresOf(judged({}, more))).toEqual(['PCR_NOT_QUOTED', 'PCR_NOT_GOLDEN']);
    expect(failuresOf(judged({}, { sha384: { '0': '11'.repeat(48) } }))).toContain('PCR_NOT_QUOTED');
  });

  it('refuses another value, naming the PCR, what it is and what was expected', () => {
    const report = judged({}, { sha256: { '7': '33'.repeat(32) } });
    expect(failuresOf(report)).toEqual(['PCR_NOT_GOLDEN']);
    expect(report.checks.find(({ ok }) => !ok)?.detail).toBe(
      `sha256 PCR 7 is ${'22'.repeat(32)}, expected ${'33'.repeat(32)} (as installed)`,
    );
  });

  it('refuses a key that the policy does not name, before it looks at the signature', () => {
    const report = judged({ aks: [{ spki_sha256: '00'.repeat(32) }] });
    expect(failuresOf(report)).toEqual(['AK_NOT_ENROLLED']);
    expect(report.quoted).toBeNull();
    expect(failuresOf(judged({ aks: [{ spki_sha256 }] }))).toEqual([]);
  });

  it('refuses firmware that the policy does not name', () => {
    expect(failuresOf(judged({ firmware_versions: ['2024010100120000'] }))).toEqual([]);
    expect(failuresOf(judged({ firmware_versions: ['2024010100120001'] }))).toEqual(['FIRMWARE_CHANGED']);
  });

  it('judges no values that the quote does not cover', () => {
    const evidence = { ...evidenceOf(ak, attest({ pcrDigest: Buffer.alloc(32) })) };
    const report = verifyQuote(evidence, { nonce: NONCE, policy: pcrPolicy({}, { sha256: { '7': '33'.repeat(32) } }) });
    expect(failuresOf(report)).toEqual(['PCR_DIGEST_MISMATCH']);
  });
});

describe('when the file of a policy is read', () => {
  it('takes YAML, with PCRs as plain numbers, and says where it is wrong', () => {
    const text = `schema: reseal.pcr_policy.v1
name: hosts
version: 1
pcrs:
  sha256:
    7:
      - digest: ${'AB'.repeat(32)}
        label: secure boot on
        accepted_by: [alice@contoso.com]
        accepted_at: 2026-11-21T00:00:00Z
`;
    const read = readPcrPolicy(text);
    expect(read).toMatchObject({
      ok: true,
      value: { policy: { pcrs: { sha256: { '7': [{ digest: 'ab'.repeat(32) }] } } } },
    });
    expect(readPcrPolicy(text.replace('7:', '77:'))).toMatchObject({ ok: false, faults: [{ line: 6 }] });
  });
});
