import { describe, expect, it } from 'vitest';
import type { PolicyInForce } from '../../domain/policy-in-force.js';
import { readPolicy, readRoster } from '../../proofs/policy-document.js';
import { faultsLine } from '../../proofs/yaml-document.js';

const POLICY = `
version: 1
name: small
tenant_id: 7d2f6c1e-93ab-4c58-8e0d-1b5a4f7c9e21
timebox: { default: 30m, max: 1h }
approvals: { min_approvers: 1, approvers: [group:on-call] }
profiles: {}
`;

function policyOf(text: string): PolicyInForce {
  const read = readPolicy(text);
  if (!read.ok) throw new Error(faultsLine('policy.yaml', read.faults));
  return read.value;
}

describe('the digest of a policy', () => {
  it('names what it means, not how it is written', () => {
    const { digest } = policyOf(POLICY);
    const reordered = POLICY.trim().split('\n').reverse().join('\n');
    expect(digest).toMatch(/^[0-9a-f]{64}$/);
    expect(policyOf(`# why it is so\n${reordered}`).digest).toBe(digest);
    expect(policyOf(POLICY.replace('30m', '1800')).digest).toBe(digest);
  });

  it('changes with what it means', () => {
    const { digest } = policyOf(POLICY);
    expect(policyOf(POLICY.replace('min_approvers: 1', 'min_approvers: 2')).digest).not.toBe(digest);
  });
});

describe('a file that is wrong', () => {
  it('is named with the first fault and the number of the others', () => {
    const read = readPolicy('version: 1\nname: small\ntimebox: { default: soon }\n');
    if (read.ok) throw new Error('it was taken');
    expect(faultsLine('policy.yaml', read.faults)).toMatch(/^policy\.yaml:\d+:\d+: \S+: .+ \(and \d+ more\)$/);
    expect(faultsLine('policy.yaml', read.faults.slice(0, 1))).not.toContain('more');
  });

  it('is named when it is a roster', () => {
    const read = readRoster('version: 1\npeople: nobody\n');
    expect(read.ok ? [] : read.faults).toMatchObject([{ line: 2, column: 1, path: 'people' }]);
  });
});
