import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { IncidentReader } from '../../activities/register/incidents/incident-reader.js';
import { skipAhead } from '../../deploy/local/stack/time-skipping.js';
import type { IncidentClass } from '../../domain/incidents/classes.js';
import type { IncidentEntryType } from '../../domain/incidents/incident-entry.js';
import { incidentWorkflowId } from '../../domain/incidents/incident-id.js';
import type { IncidentView } from '../../domain/incidents/view.js';
import { instant } from '../../domain/identifiers.js';
import { signIncidentReceipt } from '../../proofs/incidents/incident-receipt.js';
import { generateRoleKey } from '../../proofs/role-key.js';
import { Attacker } from '../support/attacker.js';
import { CeremonyStack } from '../support/ceremony-stack.js';
import { RawTemporal } from '../support/raw-temporal.js';

/** The liar has the payload key and a key of their own, and none of any role. */
const liar = generateRoleKey();
const HOST = 'local-host';
const PATIENCE = { timeout: 60_000, interval: 200 };

describe('an incident on a whole stack, before somebody with full write access to the namespace', () => {
  let world: CeremonyStack;
  let raw: RawTemporal;
  let reader: IncidentReader;
  beforeAll(async () => {
    world = await CeremonyStack.start({ host: { ports: 'free' } });
    raw = new RawTemporal(world);
    reader = new IncidentReader(world.stack.database);
  });
  afterAll(() => world?.stop());

  const call = async (at: string, body?: object): Promise<Record<string, unknown>> => {
    const headers = { 'content-type': 'application/json' };
    const sent = body === undefined ? {} : { method: 'POST', headers, body: JSON.stringify(body) };
    return (await (await fetch(world.stack.dev.gateway_url + at, sent)).json()) as Record<string, unknown>;
  };
  const view = async (id: string): Promise<IncidentView> => (await call(`/v1/incidents/${id}`))['view'] as IncidentView;
  const report = async (incidentClass: IncidentClass, description: string): Promise<string> => {
    const event = { class: incidentClass, source: 'runtime-attestor', description };
    return (await call('/api/v1/incidents/report', event))['id'] as string;
  };
  const state = () => {
    const { host } = world.stack;
    if (host === null) throw new Error('this stack has no host');
    return host.state;
  };
  /** Everything of a part takes so long that somebody else can answer first. */
  const slow = (part: 'agent' | 'attestor'): void =>
    state().fault(part, {
      kind: 'slow',
      times: null,
      delay_ms: 8000,
      status: 500,
      state: null,
      location: null,
      method: null,
    });
  const bound = (id: string) =>
    expect.poll(async () => (await view(id)).containment_binding, PATIENCE).toMatch(/^[0-9a-f]{64}$/);
  const lie = (incident_id: string, type: IncidentEntryType, transition: string, data: Record<string, unknown>) =>
    signIncidentReceipt(
      { schema: 'reseal.incident_entry.v1', incident_id, transition, type, at: instant(Date.now()), data },
      liar,
    );
  const answer = async (id: string, activity: string, said: object): Promise<void> => {
    const workflowId = incidentWorkflowId(id);
    await raw.complete(workflowId, await raw.pendingActivity(workflowId, activity), await raw.value(said));
  };

  it('is contained though its workflow was ended before anything was', async () => {
    state().fault('models', {
      kind: 'error',
      times: null,
      delay_ms: 0,
      status: 503,
      state: null,
      location: null,
      method: null,
    });
    const id = await report('model_behavior_anomaly', 'to be ended');
    const handle = world.stack.client.workflow.getHandle(incidentWorkflowId(id));
    await handle.terminate('somebody');
    state().clearFaults();
    await bound(id);
    expect(state().read('models').state).toBe('quarantined');
    expect(await reader.get(id)).toMatchObject({ state: 'contained', resolved_at: null });
  });

  it('is contained again where somebody else answered that it is', async () => {
    slow('agent');
    const id = await report('tool_call_burst', 'to be answered for');
    const said = { action: 'freeze_agent', success: true, completed_at: instant(Date.now()) };
    const of = { generation: 1, host: HOST, action: 'freeze_agent' };
    const contained = lie(id, 'contained', 'contained/1/freeze_agent', { ...of, ...said });
    await answer(id, 'contain', { ...said, receipt: contained });
    const seen = { observed: 'contained', detail: '', at: said.completed_at };
    const receipt = lie(id, 'containment_seen', 'containment_seen/1/freeze_agent', { ...of, ...seen });
    await answer(id, 'verifyContained', { ...seen, receipt });
    await expect.poll(async () => (await view(id)).flags, PATIENCE).toContain('authority_refuses');
    expect(await view(id)).toMatchObject({
      containment_binding: null,
      missing: ['containment_not_settled', 'acknowledgement'],
    });
    state().clearFaults();
    await skipAhead(world.stack.client, incidentWorkflowId(id), 30);
    await bound(id);
    expect(state().read('agent').state).toBe('frozen');
  });

  it('is not over because somebody else said that the host is trusted: it is contained again', async () => {
    const [row] = await reader.list({ class: 'tool_call_burst' });
    const id = row?.incident_id ?? '';
    await call('/api/v1/recovery/ack', { incident_id: id, operator: 'bob' });
    state().set('attestor', 'degraded', 'test');
    slow('attestor');
    const asked = call('/api/v1/incidents/resolve', { id });
    const health = { integrity: 'trusted', attestor: 'trusted', incident_recorder: 'trusted', trusted: true };
    const said = { ...health, at: instant(Date.now()) };
    const receipt = lie(id, 'health', 'health/1', { generation: 1, host: HOST, ...health });
    await answer(id, 'readHealth', { ...said, receipt });
    await asked;
    await expect.poll(() => state().read('agent').state, PATIENCE).toBe('frozen');
    await bound(id);
    expect(await reader.get(id)).toMatchObject({ state: 'contained', resolved_at: null });
    expect(await reader.bundle(id)).toBeNull();

    state().clearFaults();
    state().set('attestor', 'trusted', 'test');
    expect(await call('/api/v1/incidents/resolve', { id })).toMatchObject({ error: { missing: ['acknowledgement'] } });
    await call('/api/v1/recovery/ack', { incident_id: id, operator: 'bob' });
    expect(await call('/api/v1/incidents/resolve', { id })).toMatchObject({ id, state: 'resolved' });
    await expect.poll(() => reader.get(id), PATIENCE).toMatchObject({ state: 'resolved' });
    expect(state().read('agent').state).toBe('running');
  });

  it('opens no latch for orders to the roles themselves', async () => {
    const id = await report('unauthorized_access', 'to be ordered');
    await bound(id);
    const attacker = new Attacker(world);
    const { standing, settled } = {
      standing: lie(id, 'standing', 'standing/1', {}),
      settled: lie(id, 'containment_settled', 'containment_settled/1', {}),
    };
    const evidence = { incident_id: id, standing, settled, statements: [], bearer: [], attestation: null };
    expect(await attacker.run('authority', 'issueRelease', evidence)).toMatchObject({
      completed: { outcome: 'refused', code: 'settled_unproven' },
    });
    const target = { incident_id: id, generation: 1, host: HOST, action: 'freeze_agent' };
    expect(
      await attacker.run('effect:containment', 'release', { ...target, warrant: 'a.b.c', evidence, persist: false }),
    ).toMatchObject({ completed: { outcome: 'refused', code: 'standing_unproven' } });
    const now = await view(id);
    const at = instant(Date.now());
    const draft = {
      schema: 'reseal.incident_entry.v1',
      incident_id: id,
      transition: 'resolved',
      type: 'resolved',
      at,
      data: {},
    };
    const items = [{ transition: 'resolved', draft }, lie(id, 'released', 'released/1/freeze_agent', target)];
    await attacker.run('register', 'appendIncident', {
      incident_id: id,
      items,
      view: { ...now, state: 'resolved', resolved_at: at, ended_at: at },
    });
    expect(await reader.get(id)).toMatchObject({ state: 'contained', resolved_at: null });
    expect(state().read('agent').state).toBe('frozen');
  });
});
