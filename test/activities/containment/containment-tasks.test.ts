import { describe, expect, it } from 'vitest';
import type { HostFault } from '../../../deploy/local/host/host-state.js';
import { dataOf, INCIDENT, onAHost, OTHER, payloadOf, type ContainedHost } from './contained-host.js';

const fault = (kind: HostFault['kind'], more: Partial<HostFault> = {}): HostFault => ({
  kind,
  times: null,
  delay_ms: 0,
  status: 500,
  state: null,
  location: null,
  method: null,
  ...more,
});

describe('containing a host', () => {
  let world: ContainedHost;
  onAHost((fresh) => (world = fresh));
  const agent = () => world.host.state.read('agent');

  it('freezes the agent, reads it back, and signs what it was before', async () => {
    const outcome = await world.contain('freeze_agent');
    expect(outcome).toMatchObject({ action: 'freeze_agent', success: true });
    expect(agent()).toEqual({ state: 'frozen', revision: 2, by: 'reseal' });
    expect(payloadOf(outcome.receipt)).toMatchObject({
      incident_id: INCIDENT,
      type: 'contained',
      transition: 'contained/1/freeze_agent',
    });
    expect(dataOf(outcome.receipt).targets).toEqual([
      {
        target: 'agent',
        kind: 'http',
        did: 'contained',
        before: { state: 'released', revision: '1' },
        now: { state: 'contained', revision: '2' },
      },
    ]);
  });

  it('undoes what it did, and only with a warrant that carries it', async () => {
    await world.contain('freeze_agent');
    world.verdict = { ok: false, code: 'warrant_expired', message: 'it was over' };
    expect(await world.release('freeze_agent')).toEqual({
      outcome: 'refused',
      code: 'warrant_expired',
      message: 'it was over',
    });
    expect(agent().state).toBe('frozen');
    world.verdict = { ok: true };
    const { data, receipt, left } = await world.released('freeze_agent');
    expect(agent().state).toBe('running');
    expect(left).toBeUndefined();
    expect(payloadOf(receipt).transition).toBe('released/1/freeze_agent');
    expect(data.targets).toMatchObject([{ target: 'agent', did: 'released' }]);
    expect(world.judged).toHaveLength(2);
  });

  it('answers the same where an answer was lost and it is asked again', async () => {
    await world.contain('freeze_agent');
    await world.contain('freeze_agent');
    expect(agent().revision).toBe(2);
    const first = await world.released('freeze_agent');
    const again = await world.released('freeze_agent');
    expect(agent().revision).toBe(3);
    expect(again.data.targets).toEqual(first.data.targets);
  });

  it('leaves what somebody else had contained before', async () => {
    world.host.state.set('agent', 'frozen', 'carol');
    const outcome = await world.contain('freeze_agent');
    expect(dataOf(outcome.receipt).targets).toMatchObject([{ did: 'was_contained', before: { revision: '2' } }]);
    const { left, success, data } = await world.released('freeze_agent');
    expect({ left, success }).toEqual({ left: true, success: true });
    expect(data.targets).toMatchObject([{ did: 'left', why: 'contained_before' }]);
    expect(agent()).toEqual({ state: 'frozen', revision: 2, by: 'carol' });
  });

  it('leaves what somebody released and contained again since', async () => {
    await world.contain('freeze_agent');
    world.host.state.set('agent', 'running', 'carol');
    world.host.state.set('agent', 'frozen', 'carol');
    const { data, left } = await world.released('freeze_agent');
    expect(left).toBe(true);
    expect(data.targets).toMatchObject([{ did: 'left', why: 'changed_since' }]);
    expect(agent()).toMatchObject({ state: 'frozen', by: 'carol' });
  });

  it('says so where somebody has released it already', async () => {
    await world.contain('freeze_agent');
    world.host.state.set('agent', 'running', 'carol');
    const { data, left } = await world.released('freeze_agent');
    expect(left).toBeUndefined();
    expect(data.targets).toMatchObject([{ did: 'left', why: 'released_by_another' }]);
  });

  it('contains again what somebody released during the incident, and undoes that', async () => {
    await world.contain('freeze_agent');
    world.host.state.set('agent', 'running', 'carol');
    await world.contain('freeze_agent');
    expect(agent().state).toBe('frozen');
    expect((await world.released('freeze_agent')).data.targets).toMatchObject([{ did: 'released' }]);
    expect(agent().state).toBe('running');
  });

  it('keeps a host contained for as long as another incident holds it, and lets go with the last', async () => {
    await world.contain('freeze_agent');
    await world.contain('freeze_agent', { incident: OTHER });
    const first = await world.released('freeze_agent');
    expect(first.left).toBe(true);
    expect(first.data.targets).toMatchObject([{ did: 'left', why: 'held_by_another_incident' }]);
    expect(agent().state).toBe('frozen');
    const last = await world.released('freeze_agent', { incident: OTHER });
    expect(last.data.targets).toMatchObject([{ did: 'released', before: { revision: '1' } }]);
    expect(agent().state).toBe('running');
  });

  it('contains again after a release, for an incident that comes later', async () => {
    await world.contain('freeze_agent');
    await world.released('freeze_agent');
    await world.contain('freeze_agent', { incident: OTHER });
    expect(agent().state).toBe('frozen');
    await world.released('freeze_agent', { incident: OTHER });
    expect(agent().state).toBe('running');
  });

  it('undoes nothing of an incident that never contained anything', async () => {
    world.host.state.set('agent', 'frozen', 'carol');
    const { data } = await world.released('freeze_agent');
    expect(data.targets).toMatchObject([{ did: 'left', why: 'never_contained' }]);
    expect(agent().state).toBe('frozen');
  });

  it('contains where the state cannot be read, and then undoes nothing that may not be its own', async () => {
    world.host.state.fault('agent', fault('error', { method: 'GET' }));
    const failed = await world.contain('freeze_agent');
    expect(failed).toMatchObject({ success: false });
    expect(agent().state).toBe('frozen');
    world.host.state.clearFaults();
    expect(await world.contain('freeze_agent')).toMatchObject({ success: true });
    expect((await world.released('freeze_agent')).data.targets).toMatchObject([{ did: 'left', why: 'before_unknown' }]);
    expect(agent().state).toBe('frozen');
  });

  it('goes on where it was killed between the call and the answer', async () => {
    world.host.state.fault('agent', fault('error', { method: 'POST', times: 1 }));
    expect(await world.contain('freeze_agent')).toMatchObject({ success: false });
    expect(await world.contain('freeze_agent')).toMatchObject({ success: true });
    world.host.state.fault('agent', fault('error', { method: 'POST', times: 1 }));
    expect(await world.released('freeze_agent')).toMatchObject({ success: false });
    expect(agent().state).toBe('frozen');
    expect((await world.released('freeze_agent')).data.targets).toMatchObject([{ did: 'released' }]);
    expect(agent().state).toBe('running');
  });

  it.each([
    ['unreachable', fault('unreachable'), 'unreachable'],
    ['answering 500', fault('error'), 'http_status'],
    ['answering without end', fault('endless'), 'answer_too_long'],
    ['sending elsewhere', fault('redirect', { location: 'http://127.0.0.1:9/' }), 'redirected'],
    ['saying that it has and has not', fault('forget'), 'not_contained_yet'],
    ['lying about it', fault('lie', { state: 'running' }), 'not_contained_yet'],
    ['saying a third word', fault('lie', { state: 'asleep' }), 'answer_malformed'],
  ])('fails loudly at a service that is %s, and persists where it is to', async (_, wrong, code) => {
    world.host.state.fault('agent', wrong);
    const outcome = await world.contain('freeze_agent');
    expect(outcome.success).toBe(false);
    expect(outcome.error).toContain(`agent: ${code}`);
    expect(payloadOf(outcome.receipt).transition).toBe(`contained/1/freeze_agent/failed/${world.clock.now()}`);
    await expect(world.contain('freeze_agent', { persist: true })).rejects.toMatchObject({
      type: 'not_contained',
      nonRetryable: false,
    });
    world.host.state.clearFaults();
    expect(await world.contain('freeze_agent', { persist: true })).toMatchObject({ success: true });
  });

  it('fails at a service that answers too late', async () => {
    const { services, actions } = world.hosts[world.host.name] ?? { services: {}, actions: {} };
    const target = actions.freeze_agent?.['agent'];
    if (target?.kind !== 'http') throw new Error('expected an HTTP target');
    target.timeout_seconds = 1;
    expect(services.agent).toBeDefined();
    world.host.state.fault('agent', fault('slow', { delay_ms: 600_000 }));
    expect((await world.contain('freeze_agent')).error).toContain('timed_out');
  }, 20_000);

  it('says of a release that was not carried out that it was not', async () => {
    await world.contain('freeze_agent');
    world.host.state.fault('agent', fault('forget'));
    expect(await world.released('freeze_agent')).toMatchObject({ success: false });
    await expect(world.release('freeze_agent', { persist: true })).rejects.toMatchObject({ type: 'not_released' });
    world.host.state.clearFaults();
    expect(await world.released('freeze_agent')).toMatchObject({ success: true });
  });

  it('contains nothing on a host, and by an action, that is not configured', async () => {
    expect(await world.contain('freeze_agent', { host: 'elsewhere' })).toMatchObject({
      success: false,
      error: 'host_not_configured',
    });
    expect((await world.contain('freeze_agent', { host: '__proto__' })).error).toBe('host_not_configured');
    delete world.hosts[world.host.name]?.actions.freeze_agent;
    expect((await world.contain('freeze_agent')).error).toBe('action_not_configured');
    expect(world.host.state.asked).toEqual([]);
  });

  it('refuses an incident without the id of one', async () => {
    await expect(world.contain('freeze_agent', { incident: 'INC-1' })).rejects.toMatchObject({ nonRetryable: true });
  });

  it('logs an alert that nobody configured, once a call, and has nothing to undo', async () => {
    expect(await world.contain('log_alert')).toMatchObject({ success: true });
    expect(world.logged).toEqual([
      {
        message: 'incident',
        fields: { incident_id: INCIDENT, generation: 1, host: 'local-host', action: 'log_alert' },
      },
    ]);
    expect((await world.released('log_alert')).data.targets).toEqual([]);
  });

  it('contains every other target where one of them fails', async () => {
    const host = world.hosts[world.host.name];
    const [agentTarget, vault] = [host?.actions.freeze_agent?.['agent'], host?.actions.force_vault_relock?.['vault']];
    if (!host || !agentTarget || !vault) throw new Error('expected both targets');
    host.actions.freeze_agent = { agent: agentTarget, vault };
    world.host.state.fault('agent', fault('unreachable'));
    const outcome = await world.contain('freeze_agent');
    expect(dataOf(outcome.receipt).targets?.map(({ target, did }) => [target, did])).toEqual([
      ['agent', 'failed'],
      ['vault', 'contained'],
    ]);
    world.host.state.clearFaults();
    await world.contain('freeze_agent');
    const { data } = await world.released('freeze_agent');
    expect(data.targets?.map(({ target, did }) => [target, did])).toEqual([
      ['vault', 'released'],
      ['agent', 'released'],
    ]);
  });
});
