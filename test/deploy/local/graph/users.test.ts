import { describe, expect, it } from 'vitest';
import {
  ALICE,
  APP,
  ASSIGNMENTS,
  Caller,
  control,
  MINUTE,
  refusal,
  SECURITY_ADMIN,
  simulator,
  T0,
  truth,
} from './harness.js';

describe('when a user is read or changed', () => {
  it('is found by id and by name, and shows only default properties unless others are selected', async () => {
    const caller = new Caller(await simulator());
    expect(await caller.get('/users/ALICE@example.test')).toMatchObject({ id: ALICE });
    expect(await caller.get(`/users/${ALICE}`)).not.toHaveProperty('accountEnabled');
    expect(await caller.get(`/users/${ALICE}?$select=accountEnabled`)).toMatchObject({ accountEnabled: true });
    expect(await refusal(caller.get('/users/nobody@example.test'))).toBe('404 Request_ResourceNotFound');
  });

  it('is disabled and enabled', async () => {
    const caller = new Caller(await simulator());
    await caller.graph.api(`/users/${ALICE}`).patch({ accountEnabled: false });
    expect(await caller.get(`/users/${ALICE}?$select=id,accountEnabled`)).toMatchObject({ accountEnabled: false });
    expect(await refusal(caller.graph.api(`/users/${ALICE}`).patch({ department: 'x' }))).toBe(
      '400 Request_BadRequest',
    );
  });

  it('has its sessions ended, as often as asked', async () => {
    const sim = await simulator();
    const caller = new Caller(sim);
    const revoke = (): Promise<unknown> => caller.graph.api(`/users/${ALICE}/revokeSignInSessions`).post({});
    expect(await revoke()).toMatchObject({ value: true });
    caller.now = T0 + MINUTE;
    await revoke();
    const user = await caller.get(`/users/${ALICE}?$select=signInSessionsValidFromDateTime`);
    expect(Date.parse(user['signInSessionsValidFromDateTime'] as string)).toBeGreaterThanOrEqual(T0 + MINUTE);
    expect((await truth(sim)).sessions_revoked).toMatchObject([{ principal_id: ALICE }, { principal_id: ALICE }]);
  });

  it('is added through the control API', async () => {
    const sim = await simulator();
    const { body } = await control(sim, '/users', { user_principal_name: 'carol@example.test' });
    expect(await new Caller(sim).get('/users/carol@example.test')).toMatchObject({ id: body['id'] });
  });
});

describe('when a role is assigned outside PIM', () => {
  const body = { principalId: ALICE, roleDefinitionId: SECURITY_ADMIN, directoryScopeId: '/' };

  it('is created, refused twice, read, deleted and gone', async () => {
    const sim = await simulator();
    const caller = new Caller(sim);
    const made = (await caller.graph.api(ASSIGNMENTS).post(body)) as { id: string };
    expect(await refusal(caller.graph.api(ASSIGNMENTS).post(body))).toBe('400 Request_BadRequest');
    expect(await caller.get(`${ASSIGNMENTS}/${made.id}`)).toMatchObject({ resourceScope: '/' });
    expect((await truth(sim)).assignments).toMatchObject([{ via: 'direct', ends_at: null, created_by_app: APP }]);
    await caller.graph.api(`${ASSIGNMENTS}/${made.id}`).delete();
    expect(await refusal(caller.get(`${ASSIGNMENTS}/${made.id}`))).toBe('404 Request_ResourceNotFound');
    const missing = { ...body, principalId: APP };
    expect(await refusal(caller.graph.api(ASSIGNMENTS).post(missing))).toBe('404 Request_ResourceNotFound');
  });

  it('does not delete what PIM made', async () => {
    const caller = new Caller(await simulator());
    await caller.pim();
    const [row] = await caller.list(ASSIGNMENTS);
    expect(await refusal(caller.graph.api(`${ASSIGNMENTS}/${String(row?.['id'])}`).delete())).toBe(
      '400 Request_BadRequest',
    );
  });
});
