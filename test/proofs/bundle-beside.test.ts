import { describe, expect, it } from 'vitest';

import type { ProvenAuthority, ProvenEntry } from '../../proofs/bundle-authority.js';
import { proveBeside } from '../../proofs/bundle-beside.js';
import { BundleFindings } from '../../proofs/bundle-report.js';
import { edited, told } from './told-ceremony.js';

const SHA = 'a'.repeat(64);
const compared = {
  tenant_after: [
    { part: 'assignments', count: 12, sha256: SHA },
    { part: 'access_policies', unreadable: 'Authorization_RequestDenied' },
  ],
  tenant_differences: [],
  tenant_difference_count: 0,
  tenant_not_compared: [{ part: 'access_policies', code: 'Authorization_RequestDenied' }],
};

/** What is told of entries with this data, of a profile that is tier-0 or not. */
function beside(data: { confirmed: object; audited?: object }, tier0 = true, kind = 'entra.directory_role') {
  const findings = new BundleFindings();
  const entries = Object.entries(data).map(([type, said], seq) => ({ seq, entry: { type, data: said } }));
  const authority = { terms: { tier0 }, intent: { intent: { kind } } };
  proveBeside(
    authority as unknown as Pick<ProvenAuthority, 'terms' | 'intent'>,
    entries as unknown as ProvenEntry[],
    findings,
  );
  return { beside: findings.facts.beside, unproven: findings.notVerified.join('\n'), errors: findings.errors };
}

describe('what was beside the change, in a bundle', () => {
  it('is said of a tier-0 role’s tenant, and of what could not be compared', () => {
    const told = beside({ confirmed: compared });
    expect(told.beside).toEqual(['nothing else differs in the tenant of 12 assignments']);
    expect(told.unproven).toContain('access_policies: they could not be read (Authorization_RequestDenied)');
    const row = { part: 'assignments', key: 'a|b|/|c', change: 'added', verdict: 'foreign', by: 'x' };
    const differs = { ...compared, tenant_differences: [row], tenant_difference_count: 1 };
    expect(beside({ confirmed: differs }).beside[1]).toBe('assignments: added a|b|/|c, foreign (x)');
  });

  it('is not verified where no comparison was made, and asked of no other role', () => {
    expect(beside({ confirmed: {} }).unproven).toContain('no comparison before and after was made');
    expect(beside({ confirmed: {} }, false)).toEqual({ beside: [], unproven: '', errors: [] });
    expect(beside({ confirmed: {} }, true, 'entra.ca_policy').unproven).toBe('');
    expect(beside({ confirmed: {} }, true, 'entra.role_assignment').unproven).toContain('no comparison');
  });

  it('is whether a policy holds again, and who signed in meanwhile', () => {
    const effective = (holds: string, why: string | null) => ({ effective: { holds, why } });
    const window = { from: '2026-11-21T10:00:00.000Z', until: '2026-11-21T10:30:00.000Z' };
    const sign_ins = { count: 3, complete: false, sha256: SHA, ...window };
    const undone = [{ added: [], removed: ['somebody'] }];
    const audited = { sign_ins, undone, others_count: 2 };
    const told = beside({ confirmed: effective('yes', null), audited }, false, 'entra.ca_exclusion');
    expect(told.beside).toEqual([
      'the policy holds for the principal again, as it is written',
      `3 or more sign-ins from ${window.from} to ${window.until}`,
      '2 changes of the policy by others, kept',
      "a write of Reseal's undid another's change: somebody",
    ]);
    const dark = beside({ confirmed: effective('no', 'it is off'), audited: { sign_ins: { unreadable: 'X' } } }, false);
    expect(dark.unproven).toContain('again: it is off');
    expect(dark.unproven).toContain('could not be read (X)');
  });

  it('is nobody’s claim that does not parse, and never throws', () => {
    for (const junk of [{ tenant_after: 1 }, { ...compared, tenant_difference_count: -1 }, { effective: 'yes' }, {}]) {
      const told = beside({ confirmed: junk, audited: { sign_ins: [], undone: {}, others_count: 'x' } });
      expect(told.beside).toEqual([]);
      expect(told.errors).toEqual([]);
    }
  });

  it('stands in the report of a whole bundle', () => {
    const { ok, report } = told(edited('confirmed', { effective: { holds: 'yes', why: null } }));
    expect(ok).toBe(true);
    expect(report.facts.beside).toEqual(['the policy holds for the principal again, as it is written']);
  });
});
