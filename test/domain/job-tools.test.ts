import { describe, expect, it } from 'vitest';

import { ACCESS_TOOLS } from '../../domain/effects/conditional-access.js';
import { EFFECT_KINDS, roleOfKind, toolsOf } from '../../domain/effects/effects.js';
import { hasJobTools, isJobTool, JOB_TOOLS, jobToolOf, kindOfTool, useOf } from '../../domain/job-tools.js';
import { letsJobsIn } from '../../domain/job-statement.js';
import { policySchema } from '../../domain/policy.js';
import { TOOL_ROLES } from '../../domain/roles.js';
import { kindRefusal } from '../../domain/tool-call.js';
import { policyInput } from '../support/contract-signers.js';

describe("a job's tools", () => {
  it('are those of three kinds, each with a role that takes them', () => {
    const kinds = EFFECT_KINDS.filter(hasJobTools);
    expect(kinds).toEqual(['entra.directory_role', 'entra.group_membership', 'entra.role_assignment']);
    expect([...JOB_TOOLS].sort()).toEqual(kinds.flatMap(toolsOf).sort());
    expect(TOOL_ROLES).toEqual(['verifier', ...kinds.map(roleOfKind)]);
    for (const kind of kinds)
      for (const use of ['read', 'write', 'remove'] as const) {
        const tool = jobToolOf(kind, use) ?? '';
        expect([useOf(tool), kindOfTool(tool), isJobTool(tool)]).toEqual([use, kind, true]);
      }
  });

  it.each(['entra.ca_exclusion', 'entra.ca_policy'] as const)('are none of %s', (kind) => {
    expect(jobToolOf(kind, 'read')).toBeUndefined();
    for (const tool of Object.values(ACCESS_TOOLS)) {
      expect([useOf(tool), kindOfTool(tool), isJobTool(tool)]).toEqual([undefined, undefined, false]);
      expect(kindRefusal({ kind }, tool)?.code).toBe('kind_unsupported');
    }
  });

  it('are refused in a ceremony of another kind, each under its own name', () => {
    for (const kind of EFFECT_KINDS.filter(hasJobTools))
      for (const tool of JOB_TOOLS)
        expect(kindRefusal({ kind }, tool)?.code).toBe(kindOfTool(tool) === kind ? undefined : 'tool_of_another_kind');
  });
});

describe('a profile that speaks of jobs', () => {
  const access = {
    action: 'entra.ca_policy',
    access_policy: { id: '6f2a0c1e-4b7d-4e35-9a68-0d1c5e8f7a23', name: 'Require MFA' },
    allow_without_dead_man: true,
  };
  const role = { action: 'entra.directory_role', role: { template_id: access.access_policy.id, name: 'Some role' } };
  const parsed = (profile: object) => {
    const { contract: _, ...input } = policyInput({}, { profiles: { p: profile } });
    return policySchema.safeParse(input);
  };

  it.each(['entra.ca_exclusion', 'entra.ca_policy'])('is refused for %s, which has no tools', (action) => {
    const refused = parsed({ ...access, action, jobs: true });
    expect(refused.error?.issues.map(({ path, message }) => [path.join('.'), message])).toEqual([
      ['profiles.p.jobs', `there are no tools for ${action}, so no job could do anything: leave it out`],
    ]);
    expect(parsed({ ...access, action, jobs: false }).success).toBe(true);
  });

  it('lets none in where it says false, and says nothing where the file says nothing', () => {
    const said = (profile: object): { profiles: Record<string, { jobs?: boolean | undefined }> } =>
      parsed(profile).data ?? { profiles: {} };
    expect(letsJobsIn(said({ ...role, jobs: false }), 'p')).toBe(false);
    expect(letsJobsIn(said({ ...role, jobs: true }), 'p')).toBe(true);
    expect(letsJobsIn(said(role), 'p')).toBe(true);
    expect(Object.hasOwn(said(role).profiles['p'] ?? {}, 'jobs')).toBe(false);
  });
});
