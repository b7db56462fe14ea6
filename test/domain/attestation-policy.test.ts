import { describe, expect, it } from 'vitest';
import { isEnrolledBy, namedPcrs, pcrObjection, pcrPolicySchema } from '../../domain/attestation-policy.js';

const [A, B, C] = ['aa'.repeat(32), 'bb'.repeat(32), 'cc'.repeat(32)] as const;
const allowed = (digest: string) => ({
  digest,
  label: 'shim 15.8',
  accepted_by: ['alice@contoso.com'],
  accepted_at: '2026-11-21T00:00:00Z',
});
const file = (changed: object = {}): object => ({
  schema: 'reseal.pcr_policy.v1',
  name: 'vault-hosts',
  version: 4,
  pcrs: { sha256: { '0': [allowed(A)], '7': [allowed(A), allowed(B.toUpperCase())] } },
  ...changed,
});
const faultsOf = (changed: object): string => {
  const parsed = pcrPolicySchema.safeParse(file(changed));
  return parsed.success
    ? 'none'
    : parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join();
};

describe('when values are held against a PCR policy', () => {
  const policy = pcrPolicySchema.parse(file());

  it('allows each of the alternatives of a PCR, and no other', () => {
    expect(pcrObjection(policy, { bank: 'sha256', index: 7 }, A)).toBeUndefined();
    expect(pcrObjection(policy, { bank: 'sha256', index: 7 }, B)).toBeUndefined();
    expect(pcrObjection(policy, { bank: 'sha256', index: 7 }, C)).toContain('expected one of 2 values');
    expect(pcrObjection(policy, { bank: 'sha256', index: 0 }, B)).toBe(
      `sha256 PCR 0 is ${B}, expected ${A} (shim 15.8)`,
    );
  });

  it('says nothing of a PCR that it does not name', () => {
    expect(pcrObjection(policy, { bank: 'sha256', index: 8 }, C)).toBeUndefined();
    expect(namedPcrs(policy)).toEqual([
      { bank: 'sha256', index: 0 },
      { bank: 'sha256', index: 7 },
    ]);
  });

  it('knows the keys it names by Name or by public key, and none when it names none', () => {
    const name = `000b${C}`;
    expect(isEnrolledBy(policy, { name, spki_sha256: A })).toBeUndefined();
    const named = pcrPolicySchema.parse(file({ aks: [{ name }, { spki_sha256: B }] }));
    expect(isEnrolledBy(named, { name, spki_sha256: A })).toBe(true);
    expect(isEnrolledBy(named, { name: null, spki_sha256: B })).toBe(true);
    expect(isEnrolledBy(named, { name: null, spki_sha256: A })).toBe(false);
  });
});

describe('when a PCR policy is read', () => {
  it.each([
    ['a value of another length', { pcrs: { sha384: { '0': [allowed(A)] } } }, 'a value of sha384 has 96 hex digits'],
    ['a SHA-1 bank', { pcrs: { sha1: { '0': [allowed('aa'.repeat(20))] } } }, 'pcrs'],
    ['a PCR that no PC has', { pcrs: { sha256: { '24': [allowed(A)] } } }, '24'],
    ['a PCR with nothing allowed', { pcrs: { sha256: { '0': [] } } }, 'allows nothing'],
    [
      'the same value twice',
      { pcrs: { sha256: { '0': [allowed(A), allowed(A.toUpperCase())] } } },
      'stands here already',
    ],
    ['no PCR at all', { pcrs: {} }, 'allows all'],
    [
      'a value that nobody accepted',
      { pcrs: { sha256: { '0': [{ ...allowed(A), accepted_by: [] }] } } },
      'accepted_by',
    ],
    ['a version before the first', { version: 0 }, 'version'],
    ['a member it does not know', { allow_all: true }, 'allow_all'],
    ['a firmware version of another length', { firmware_versions: ['01'] }, '16 hex digits'],
  ])('refuses %s', (_name, changed, message) => {
    expect(faultsOf(changed)).toContain(message);
  });
});
