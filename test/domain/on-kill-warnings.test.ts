import { describe, expect, it } from 'vitest';
import { policyWarnings } from '../../domain/policy-warnings.js';
import { policySchema } from '../../domain/policy.js';
import * as scene from './scene.js';

const warned = (on_kill: object): string[] => {
  const profile = { action: 'entra.directory_role', role: { template_id: scene.ROLE, name: 'Global Reader' }, on_kill };
  const policy = policySchema.parse({
    version: 1,
    name: 'breakglass',
    tenant_id: scene.TENANT,
    approvals: { min_approvers: 2, approvers: ['group:security'] },
    profiles: { reader: profile },
  });
  return policyWarnings(policy, null).flatMap(({ code, path, message }) =>
    code === 'on_kill_at_every_deadline' ? [`${path.join('.')}: ${message}`] : [],
  );
};

describe('a kill switch that goes off when nothing is wrong', () => {
  it('is warned of by what it does', () => {
    expect(warned({ disable_account: true })).toEqual([
      expect.stringMatching(/^profiles\.reader\.on_kill\.triggers: disables the principal's account also when/),
    ]);
    const rotate = [{ kind: 'user_password', user_id: 'principal', sink: 'vault' }];
    expect(warned({ rotate, triggers: ['timebox_expired'] })).toHaveLength(1);
  });

  it('is none where the deadline is no trigger, or nothing drastic is done', () => {
    expect(warned({ disable_account: true, triggers: ['operator_statement'] })).toEqual([]);
    expect(warned({ end_sessions: true, report_granted: true })).toEqual([]);
  });
});
