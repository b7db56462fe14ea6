import { afterAll, beforeAll, describe, it, type ExpectStatic } from 'vitest';
import { CeremonyStack, type Asked } from '../support/ceremony-stack.js';
import { aftermath } from '../support/good-end.js';
import { PEOPLE, ROLE } from '../support/people.js';
import { flagsInSearch, historyLength, hurry, isOver, ledgerOf, noticesOf, timesOf } from '../support/records.js';

let stack: CeremonyStack;
beforeAll(async () => {
  stack = await CeremonyStack.start();
});
afterAll(() => stack.stop());

const REMOVAL = { action: 'adminRemove', validation_only: false };
const applications = () => stack.stack.settings.applications;

/** Active, and past the five minutes in which Graph removes nothing. */
async function standing(): Promise<Asked> {
  const asked = await stack.ask();
  await stack.approve(asked);
  await hurry(stack, asked.event, ({ state }) => state === 'active');
  await stack.advance(asked.event, '6m');
  return asked;
}

const removals = async ({ tenant }: Asked) =>
  (await stack.graph.truth(tenant)).calls.filter(({ action }) => action === 'adminRemove');

const over = (asked: Asked) => hurry(stack, asked.event, isOver, { step: '1m', steps: 60 });

describe.concurrent('when the provider fails every revert for an hour', () => {
  it(
    'goes on without growing its history, says that it is overdue, and ends',
    { timeout: 300_000 },
    async ({ expect }) => {
      const asked = await standing();
      await stack.graph.fault({ tenant: asked.tenant, effect: 'status', status: 500, times: null, ...REMOVAL });
      await stack.say(asked, 'alice', 'close');
      await stack.untilState(asked.event, 'resealing');
      // What the kill itself wrote (its entries, its mark) is done before the hour is measured.
      await stack.until(asked.event, ({ mark }) => mark === 'standing');
      // So is the removal that the order itself began: after half a minute it is the ceremony's own, which has no end.
      await stack.advance(asked.event, '1m');
      const before = await historyLength(stack, asked.event);
      await stack.advance(asked.event, '9m');
      const overdue = await historyLength(stack, asked.event);
      // Once, to say that it is overdue; and then nothing at all, however often it is tried.
      expect(overdue - before).toBeLessThanOrEqual(16);
      for (let passed = 10; passed < 60; passed += 10) await stack.advance(asked.event, '10m');
      expect(await historyLength(stack, asked.event)).toBe(overdue);
      const hourLater = await stack.view(asked.event);
      expect(hourLater).toMatchObject({ state: 'resealing', status: 'active', flags: ['rollback_overdue'] });
      expect((await stack.graph.truth(asked.tenant)).calls.length).toBeGreaterThan(50);
      expect(await flagsInSearch(stack, asked.event)).toEqual(['rollback_overdue']);
      expect(await noticesOf(stack, asked.event, 'overdue')).toEqual(['overdue']);
      // The provider has ended it meanwhile, as it was told to at the grant.
      expect((await stack.graph.truth(asked.tenant)).assignments).toEqual([]);

      await stack.graph.clearFaults(asked.tenant);
      const view = await over(asked);
      expect(view).toMatchObject({ state: 'closed', status: 'closed', flags: [] });
      expect(await aftermath(stack, asked)).toMatchObject({ standing: [], bundle: { ok: true } });
    },
  );
});

describe.concurrent('when the removal is throttled', () => {
  it('waits as long as Retry-After asks, and removes it once', async ({ expect }) => {
    const asked = await standing();
    await stack.graph.fault({
      tenant: asked.tenant,
      effect: 'status',
      status: 429,
      retry_after: 5,
      times: 2,
      ...REMOVAL,
    });
    await stack.say(asked, 'alice', 'close');
    // In real time: a skip may run a retry before the time that it is stamped with.
    await stack.until(asked.event, ({ rollback }) => rollback.accepted_at !== null);
    const view = await over(asked);
    expect(view).toMatchObject({ state: 'closed', flags: [] });
    const calls = await removals(asked);
    expect(calls.map(({ status }) => status)).toEqual([429, 429, 201]);
    for (const [index, { at }] of calls.slice(1).entries())
      expect(Date.parse(at) - Date.parse(calls[index]?.at ?? '')).toBeGreaterThanOrEqual(5_000);
    expect(await aftermath(stack, asked)).toMatchObject({ standing: [], bundle: { ok: true } });
  });
});

describe.concurrent('when the removal is carried out and its answer lost', () => {
  it.for([['lost_response'], ['status'], ['html']] as const)(
    'confirms it all the same: %s',
    async ([effect], { expect }) => {
      const asked = await standing();
      const fault = effect === 'lost_response' ? { effect } : { effect, status: 503, after: true };
      await stack.graph.fault({ tenant: asked.tenant, ...fault, ...REMOVAL });
      await stack.say(asked, 'alice', 'close');
      const view = await over(asked);
      expect(view).toMatchObject({ state: 'closed', flags: [], findings: [] });
      const times = timesOf(view);
      expect(times).toHaveLength(5);
      expect(times).toEqual(times.toSorted((a, b) => a - b));
      // The provider's own list shows our removal: there is nothing to call again.
      expect(await removals(asked)).toHaveLength(1);
      expect(await aftermath(stack, asked)).toMatchObject({ standing: [], bundle: { ok: true } });
    },
  );

  it('confirms it although stale reads go on showing the assignment', async ({ expect }) => {
    const asked = await standing();
    await stack.graph.lag(asked.tenant, 60_000);
    await stack.graph.fault({ tenant: asked.tenant, effect: 'lost_response', ...REMOVAL });
    await stack.say(asked, 'alice', 'close');
    const view = await over(asked);
    expect(view.state).toBe('closed');
    expect(await aftermath(stack, asked)).toMatchObject({ standing: [], bundle: { ok: true } });
  });
});

describe.concurrent("when somebody else's assignment has taken the place of ours", () => {
  it.for([['pim'], ['direct']] as const)('leaves it alone and says so: %s', async ([via], { expect }) => {
    const asked = await standing();
    const tuple = {
      tenant: asked.tenant,
      principal_id: PEOPLE[0]?.object_id,
      role_definition_id: ROLE.template_id,
    };
    await stack.graph.assignment({ ...tuple, remove: true });
    await stack.graph.assignment({ ...tuple, via });
    await stack.say(asked, 'alice', 'close');
    const view = await over(asked);
    expect(view).toMatchObject({ state: 'closed', cause: 'close' });
    expect(view.findings.map(({ code }) => code)).toContain('foreign_assignment');
    expect(await removals(asked)).toEqual([]);
    const { standing: left, bundle } = await aftermath(stack, asked);
    expect(left).toMatchObject([{ ends_at: null, ticket_number: null }]);
    expect(bundle).toEqual({ ok: true, errors: [] });
  });
});

describe.concurrent("when somebody else's assignment has taken the place of ours without a trace in PIM", () => {
  it('leaves it alone: while the glass is broken', async ({ expect }) => {
    const asked = await standing();
    await replaceDirectly(asked);
    await stack.say(asked, 'alice', 'close');
    expect(await over(asked)).toMatchObject({ state: 'closed' });
    await expectLeftAlone(expect, asked);
  });

  it('leaves it alone: after an outage in which the provider had ended ours', async ({ expect }) => {
    const asked = await standing();
    await stack.advance(asked.event, '23m');
    const app = applications().directory_role;
    const down = { tenant: asked.tenant, method: null, path: '*', effect: 'status', status: 503, times: null };
    await stack.graph.fault({ ...down, app });
    await stack.advance(asked.event, '13m');
    expect((await stack.graph.truth(asked.tenant)).assignments).toEqual([]);
    await replaceDirectly(asked);
    await stack.graph.clearFaults(asked.tenant);
    expect(await over(asked)).toMatchObject({ state: 'expired' });
    await expectLeftAlone(expect, asked);
  });

  const replaceDirectly = ({ tenant }: Asked): Promise<void> =>
    stack.graph.assignment({
      tenant,
      principal_id: PEOPLE[0]?.object_id,
      role_definition_id: ROLE.template_id,
      via: 'direct',
    });

  async function expectLeftAlone(expect: ExpectStatic, asked: Asked): Promise<void> {
    expect((await stack.view(asked.event)).findings.map(({ code }) => code)).toContain('foreign_assignment');
    const { standing: left, bundle } = await aftermath(stack, asked);
    expect(left).toMatchObject([{ ends_at: null, ticket_number: null }]);
    expect((await removals(asked)).filter(({ status }) => status === 201)).toEqual([]);
    expect(bundle).toEqual({ ok: true, errors: [] });
  }
});

describe.concurrent('when sign-in sessions cannot be ended for a while', () => {
  it('ends the privilege first, shows that sessions are open, and goes on until they are ended', async ({ expect }) => {
    const asked = await standing();
    await stack.graph.fault({
      tenant: asked.tenant,
      path: '/users/*/revokeSignInSessions',
      effect: 'status',
      status: 503,
      times: null,
    });
    await stack.say(asked, 'alice', 'close');
    const view = await over(asked);
    expect(view).toMatchObject({
      state: 'closed',
      status: 'closed',
      flags: ['sessions_open'],
      sessions_ended_at: null,
    });
    expect((await stack.graph.truth(asked.tenant)).sessions_revoked).toEqual([]);
    await stack.graph.clearFaults(asked.tenant);
    const done = await hurry(stack, asked.event, ({ sessions_ended_at }) => sessions_ended_at !== null, { step: '1m' });
    expect(done).toMatchObject({ state: 'closed', flags: [] });
    expect((await stack.graph.truth(asked.tenant)).sessions_revoked).toMatchObject([
      { principal_id: PEOPLE[0]?.object_id },
    ]);
    const types = async (): Promise<string[]> => (await ledgerOf(stack, asked.event)).map(({ type }) => type);
    await expect.poll(types, { timeout: 20_000 }).toContain('sessions_ended');
    expect(await aftermath(stack, asked)).toMatchObject({ standing: [], bundle: { ok: true } });
  });
});

describe.concurrent('when no effect can be reached until past the dead-man', () => {
  it('is ended by the provider, and confirmed once somebody can look', async ({ expect }) => {
    const asked = await standing();
    await stack.advance(asked.event, '23m');
    const { dead_man_at, expires_at } = await stack.view(asked.event);
    const down = { tenant: asked.tenant, method: null, path: '*', effect: 'status', status: 503, times: null };
    for (const app of Object.values(applications())) await stack.graph.fault({ ...down, app });
    await stack.advance(asked.event, '2m');
    expect(await stack.view(asked.event)).toMatchObject({ state: 'resealing', cause: 'deadline' });
    expect((await stack.graph.truth(asked.tenant)).assignments).toMatchObject([{ ends_at: dead_man_at }]);
    await stack.advance(asked.event, '10m');
    const dead = await stack.graph.truth(asked.tenant);
    expect(Date.parse(dead.now)).toBeGreaterThan(Date.parse(dead_man_at ?? ''));
    expect(dead.assignments).toEqual([]);
    expect((await stack.view(asked.event)).state).toBe('resealing');
    await stack.graph.clearFaults(asked.tenant);
    const view = await over(asked);
    expect(view).toMatchObject({ state: 'expired', status: 'expired' });
    expect(Date.parse(view.rollback.confirmed_at ?? '')).toBeGreaterThan(Date.parse(dead_man_at ?? ''));
    expect(Date.parse(dead_man_at ?? '') - Date.parse(expires_at ?? '')).toBe(10 * 60_000);
    expect(await aftermath(stack, asked)).toMatchObject({ standing: [], bundle: { ok: true } });
  });
});
