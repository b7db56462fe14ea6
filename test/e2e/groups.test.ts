import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GROUP_TOOLS } from '../../domain/effects/group-membership.js';
import { ASSIGNMENT_TOOLS } from '../../domain/effects/role-assignment.js';
import { generateHolderKey } from '../../proofs/holder-proof.js';
import { CeremonyStack, type Asked } from '../support/ceremony-stack.js';
import { execUnder, RESEAL } from '../support/exec.js';
import { approveExtension, askToExtend } from '../support/extending.js';
import { aftermath, verifiedBundle } from '../support/good-end.js';
import { askForJob, callTool, jobStatement, letIn } from '../support/jobs.js';
import { PEOPLE, ROLE, tenantOf } from '../support/people.js';
import { entriesOf, hurry, isOver } from '../support/records.js';
import { foundIn, sweepStack } from '../support/sweeping.js';
import { Tampering } from '../support/tampering.js';

const GROUP = '4b7d0a52-6c1e-4f39-9a8b-d2e5f7013c64';
const NAME = 'Break-glass exclusion';
const TENANT = tenantOf(0);
const WITHOUT_PIM = tenantOf(1);
/** Each ceremony lives at a time of its own: the sweep needs tenants whose time no other has moved. */
const LOST = tenantOf(2);
const LOST_WITHOUT_PIM = tenantOf(3);
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
  p2:
    tenant_id: ${LOST}
    action: entra.group_membership
    group: { id: ${GROUP}, name: ${NAME} }
  p3:
    tenant_id: ${LOST_WITHOUT_PIM}
    action: entra.role_assignment
    role: { template_id: ${ROLE.template_id}, name: ${ROLE.name} }
    allow_without_dead_man: true
`;

let stack: CeremonyStack;
beforeAll(async () => {
  // The reconciler looks once, at the start: the sweep is alone with what a ceremony leaves.
  stack = await CeremonyStack.start({ policyYaml: POLICY, reconcileSeconds: 3600 });
  for (const tenant of [TENANT, LOST]) await stack.graph.post('/groups', { tenant, id: GROUP, display_name: NAME });
});
afterAll(() => stack.stop());

const ask = (profile = 'p0', tenant_id = TENANT): Promise<Asked> =>
  stack.ask({
    profile,
    effect: {
      kind: 'entra.group_membership',
      tenant_id,
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
    const ran = await execUnder(stack, asked, `${RESEAL} tool read && ${RESEAL} tool write`);
    expect(ran).toMatchObject({ status: 0 });
    const [read = '', wrote = ''] = ran.out.trim().split('\n');
    expect(JSON.parse(read)).toMatchObject({ outcome: 'done', result: { assignments: [{ through_pim: true }] } });
    expect(JSON.parse(wrote)).toMatchObject({ outcome: 'done', result: { stands: true, adopted: true } });
    const extending = await askToExtend(stack, asked, 20);
    await approveExtension(stack, asked, extending);
    const extended = await stack.until(asked.event, ({ extension }) => extension?.state === 'done');
    expect(extended).toMatchObject({ state: 'active', expires_at: extending.deadline });
    const [held] = (await stack.graph.truth(TENANT)).assignments;
    expect(Date.parse(held?.ends_at ?? '')).toBe(Date.parse(extending.deadline) + 10 * 60_000);
    const view = await hurry(stack, asked.event, isOver, { step: '5m' });
    expect(view).toMatchObject({ state: 'expired', flags: [] });
    const after = await aftermath(stack, asked);
    expect(after).toMatchObject({ standing: [], grants: 1, bundle: { ok: true, errors: [] } });
    expect(after.facts).toMatchObject({ role: NAME, end: 'expired', deadline: extending.deadline });
    expect(after.facts).toMatchObject({
      jobs: [{ person: 'alice', tools: [GROUP_TOOLS.read, GROUP_TOOLS.write, GROUP_TOOLS.remove], calls: 2 }],
    });
    const [granted] = await entriesOf(stack, asked.event, 'granted');
    expect(granted).toMatchObject({
      kind: 'entra.group_membership',
      application_id: stack.stack.settings.applications.group_membership,
    });
  });
});

const askForRole = (profile = 'p1', tenant_id = WITHOUT_PIM): Promise<Asked> =>
  stack.ask({
    profile,
    effect: {
      kind: 'entra.role_assignment',
      tenant_id,
      role_template_id: ROLE.template_id,
      role_name: ROLE.name,
      directory_scope_id: '/',
      end_sessions: true,
    },
  });

describe('a ceremony in a tenant without PIM', () => {
  it('assigns a role, takes it back when it is killed, and its bundle proves both', async () => {
    const asked = await askForRole();
    await stack.approve(asked);
    await hurry(stack, asked.event, ({ state }) => state === 'active');
    const standing = async () => (await stack.graph.truth(WITHOUT_PIM)).assignments;
    expect(await standing()).toMatchObject([{ principal_id: alice, ends_at: null }]);
    expect(await askForJob(stack, jobStatement(stack, asked, 'alice', generateHolderKey()))).toMatchObject({
      outcome: 'refused',
      code: 'tool_of_another_kind',
    });
    const job = await letIn(stack, asked, {}, 'alice', Object.values(ASSIGNMENT_TOOLS));
    const use = (tool: string, body = {}) => callTool(stack, job, tool, { body });
    expect(await use(ASSIGNMENT_TOOLS.read)).toMatchObject({ outcome: 'done', result: { assignments: [{}] } });
    expect(await use(ASSIGNMENT_TOOLS.write)).toMatchObject({ outcome: 'done', result: { stands: true } });
    const elsewhere = { target: { assigned_role_template_id: GROUP } };
    expect(await use(ASSIGNMENT_TOOLS.remove, elsewhere)).toMatchObject({ outcome: 'refused', code: 'target_foreign' });
    expect(await use(GROUP_TOOLS.remove)).toMatchObject({ outcome: 'refused', code: 'tool_not_in_scope' });
    const extending = await askToExtend(stack, asked, 20);
    await approveExtension(stack, asked, extending);
    const extended = await stack.until(asked.event, ({ extension }) => extension?.state === 'done');
    expect(extended).toMatchObject({ state: 'active', expires_at: extending.deadline, dead_man_at: null });
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
    const { deadline } = extending;
    expect(report.facts).toMatchObject({ role: ROLE.name, end: 'revoked', dead_man: null, deadline });
    expect(report.facts.jobs).toMatchObject([{ job: job.job, calls: 2, refused: 2 }]);
  });
});

describe('ceremonies that are terminated while the glass is broken', () => {
  it('are resealed by the sweep: a membership by its marker, a plain assignment by the intent and the audit log', async () => {
    const membership = await ask('p2', LOST);
    const assignment = await askForRole('p3', LOST_WITHOUT_PIM);
    for (const asked of [membership, assignment]) {
      await stack.approve(asked);
      await hurry(stack, asked.event, ({ state }) => state === 'active');
      await new Tampering(stack).terminate(asked.event);
    }
    for (const tenant of [LOST, LOST_WITHOUT_PIM]) {
      expect((await stack.graph.truth(tenant)).assignments).toHaveLength(1);
      await stack.graph.post('/clock', { tenant, advance_seconds: 33 * 60 });
    }
    const told = await sweepStack(stack);
    const resealed = { verdict: 'due', outcome: { end: 'confirmed', code: 'revoked' } };
    expect(foundIn(told, LOST)).toMatchObject([
      { ...resealed, kind: 'entra.group_membership', event_id: membership.event },
    ]);
    expect(foundIn(told, LOST_WITHOUT_PIM)).toMatchObject([
      { ...resealed, kind: 'entra.role_assignment', event_id: assignment.event },
    ]);
    for (const { event, tenant } of [membership, assignment]) {
      expect((await stack.graph.truth(tenant)).assignments).toEqual([]);
      expect(await entriesOf(stack, event, 'swept')).toMatchObject([{ ended_by: 'sweep', end: 'confirmed' }]);
    }
  });
});
