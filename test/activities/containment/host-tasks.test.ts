import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { hostTasks, type HostTasks } from '../../../activities/containment/host-tasks.js';
import { startSimulatedHost, type SimulatedHost } from '../../../deploy/local/host/start-host.js';
import { healthOutcomeSchema, observationSchema } from '../../../domain/incidents/tasks.js';
import { signIncidentReceipt } from '../../../proofs/incidents/incident-receipt.js';
import { generateRoleKey } from '../../../proofs/role-key.js';
import { FakeClock } from '../graph/attempts.js';
import { hostsIn, INCIDENT, payloadOf } from './contained-host.js';

describe('what the verifier sees of a host', () => {
  const dir = mkdtempSync(join(tmpdir(), 'reseal-seen-'));
  const clock = new FakeClock();
  const key = generateRoleKey();
  let host: SimulatedHost;
  let tasks: HostTasks;
  beforeAll(async () => {
    host = await startSimulatedHost({ dir });
    tasks = hostTasks({
      hosts: await hostsIn(host.files.verifier),
      access: { temporal: null, account: null },
      clock,
      sign: (payload) => signIncidentReceipt(payload, key),
    });
  });
  afterAll(async () => {
    await host?.close();
    rmSync(dir, { recursive: true, force: true });
  });
  beforeEach(() => host.state.reset());

  const input = { incident_id: INCIDENT, generation: 1, host: 'local-host', action: 'freeze_agent' as const };
  const health = async (name = 'local-host') =>
    healthOutcomeSchema.parse(await tasks.readHealth({ incident_id: INCIDENT, generation: 1, host: name }));

  it('sees what is contained and what is released, and changes neither', async () => {
    const free = observationSchema.parse(await tasks.verifyContained(input));
    expect(free).toMatchObject({ observed: 'released', detail: 'agent is released' });
    expect(payloadOf(free.receipt).transition).toBe(`contained_seen/1/freeze_agent/not/${clock.now()}`);
    host.state.set('agent', 'frozen', 'reseal');
    const held = observationSchema.parse(await tasks.verifyContained(input));
    expect(held.observed).toBe('contained');
    expect(payloadOf(held.receipt)).toMatchObject({
      type: 'containment_seen',
      transition: 'contained_seen/1/freeze_agent',
      data: { host: 'local-host', action: 'freeze_agent', observed: 'contained' },
    });
    expect(payloadOf((await tasks.verifyReleased(input)).receipt).type).toBe('release_seen');
    expect(host.state.asked.filter((line) => !line.includes('GET'))).toEqual([]);
  });

  it('knows nothing of a host that does not answer, or that it was not told of', async () => {
    host.state.fault('agent', {
      kind: 'unreachable',
      times: null,
      delay_ms: 0,
      status: 500,
      state: null,
      location: null,
      method: null,
    });
    expect(await tasks.verifyReleased(input)).toMatchObject({ observed: 'unknown' });
    expect(await tasks.verifyReleased({ ...input, host: 'elsewhere' })).toMatchObject({
      observed: 'unknown',
      detail: 'host_not_configured',
    });
  });

  it('trusts a host whose monitors all say so', async () => {
    const answer = await health();
    expect(answer).toMatchObject({ integrity: 'trusted', attestor: 'trusted', incident_recorder: null, trusted: true });
    expect(payloadOf(answer.receipt)).toMatchObject({ type: 'health', transition: 'health/1' });
  });

  it.each([
    ['degraded', { integrity: 'degraded' }],
    ['TRUSTED', { integrity: 'TRUSTED' }],
    ['answer_malformed', { integrity: 'trusted enough' }],
  ])('does not trust one that says %s', async (said, states) => {
    host.state.set('integrity', states.integrity, 'somebody');
    expect(await health()).toMatchObject({ integrity: said, attestor: 'trusted', trusted: false });
  });

  it('does not trust one that does not answer, or that nobody can ask', async () => {
    host.state.fault('attestor', {
      kind: 'error',
      times: null,
      delay_ms: 0,
      status: 503,
      state: null,
      location: null,
      method: null,
    });
    expect(await health()).toMatchObject({ attestor: 'http_status', trusted: false });
    expect(await health('elsewhere')).toMatchObject({
      integrity: 'not_configured',
      attestor: 'not_configured',
      trusted: false,
    });
  });
});
