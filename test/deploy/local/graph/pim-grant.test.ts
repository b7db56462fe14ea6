import { describe, expect, it } from 'vitest';
import { ALICE, APP, ASSIGNMENTS, Caller, INSTANCES, MINUTE, REQUESTS, SCHEDULES } from './harness.js';
import { SECURITY_ADMIN, simulator, T0, truth, until, type Wire } from './harness.js';

describe('when an administrator assigns a role through PIM', () => {
  it('answers 201 Provisioned, rewrites the start and gives the request and its schedule one id', async () => {
    const caller = new Caller(await simulator());
    const request = await caller.pim({ scheduleInfo: until(T0 + 60 * MINUTE, T0 - 5000) });
    expect(request).toMatchObject({
      status: 'Provisioned',
      action: 'adminAssign',
      targetScheduleId: request['id'],
      createdBy: { application: { id: APP }, user: null },
      ticketInfo: { ticketNumber: 'event/0123456789abcdef', ticketSystem: 'reseal' },
      scheduleInfo: { expiration: { type: 'afterDateTime', endDateTime: '2026-11-21T02:00:00Z', duration: null } },
    });
    const start = Date.parse((request['scheduleInfo'] as { startDateTime: string }).startDateTime);
    expect(start).toBeGreaterThanOrEqual(T0);
    expect(start).toBeLessThan(T0 + 5000);
  });

  it('shows it as instance, schedule, request and role assignment, linked by their ids', async () => {
    const caller = new Caller(await simulator());
    const { id } = await caller.pim();
    const filter = `principalId eq '${ALICE}' and roleDefinitionId eq '${SECURITY_ADMIN}' and directoryScopeId eq '/'`;
    const [instance] = await caller.list(INSTANCES, filter);
    const [schedule] = await caller.list(SCHEDULES, filter);
    const [assignment] = await caller.list(ASSIGNMENTS, `principalId eq '${ALICE}'`);
    expect(instance).toMatchObject({ roleAssignmentScheduleId: id, assignmentType: 'Assigned', memberType: 'Direct' });
    expect(instance?.['roleAssignmentOriginId']).toBe(assignment?.['id']);
    expect(schedule).toMatchObject({ id, createdUsing: id, status: 'Provisioned' });
    expect(await caller.get(`${REQUESTS}/${String(id)}`)).toMatchObject({ id, justification: 'incident 42' });
    expect(await caller.get(`${INSTANCES}/${String(instance?.['id'])}`)).toMatchObject({ principalId: ALICE });
    expect(await caller.get(`${SCHEDULES}/${String(id)}`)).toMatchObject({ id });
  });

  it('ends on the server at its end, without anybody', async () => {
    const caller = new Caller(await simulator());
    await caller.pim();
    caller.now = T0 + 60 * MINUTE - 2000;
    expect(await caller.list(INSTANCES)).toHaveLength(1);
    caller.now = T0 + 60 * MINUTE;
    expect(await caller.list(INSTANCES)).toHaveLength(0);
    expect(await caller.list(SCHEDULES)).toHaveLength(0);
    expect(await caller.list(ASSIGNMENTS)).toHaveLength(0);
    caller.now = T0 + 30 * MINUTE;
    expect(await caller.list(INSTANCES), 'the clock went back: expiry destroys nothing').toHaveLength(1);
  });

  it('takes durations and any letter case of the expiration type, and answers in camel case', async () => {
    const caller = new Caller(await simulator());
    const scheduleInfo = { expiration: { type: 'AfterDuration', duration: 'PT1H' } };
    const request = await caller.pim({ scheduleInfo });
    expect(request['scheduleInfo']).toMatchObject({ expiration: { type: 'afterDuration', duration: 'PT1H' } });
    const [instance] = await caller.list(INSTANCES);
    const length = Date.parse(instance?.['endDateTime'] as string) - Date.parse(instance?.['startDateTime'] as string);
    expect(length).toBe(60 * MINUTE);
  });

  it('validates without changing anything where isValidationOnly is set', async () => {
    const sim = await simulator();
    const caller = new Caller(sim);
    const answer = await caller.pim({ isValidationOnly: true });
    expect(answer).toMatchObject({ isValidationOnly: true, targetScheduleId: null });
    expect(await caller.list(REQUESTS)).toHaveLength(0);
    expect((await truth(sim)).assignments).toHaveLength(0);
  });

  it('is Granted and not active while its start lies ahead, then Provisioned', async () => {
    const sim = await simulator();
    const caller = new Caller(sim);
    const granted = await caller.pim({ scheduleInfo: until(T0 + 60 * MINUTE, T0 + 10 * MINUTE) });
    expect(granted['status']).toBe('Granted');
    expect(await caller.list(INSTANCES)).toHaveLength(0);
    expect(await caller.list(SCHEDULES, "status eq 'Granted'")).toHaveLength(1);
    caller.now = T0 + 10 * MINUTE;
    expect(await caller.list(INSTANCES)).toHaveLength(1);
    expect(await caller.get(`${REQUESTS}/${String(granted['id'])}`)).toMatchObject({ status: 'Provisioned' });
  });

  it('tells the truth with the ticket, the maker and the end', async () => {
    const sim = await simulator();
    await new Caller(sim).pim();
    const { assignments, calls } = await truth(sim);
    expect(assignments).toMatchObject([
      {
        principal_id: ALICE,
        role_definition_id: SECURITY_ADMIN,
        directory_scope_id: '/',
        ends_at: '2026-11-21T02:00:00.000Z',
        ticket_number: 'event/0123456789abcdef',
        created_by_app: APP,
      },
    ]);
    expect(calls).toMatchObject([{ method: 'POST', path: `/v1.0${REQUESTS}`, status: 201, action: 'adminAssign' }]);
    expect(calls[0]?.['client_request_id']).toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe('when a window is changed', () => {
  it('keeps schedule and start, and gives the new end', async () => {
    const sim = await simulator();
    const caller = new Caller(sim);
    const first = await caller.pim();
    caller.now = T0 + 10 * MINUTE;
    const second = await caller.pim({ action: 'adminUpdate', scheduleInfo: until(T0 + 30 * MINUTE) });
    expect(second['targetScheduleId']).toBe(first['id']);
    const [instance] = await caller.list(INSTANCES);
    expect(instance).toMatchObject({ endDateTime: '2026-11-21T01:30:00Z' });
    expect(Date.parse(instance?.['startDateTime'] as string)).toBeLessThan(T0 + MINUTE);
    caller.now = T0 + 30 * MINUTE;
    expect((await caller.list(INSTANCES)) satisfies Wire[]).toHaveLength(0);
  });
});
