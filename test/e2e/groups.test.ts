import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CeremonyStack, type Asked } from '../support/ceremony-stack.js';
import { aftermath } from '../support/good-end.js';
import { PEOPLE, tenantOf } from '../support/people.js';
import { entriesOf, hurry, isOver } from '../support/records.js';

const GROUP = '4b7d0a52-6c1e-4f39-9a8b-d2e5f7013c64';
const NAME = 'Break-glass exclusion';
const TENANT = tenantOf(0);
const alice = PEOPLE.find(({ id }) => id === 'alice')?.object_id ?? '';

const POLICY = `
version: 1
name: groups
tenant_id: ${TENANT}
approval_window: 30m
timebox: { default: 30m, max: 1h }
grace: 10m
approvals:
  min_approvers: 2
  require:
    - { group: security, count: 1 }
    - { group: platform, count: 1 }
responders: [group:oncall]
profiles:
  p0:
    action: entra.group_membership
    group: { id: ${GROUP}, name: ${NAME} }
`;

let stack: CeremonyStack;
beforeAll(async () => {
  stack = await CeremonyStack.start({ policyYaml: POLICY });
  await stack.graph.post('/groups', { tenant: TENANT, id: GROUP, display_name: NAME });
});
afterAll(() => stack.stop());

const ask = (): Promise<Asked> =>
  stack.ask({
    profile: 'p0',
    effect: {
      kind: 'entra.group_membership',
      tenant_id: TENANT,
      group_id: GROUP,
      group_name: NAME,
      end_sessions: true,
    },
  });

describe('a ceremony about a group', () => {
  it('gives membership for a while, takes it back, and its bundle proves both', async () => {
    const asked = await ask();
    await stack.approve(asked);
    const active = await hurry(stack, asked.event, ({ state }) => state === 'active');
    expect(active).toMatchObject({ role: NAME, directory_scope_id: 'member' });
    const { assignments } = await stack.graph.truth(TENANT);
    expect(assignments).toMatchObject([
      {
        principal_id: alice,
        role_definition_id: GROUP,
        directory_scope_id: '#member',
        ends_at: active.dead_man_at,
      },
    ]);
    const view = await hurry(stack, asked.event, isOver, { step: '5m' });
    expect(view).toMatchObject({ state: 'expired', flags: [] });
    const after = await aftermath(stack, asked);
    expect(after).toMatchObject({ standing: [], grants: 1, bundle: { ok: true, errors: [] } });
    expect(after.facts).toMatchObject({ role: NAME, end: 'expired' });
    const [granted] = await entriesOf(stack, asked.event, 'granted');
    expect(granted).toMatchObject({
      kind: 'entra.group_membership',
      application_id: stack.stack.settings.applications.group_membership,
    });
  });
});
