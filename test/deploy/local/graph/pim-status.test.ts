import { describe, expect, it } from 'vitest';
import { Caller, control, INSTANCES, MINUTE, refusal, REQUESTS, simulator, T0, truth } from './harness.js';

describe('when the status of the next requests is forced', () => {
  it('provisions a pending one later, and refuses others for the tuple meanwhile', async () => {
    const sim = await simulator();
    const caller = new Caller(sim);
    await control(sim, '/statuses', { statuses: ['PendingProvisioning'] });
    const pending = await caller.pim();
    expect(pending['status']).toBe('PendingProvisioning');
    expect(await caller.list(INSTANCES)).toHaveLength(0);
    expect(await refusal(caller.pim())).toBe('400 PendingRoleAssignmentRequest');
    expect(await refusal(caller.remove())).toBe('400 PendingRoleAssignmentRequest');
    caller.now = T0 + MINUTE;
    expect(await caller.list(INSTANCES)).toHaveLength(1);
    expect(await caller.get(`${REQUESTS}/${String(pending['id'])}`)).toMatchObject({ status: 'Provisioned' });
    expect(await refusal(caller.pim())).toBe('400 RoleAssignmentExists');
  });

  it.each(['Failed', 'Denied', 'TimedOut', 'PendingApproval', 'Revoked'])('grants nothing with %s', async (status) => {
    const sim = await simulator();
    const caller = new Caller(sim);
    await control(sim, '/statuses', { statuses: [status] });
    expect(await caller.pim()).toMatchObject({ status });
    caller.now = T0 + 30 * MINUTE;
    await caller.list(INSTANCES);
    expect((await truth(sim)).assignments).toHaveLength(0);
  });

  it('grants with a word that nobody knows', async () => {
    const sim = await simulator();
    const caller = new Caller(sim);
    await control(sim, '/statuses', { statuses: ['Flummoxed'] });
    expect(await caller.pim()).toMatchObject({ status: 'Flummoxed' });
    expect((await truth(sim)).assignments).toHaveLength(1);
  });

  it('follows what the test says of effect and settling, first status first', async () => {
    const sim = await simulator();
    const caller = new Caller(sim);
    await control(sim, '/statuses', {
      statuses: [
        { status: 'Flummoxed', takes_effect: false },
        { status: 'PendingEvaluation', settles_to: 'Failed', after_seconds: 5 },
        { status: 'PendingEvaluation', settles_to: 'Provisioned', after_seconds: 300 },
      ],
    });
    expect(await caller.pim()).toMatchObject({ status: 'Flummoxed' });
    expect((await truth(sim)).assignments).toHaveLength(0);
    const failing = await caller.pim();
    caller.now = T0 + MINUTE;
    expect(await caller.get(`${REQUESTS}/${String(failing['id'])}`)).toMatchObject({ status: 'Failed' });
    await caller.pim();
    caller.now = T0 + 5 * MINUTE;
    expect(await caller.list(INSTANCES)).toHaveLength(0);
    caller.now = T0 + 7 * MINUTE;
    expect(await caller.list(INSTANCES)).toHaveLength(1);
  });

  it('is not spent by a dry run or a refusal', async () => {
    const sim = await simulator();
    const caller = new Caller(sim);
    await control(sim, '/statuses', { statuses: ['Failed'] });
    expect(await caller.pim({ isValidationOnly: true })).not.toMatchObject({ status: 'Failed' });
    await refusal(caller.pim({ directoryScopeId: 'nowhere' }));
    expect(await caller.pim()).toMatchObject({ status: 'Failed' });
  });

  it('keeps an assignment until a pending removal settles', async () => {
    const sim = await simulator();
    const caller = new Caller(sim);
    await caller.pim();
    caller.now = T0 + 6 * MINUTE;
    await control(sim, '/statuses', { statuses: ['PendingRevocation'] });
    const removal = await caller.remove();
    expect(removal['status']).toBe('PendingRevocation');
    expect(await caller.list(INSTANCES)).toHaveLength(1);
    caller.now = T0 + 7 * MINUTE;
    expect(await caller.list(INSTANCES)).toHaveLength(0);
    expect(await caller.get(`${REQUESTS}/${String(removal['id'])}`)).toMatchObject({ status: 'Revoked' });
  });
});
