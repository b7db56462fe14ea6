import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CeremonyStack, type Asked } from '../support/ceremony-stack.js';
import { aftermath, verifiedBundle } from '../support/good-end.js';
import { PEOPLE, ROLE, tenantOf } from '../support/people.js';
import { entriesOf, hurry, isOver } from '../support/records.js';

const GROUP = '4b7d0a52-6c1e-4f39-9a8b-d2e5f7013c64';
const NAME = 'Break-glass exclusion';
const TENANT = tenantOf(0);
const WITHOUT_PIM = tenantOf(1);
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
  p1:
    tenant_id: ${WITHOUT_PIM}
    action: entra.role_assignment
    role: { template_id: ${ROLE.template_id}, name: ${ROLE.name} }
    allow_without_dead_man: true
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

describe('a ceremony in a tenant without PIM', () => {
  it('assigns a role, takes it back when it is killed, and its bundle proves both', async () => {
    const asked = await stack.ask({
      profile: 'p1',
      effect: {
        kind: 'entra.role_assignment',
        tenant_id: WITHOUT_PIM,
        role_template_id: ROLE.template_id,
        role_name: ROLE.name,
        directory_scope_id: '/',
        end_sessions: true,
      },
    });
    await stack.approve(asked);
    await hurry(stack, asked.event, ({ state }) => state === 'active');
    const standing = async () => (await stack.graph.truth(WITHOUT_PIM)).assignments;
    expect(await standing()).toMatchObject([{ principal_id: alice, ends_at: null }]);
    expect(await stack.say(asked, 'bob', 'kill')).toMatchObject({ status: 'accepted' });
    const view = await hurry(stack, asked.event, isOver);
    expect(view).toMatchObject({ state: 'revoked', flags: [] });
    expect(await standing()).toEqual([]);
    const [granted] = await entriesOf(stack, asked.event, 'granted');
    const [removal] = await entriesOf(stack, asked.event, 'removal');
    expect(granted).toMatchObject({
      kind: 'entra.role_assignment',
      application_id: stack.stack.settings.applications.role_assignment,
    });
    expect(removal).toMatchObject({ assignment_id: granted?.['assignment_id'] });
    const report = await verifiedBundle(stack, asked.event);
    expect(report.errors).toEqual([]);
    expect(report.facts).toMatchObject({ role: ROLE.name, end: 'revoked', dead_man: null });
  });
});
