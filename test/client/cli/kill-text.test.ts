import { describe, expect, it } from 'vitest';
import { killLines } from '../../../client/cli/kill-text.js';
import type { KillAction, KillState } from '../../../domain/kill-state.js';

const ALICE = 'a11ce000-0000-4000-8000-000000000001';
const ROLE = '5d6b6bb7-de71-4623-b4af-96380a352509';
const AT = '2026-06-01T10:00:00.000Z';

const action = (over: Partial<KillAction>): KillAction => ({
  key: 'disable_account',
  action: 'disable_account',
  rotation: null,
  target: ALICE,
  result: null,
  code: null,
  at: null,
  ...over,
});
const lines = (kill: KillState | undefined): string[] => killLines(kill, () => '10:00');

describe('what a kill did, on the command line', () => {
  it('is nothing where it called for nothing', () => {
    expect(lines(undefined)).toEqual([]);
  });

  it('says of each whether it is pending, done, or refused and why', () => {
    const actions = [
      action({}),
      action({ key: 'rotate/0', action: 'rotate', rotation: 0, result: 'refused', code: 'protected_target', at: AT }),
      action({ key: 'report_granted/settled', action: 'report_granted', result: 'done', at: AT }),
    ];
    expect(lines({ trigger: 'operator_statement', actions, granted: [] })).toEqual([
      'on kill    disable the account: pending, and tried until it is done',
      `on kill    rotate ${ALICE}: refused (protected_target) 10:00`,
      'on kill    list what was granted to others: by the settled log: done 10:00',
    ]);
  });

  it('gives the command that takes back what stands, and none for what does not; text from outside stays in its line', () => {
    const granted = {
      via: 'direct' as const,
      at: AT,
      activity: 'Add member to role\n\u001b[31m',
      principal_id: ALICE,
      role_template_id: ROLE,
      directory_scope_id: '/',
      assignment_id: 'x-1',
      standing: true,
    };
    const told = lines({
      trigger: 'operator_statement',
      actions: [],
      granted: [granted, { ...granted, standing: false }],
    });
    expect(told).toHaveLength(3);
    expect(told[0]).toContain(`role ${ROLE} to ${ALICE} 10:00, and it stands`);
    expect(told[1]).toMatch(/^ {2}remove: {2}az rest --method DELETE --url '.*\/roleAssignments\/x-1'$/);
    expect(told[2]).toContain('and it is gone');
    for (const line of told) for (const control of ['\n', '\u001b']) expect(line).not.toContain(control);
  });
});
