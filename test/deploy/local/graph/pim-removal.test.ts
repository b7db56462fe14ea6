import { describe, expect, it } from 'vitest';
import { ALICE, Caller, control, INSTANCES, MINUTE, refusal, REQUESTS, SECURITY_ADMIN, simulator } from './harness.js';
import { T0, TENANT, truth, until, type Wire } from './harness.js';

describe('when an assignment is removed', () => {
  it('is refused for five minutes, then answered 201 Revoked, then there is nothing to remove', async () => {
    const sim = await simulator();
    const caller = new Caller(sim);
    const granted = await caller.pim();
    const startsAt = Date.parse((granted['scheduleInfo'] as { startDateTime: string }).startDateTime);
    caller.now = startsAt + 5 * MINUTE - 1000;
    expect(await refusal(caller.remove())).toBe('400 ActiveDurationTooShort');
    caller.now = startsAt + 5 * MINUTE;
    expect(await caller.remove({ isValidationOnly: true })).toMatchObject({ isValidationOnly: true });
    expect((await truth(sim)).assignments).toHaveLength(1);
    expect(await caller.remove()).toMatchObject({ status: 'Revoked', targetScheduleId: granted['id'] });
    expect(await caller.list(INSTANCES)).toHaveLength(0);
    expect((await truth(sim)).assignments).toHaveLength(0);
    expect(await refusal(caller.remove())).toBe('400 RoleAssignmentDoesNotExist');
  });

  it('has nothing to remove after the end', async () => {
    const caller = new Caller(await simulator());
    await caller.pim();
    caller.now = T0 + 60 * MINUTE;
    expect(await refusal(caller.remove())).toBe('400 RoleAssignmentDoesNotExist');
  });

  it('takes away what somebody else gave outside PIM, at once: removal addresses the tuple', async () => {
    const sim = await simulator();
    await control(sim, '/assignments', { principal_id: ALICE, role_definition_id: SECURITY_ADMIN, via: 'direct' });
    const caller = new Caller(sim);
    expect(await caller.list(INSTANCES)).toMatchObject([{ startDateTime: null, endDateTime: null }]);
    await caller.remove();
    expect((await truth(sim)).assignments).toHaveLength(0);
  });

  it('allows selfDeactivate after five minutes', async () => {
    const sim = await simulator();
    await control(sim, '/eligibilities', { principal_id: ALICE, role_definition_id: SECURITY_ADMIN });
    const alice = new Caller(sim, `sim.${TENANT}.user:${ALICE}.`);
    await alice.pim({ action: 'selfActivate' });
    expect(await alice.list(INSTANCES)).toMatchObject([{ assignmentType: 'Activated' }]);
    const deactivate = (): Promise<Wire> => alice.pim({ action: 'selfDeactivate', scheduleInfo: undefined });
    expect(await refusal(deactivate())).toBe('400 ActiveDurationTooShort');
    alice.now = T0 + 6 * MINUTE;
    expect(await deactivate()).toMatchObject({ status: 'Revoked' });
  });
});

describe('when a request is canceled', () => {
  it('works while it is Granted, and only then', async () => {
    const sim = await simulator();
    const caller = new Caller(sim);
    const cancel = (id: unknown): Promise<unknown> => caller.graph.api(`${REQUESTS}/${String(id)}/cancel`).post({});
    const { id } = await caller.pim({ scheduleInfo: until(T0 + 60 * MINUTE, T0 + 10 * MINUTE) });
    expect(await refusal(caller.remove()), 'nothing stands that could be removed').toBe(
      '400 PendingRoleAssignmentRequest',
    );
    await cancel(id);
    expect(await caller.get(`${REQUESTS}/${String(id)}`)).toMatchObject({ status: 'Canceled' });
    caller.now = T0 + 11 * MINUTE;
    expect((await truth(sim)).assignments).toHaveLength(0);
    expect(await refusal(cancel(id))).toBe('400 InvalidRoleAssignmentRequest');
    const active = await caller.pim();
    expect(await refusal(cancel(active['id']))).toBe('400 InvalidRoleAssignmentRequest');
    expect(await refusal(cancel(ALICE))).toBe('404 RoleAssignmentRequestNotFound');
    caller.now = T0 + 32 * 24 * 60 * MINUTE;
    expect(await refusal(caller.get(`${REQUESTS}/${String(id)}`))).toBe('404 RoleAssignmentRequestNotFound');
  });
});
