import { describe, expect, it } from 'vitest';
import { removalCommand } from '../../domain/kill-removal.js';
import type { Granted } from '../../domain/kill-state.js';
import * as scene from './scene.js';

const granted: Granted = {
  via: 'pim',
  at: null,
  activity: 'PIM adminAssign',
  principal_id: scene.PRINCIPAL,
  role_template_id: scene.ROLE,
  directory_scope_id: '/',
  assignment_id: null,
  standing: true,
};

describe('the command that takes back a role which the principal gave', () => {
  it('addresses PIM’s assignments by their tuple, others by their id', () => {
    const command = removalCommand(granted) ?? '';
    const body = JSON.parse(/--body '(.*)'$/.exec(command)?.[1] ?? '') as object;
    expect(body).toMatchObject({ action: 'adminRemove', principalId: scene.PRINCIPAL, directoryScopeId: '/' });
    expect(removalCommand({ ...granted, via: 'direct', assignment_id: 'lAPpYvVpN0-1' })).toBe(
      "az rest --method DELETE --url 'https://graph.microsoft.com/v1.0/roleManagement/directory/roleAssignments/lAPpYvVpN0-1'",
    );
  });

  it.each([
    ['is gone', { standing: false }],
    ['nobody looked up', { standing: null }],
    ['is no role', { via: 'other' as const }],
    ['has no id', { via: 'direct' as const }],
    ['would end the quotes', { directory_scope_id: "/'; rm -rf ~; '" }],
    ['would end them in an id', { via: 'direct' as const, assignment_id: "x' --debug '" }],
  ])('is none for what %s', (_name, over) => {
    expect(removalCommand({ ...granted, ...over })).toBeNull();
  });
});
