import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LOCAL_APPLICATIONS } from '../../deploy/local/stack/local-world.js';
import { ceremonyWorkflowId } from '../../domain/identifiers.js';
import { makeMarker } from '../../proofs/marker.js';
import { generateRoleKey } from '../../proofs/role-key.js';
import { grantUnderWay } from '../chaos/lost-ceremony.js';
import { CeremonyStack, type Asked } from '../support/ceremony-stack.js';
import { verifiedBundle } from '../support/good-end.js';
import { RawTemporal } from '../support/raw-temporal.js';
import { entriesOf } from '../support/records.js';
import { foundIn, sweepStack, type ToldSweep } from '../support/sweeping.js';
import { Tampering } from '../support/tampering.js';
import { PEOPLE, ROLE, tenantOf } from '../support/people.js';

/** The reconciler looks once, at the start, and not again while the test runs: the sweep is alone. */
const NO_RECONCILER = 3600;
const ALICE = PEOPLE.find(({ id }) => id === 'alice')!.object_id;
const STRANGER = '33333333-0000-4000-8000-000000000003';
const PIM = '/v1.0/roleManagement/directory/roleAssignmentScheduleRequests';
/** Tenants of profiles that no ceremony of this test takes. */
const [FOREIGN, SELF, FORGED, UNMARKED] = [50, 51, 52, 53].map(tenantOf) as [string, string, string, string];

let stack: CeremonyStack;
let raw: RawTemporal;
let tamper: Tampering;
let terminated: Asked;
let paused: Asked;
let moved: Asked;
let atWork: Asked;
let first: ToldSweep;

/** A call to Graph with somebody's token; application permissions are all of them. */
async function graph(tenant: string, who: string, body: object): Promise<void> {
  const answer = await fetch(`${stack.stack.dev.graph_url}${PIM}`, {
    method: 'POST',
    headers: { authorization: `Bearer sim.${tenant}.${who}.`, 'content-type': 'application/json' },
    body: JSON.stringify({
      principalId: ALICE,
      roleDefinitionId: ROLE.template_id,
      directoryScopeId: '/',
      scheduleInfo: { expiration: { type: 'afterDuration', duration: 'PT4H' } },
      ...body,
    }),
  });
  if (answer.status !== 201) throw new Error(await answer.text());
}

/** Deadline over, and the removal is being tried against a provider that fails: the activity is pending. */
async function rollingBack(): Promise<Asked> {
  const asked = await stack.activate();
  const { tenant } = asked;
  const failing = { action: 'adminRemove', effect: 'status', status: 503, times: null };
  await stack.graph.fault({ tenant, app: LOCAL_APPLICATIONS.directory_role, ...failing });
  await stack.advance(asked.event, '31m');
  await stack.untilState(asked.event, 'resealing');
  return asked;
}

/** What anybody with write access to the namespace can do to the removal. */
async function holdUp(asked: Asked, how: 'pause' | 'move'): Promise<void> {
  const workflowId = ceremonyWorkflowId(asked.event);
  const id = await raw.pendingActivity(workflowId, 'rollback');
  const { workflowService } = stack.stack.connection;
  const about = { namespace: stack.stack.dev.temporal_namespace, execution: { workflowId }, id, identity: 'somebody' };
  if (how === 'pause') await workflowService.pauseActivity({ ...about, reason: 'test' });
  else
    await workflowService.updateActivityOptions({
      ...about,
      activityOptions: { taskQueue: { name: 'a-queue-that-nobody-polls' } },
      updateMask: { paths: ['task_queue.name'] },
    });
  // An attempt that was under way has ended by then, and no other begins.
  await sleep(2_000);
  await stack.graph.clearFaults(asked.tenant);
}

const removalsIn = async (tenant: string, app: string): Promise<number> =>
  (await stack.graph.truth(tenant)).calls.filter(
    (call) => call.action === 'adminRemove' && call.status === 201 && (call as { app_id?: string }).app_id === app,
  ).length;
const standingIn = async (tenant: string): Promise<number> => (await stack.graph.truth(tenant)).assignments.length;
const pass = (tenant: string, minutes: number): Promise<void> =>
  stack.graph.post('/clock', { tenant, advance_seconds: minutes * 60 });

beforeAll(async () => {
  stack = await CeremonyStack.start({ reconcileSeconds: NO_RECONCILER });
  raw = new RawTemporal(stack);
  tamper = new Tampering(stack);
  terminated = await grantUnderWay(stack, true);
  await tamper.terminate(terminated.event);
  await stack.graph.untilStanding(terminated.tenant, 1);
  await pass(terminated.tenant, 33);
  paused = await rollingBack();
  await holdUp(paused, 'pause');
  moved = await rollingBack();
  await holdUp(moved, 'move');
  for (const { tenant } of [paused, moved]) await pass(tenant, 3);
  atWork = await stack.activate();

  await graph(FOREIGN, STRANGER, { action: 'adminAssign', justification: 'another team' });
  await stack.graph.post('/eligibilities', { tenant: SELF, principal_id: ALICE, role_definition_id: ROLE.template_id });
  await graph(SELF, `user:${ALICE}:mfa`, { action: 'selfActivate', justification: 'my own work' });
  const tuple = { principal_id: ALICE, role_template_id: ROLE.template_id, directory_scope_id: '/' };
  const deadline = new Date(Date.now() - 10 * 60_000).toISOString();
  const marked = { event_id: '0123456789abcdef', deadline, tuple: { ...tuple, tenant_id: FORGED } };
  const marker = makeMarker(marked, generateRoleKey().privateKey);
  const ticketInfo = { ticketNumber: marker.ticket_number, ticketSystem: marker.ticket_system };
  const { justification } = marker;
  await graph(FORGED, LOCAL_APPLICATIONS.directory_role, { action: 'adminAssign', justification, ticketInfo });
  await graph(UNMARKED, LOCAL_APPLICATIONS.directory_role, { action: 'adminAssign', justification: 'maintenance' });
  for (const tenant of [FOREIGN, SELF, FORGED, UNMARKED]) await pass(tenant, 40);
  first = await sweepStack(stack);
}, 300_000);
afterAll(() => stack.stop());

describe('with the reconciler switched off, two minutes past the deadline, the sweep', () => {
  const resealed = { verdict: 'due', why: 'deadline_passed', outcome: { end: 'confirmed', code: 'revoked' } };

  it('reseals what was granted while the ceremony was terminated', async () => {
    expect(foundIn(first, terminated.tenant)).toMatchObject([{ ...resealed, event_id: terminated.event }]);
    expect(await standingIn(terminated.tenant)).toBe(0);
    expect(await removalsIn(terminated.tenant, LOCAL_APPLICATIONS.sweeper)).toBe(1);
  });

  it('reseals what a paused activity was to remove, though its ceremony is open', async () => {
    expect(foundIn(first, paused.tenant)).toMatchObject([{ ...resealed, event_id: paused.event }]);
    expect(await standingIn(paused.tenant)).toBe(0);
    expect((await stack.view(paused.event)).state).toBe('resealing');
  });

  it('reseals what an activity on a queue that nobody polls was to remove', async () => {
    expect(foundIn(first, moved.tenant)).toMatchObject([{ ...resealed, event_id: moved.event }]);
    expect(await standingIn(moved.tenant)).toBe(0);
    expect((await stack.view(moved.event)).state).toBe('resealing');
  });

  it('says so in the ledger under its own signature', async () => {
    for (const { event } of [terminated, paused, moved]) {
      const swept = await entriesOf(stack, event, 'swept');
      expect(swept).toMatchObject([{ ended_by: 'sweep', end: 'confirmed', word: 'revoked' }]);
    }
  });

  it('tells a foreign grant and a user’s own activation, and leaves them', async () => {
    expect(foundIn(first, FOREIGN)).toMatchObject([{ verdict: 'foreign', made_by: STRANGER, outcome: null }]);
    expect(foundIn(first, SELF)).toMatchObject([{ verdict: 'self_activated', made_by: ALICE, outcome: null }]);
    expect([await standingIn(FOREIGN), await standingIn(SELF)]).toEqual([1, 1]);
  });

  it('calls what our application made with a forged marker, or none, a compromise, and leaves it as evidence', async () => {
    expect(foundIn(first, FORGED)).toMatchObject([{ verdict: 'compromise', why: 'marker_signature_invalid' }]);
    expect(foundIn(first, UNMARKED)).toMatchObject([{ verdict: 'compromise', why: 'marker_absent' }]);
    expect([await standingIn(FORGED), await standingIn(UNMARKED)]).toEqual([1, 1]);
    expect(first).toMatchObject({ status: 7, standing: 'compromise' });
  });

  it('pages for each compromise through the register, once a day however often it is found', async () => {
    const told = () =>
      stack.stack.database.query<{ code: string; facts: string }>(
        `SELECT code, facts FROM register.notices WHERE type = 'compromise' ORDER BY code, facts`,
      );
    await expect.poll(async () => (await told()).length, { timeout: 30_000 }).toBeGreaterThanOrEqual(2);
    const tenants = (await told()).map(({ facts }) => (JSON.parse(facts) as { tenant_id: string }).tenant_id);
    expect(new Set(tenants)).toEqual(new Set([FORGED, UNMARKED]));
  });

  it('leaves a ceremony alone that has time, which ends by itself', async () => {
    expect(foundIn(first, atWork.tenant)).toMatchObject([{ verdict: 'in_time', event_id: atWork.event }]);
    expect((await stack.view(atWork.event)).state).toBe('active');
    await stack.advance(atWork.event, '31m');
    const view = await stack.advanceToEnd(atWork.event);
    expect(view.state).toBe('expired');
    expect(await removalsIn(atWork.tenant, LOCAL_APPLICATIONS.sweeper)).toBe(0);
  }, 120_000);

  it('does no harm when it runs again, and its status and explanation tell the same', async () => {
    const again = await sweepStack(stack);
    for (const { tenant } of [terminated, paused, moved]) {
      expect(foundIn(again, tenant)).toEqual([]);
      expect(await removalsIn(tenant, LOCAL_APPLICATIONS.sweeper)).toBe(1);
    }
    const status = await sweepStack(stack, 'status');
    expect(status.report).toEqual(again.report);
    expect(status.status).toBe(7);
  }, 120_000);

  it('does not keep the ceremony from ending once it is let: its bundle verifies, with the sweep in it', async () => {
    const workflowId = ceremonyWorkflowId(paused.event);
    const id = await raw.pendingActivity(workflowId, 'rollback');
    const namespace = stack.stack.dev.temporal_namespace;
    await stack.stack.connection.workflowService.unpauseActivity({ namespace, execution: { workflowId }, id });
    await stack.advanceToEnd(paused.event, '60m');
    const report = await verifiedBundle(stack, paused.event);
    expect(report.errors).toEqual([]);
    const [removal] = await entriesOf(stack, paused.event, 'removal');
    expect(removal).toMatchObject({ word: 'gone', removed_by: LOCAL_APPLICATIONS.sweeper });
  }, 180_000);
});
