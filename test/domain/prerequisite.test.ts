import { describe, expect, it } from 'vitest';

import { policySchema, termsOf, type Policy } from '../../domain/policy.js';
import { requestRefusal, requestSchema, type Request } from '../../domain/request.js';
import { verifyBundle } from '../../proofs/bundle-verify.js';
import { digestOf } from '../../proofs/canonical-json.js';
import { policy, policyDigest, requestFor } from '../proofs/ceremony-people.js';
import { fullCeremony, sealed, sign, testTrust } from '../proofs/full-ceremony.js';

const APPROVAL = '0d8c4f4e-5a17-4d4c-9a2f-6f6c2b3a1e55';
const pim = { system: 'entra_pim', approval_id: APPROVAL };

/** The test policy, whose `admin` wants approvals in these systems. */
function wanting(...prerequisites: string[]): Policy {
  const { admin, ...others } = policy.profiles;
  return policySchema.parse({ ...policy, profiles: { ...others, admin: { ...admin, prerequisites } } });
}
function codeOf(of: Policy, request: Request): string | undefined {
  const terms = termsOf(of, request.profile);
  if (terms === undefined) throw new Error('no such profile');
  return requestRefusal(request, terms, request.policy_digest)?.code;
}
const under = (of: Policy, over: Partial<Request> = {}): Request =>
  requestSchema.parse(requestFor({ policy_digest: digestOf(of), ...over }));

describe('an approval in an outside control plane', () => {
  it('must be named where the profile wants it', () => {
    const of = wanting('entra_pim', 'itsm');
    expect(codeOf(of, under(of))).toBe('prerequisite_missing');
    expect(codeOf(of, under(of, { prerequisites: [pim] }))).toBe('prerequisite_missing');
    const both = [pim, { system: 'itsm', approval_id: 'CHG-4711' }];
    expect(codeOf(of, under(of, { prerequisites: both }))).toBeUndefined();
    expect(codeOf(of, under(of, { profile: 'reader' }))).toBeUndefined();
  });

  it('may be named where nobody asks for it', () => {
    expect(codeOf(policy, under(policy, { prerequisites: [pim] }))).toBeUndefined();
  });

  it.each([
    ['an approval of Entra PIM that is no GUID', [{ ...pim, approval_id: 'yes' }]],
    ['one system twice', [pim, { ...pim }]],
    ['none, as a list', []],
    ['text that could be taken for another line', [{ system: 'itsm', approval_id: 'CHG 1\nok' }]],
  ])('is refused as %s', (_, prerequisites) => {
    expect(requestSchema.safeParse({ ...requestFor(), prerequisites }).success).toBe(false);
  });

  it('changes no digest where nothing is said of it', () => {
    expect(digestOf(policySchema.parse(policy))).toBe(policyDigest);
    const request = requestFor();
    expect(digestOf(requestSchema.parse(request))).toBe(digestOf(request));
  });

  it('stands in the bundle, as said and not looked up', () => {
    const { request, payloads } = fullCeremony(requestFor({ prerequisites: [pim] }));
    const report = verifyBundle(Buffer.from(sealed(request.event_id, payloads.map(sign))), testTrust());
    expect(report.errors).toEqual([]);
    expect(report.facts.prerequisites).toEqual([pim]);
    expect(report.not_verified.join('\n')).toContain(`that entra_pim approved (${APPROVAL})`);
  });
});
