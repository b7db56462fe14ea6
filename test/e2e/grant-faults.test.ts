import { afterAll, beforeAll, describe, it } from 'vitest';
import type { EntryType } from '../../domain/entry.js';
import { CeremonyStack, type Asked } from '../support/ceremony-stack.js';
import { aftermath, grantsIn } from '../support/good-end.js';
import type { Truth } from '../support/graph-control.js';
import { PEOPLE, ROLE } from '../support/people.js';
import { entriesOf, hurry, isOver, ledgerOf, noticesOf } from '../support/records.js';

let stack: CeremonyStack;
beforeAll(async () => {
  stack = await CeremonyStack.start();
});
afterAll(() => stack.stop());

const GRANT = { action: 'adminAssign', validation_only: false };
const untilActive = (asked: Asked) => hurry(stack, asked.event, ({ state }) => state === 'active');

/** Calls that asked for the grant itself, answered or not. */
const grantCalls = async ({ tenant }: Asked): Promise<Truth['calls']> =>
  (await stack.graph.truth(tenant)).calls.filter(
    ({ action, validation_only }) => action === 'adminAssign' && !validation_only,
  );

const entryOf = async ({ event }: Asked, type: EntryType): Promise<Record<string, unknown> | undefined> =>
  (await entriesOf(stack, event, type))[0];

/** Closes what is active, and resolves with how it ended. */
async function closed(asked: Asked) {
  await stack.say(asked, 'alice', 'close');
  const view = await hurry(stack, asked.event, isOver, { step: '1m' });
  return { view, ...(await aftermath(stack, asked)) };
}

describe.concurrent("when the grant's answer is lost", () => {
  it('adopts what the first call made: one call, one assignment', async ({ expect }) => {
    const asked = await stack.ask();
    await stack.graph.fault({ tenant: asked.tenant, effect: 'lost_response', ...GRANT });
    await stack.approve(asked);
    await untilActive(asked);
    const truth = await stack.graph.truth(asked.tenant);
    expect(truth.assignments).toHaveLength(1);
    expect(grantsIn(truth)).toBe(1);
    expect(await grantCalls(asked)).toMatchObject([{ status: null, unanswered_status: 201 }]);
    expect(await entryOf(asked, 'granted')).toMatchObject({ adopted: true });
    expect(await closed(asked)).toMatchObject({ view: { state: 'closed' }, standing: [], bundle: { ok: true } });
  });

  it('adopts it although the reads are stale as well', async ({ expect }) => {
    const asked = await stack.ask();
    await stack.graph.lag(asked.tenant, 20_000);
    await stack.graph.fault({ tenant: asked.tenant, effect: 'lost_response', ...GRANT });
    await stack.approve(asked);
    await untilActive(asked);
    const truth = await stack.graph.truth(asked.tenant);
    expect(truth.assignments).toHaveLength(1);
    expect(grantsIn(truth)).toBe(1);
    expect(await closed(asked)).toMatchObject({ view: { state: 'closed' }, standing: [], bundle: { ok: true } });
  });
});

describe.concurrent('when reads lag behind writes', () => {
  it('neither misses the grant nor believes a stale read of it after the removal', async ({ expect }) => {
    const asked = await stack.ask();
    await stack.graph.lag(asked.tenant, 40_000);
    await stack.approve(asked);
    const active = await untilActive(asked);
    expect(active.findings).toEqual([]);
    const granted = Date.parse(String((await grantCalls(asked))[0]?.at));
    // Three agreeing reads with such a lag: not before the slowest replica may have caught up by chance.
    expect(Date.parse(active.activated_at ?? '')).toBeGreaterThan(granted + 10_000);
    await stack.advance(asked.event, '6m');
    const { view, standing, bundle } = await closed(asked);
    expect(standing).toEqual([]);
    expect(bundle).toEqual({ ok: true, errors: [] });
    expect(view).toMatchObject({ state: 'closed', findings: [], flags: [] });
    const { calls } = await stack.graph.truth(asked.tenant);
    expect(calls.filter(({ action, status }) => action === 'adminRemove' && status === 201)).toHaveLength(1);
  });
});

describe.concurrent('when the service fails around the grant', () => {
  it('tries again after 500, 502, 503, 504 and a page of a proxy, and grants once', async ({ expect }) => {
    const asked = await stack.ask();
    for (const status of [500, 502, 503, 504])
      await stack.graph.fault({ tenant: asked.tenant, effect: 'status', status, ...GRANT });
    await stack.graph.fault({ tenant: asked.tenant, effect: 'html', status: 502, ...GRANT });
    await stack.approve(asked);
    await untilActive(asked);
    const calls = await grantCalls(asked);
    expect(calls.map(({ status }) => status)).toEqual([500, 502, 503, 504, 502, 201]);
    expect(new Set(calls.map(({ client_request_id }) => client_request_id)).size).toBe(6);
    const truth = await stack.graph.truth(asked.tenant);
    expect(truth.assignments).toHaveLength(1);
    expect(await entryOf(asked, 'granted')).toMatchObject({ adopted: false });
    expect(await closed(asked)).toMatchObject({ view: { state: 'closed' }, standing: [], bundle: { ok: true } });
  });

  it.for([
    [500, 'status'],
    [503, 'status'],
    [504, 'status'],
    [502, 'html'],
  ] as const)('adopts what took effect behind a %s (%s)', async ([status, effect], { expect }) => {
    const asked = await stack.ask();
    await stack.graph.fault({ tenant: asked.tenant, effect, status, after: true, ...GRANT });
    await stack.approve(asked);
    await untilActive(asked);
    const truth = await stack.graph.truth(asked.tenant);
    expect(truth.assignments).toHaveLength(1);
    expect(await grantCalls(asked)).toMatchObject([{ status, unanswered_status: 201 }]);
    expect(await entryOf(asked, 'granted')).toMatchObject({ adopted: true });
  });

  it('waits as long as Retry-After asks when throttled, and backs off by itself without it', async ({ expect }) => {
    const asked = await stack.ask();
    const throttled = { tenant: asked.tenant, effect: 'status', status: 429, ...GRANT };
    await stack.graph.fault({ ...throttled, retry_after: 6 });
    await stack.graph.fault({ ...throttled, times: 2 });
    await stack.approve(asked);
    // In real time: a skip may run a retry before the time that it is stamped with.
    await stack.untilState(asked.event, 'active');
    const calls = await grantCalls(asked);
    expect(calls.map(({ status }) => status)).toEqual([429, 429, 429, 201]);
    const gaps = calls.slice(1).map(({ at }, index) => Date.parse(at) - Date.parse(calls[index]?.at ?? ''));
    expect(gaps[0]).toBeGreaterThanOrEqual(6_000);
    expect(gaps[1]).toBeGreaterThanOrEqual(1_000);
    expect(gaps[2]).toBeGreaterThan(gaps[1] ?? Infinity);
    // A throttled call did nothing: its ceremony is not in doubt.
    expect(await entryOf(asked, 'granted')).toMatchObject({ adopted: false });
    expect((await stack.graph.truth(asked.tenant)).assignments).toHaveLength(1);
  });
});

describe.concurrent('when a grant in doubt is killed', () => {
  it('watches until it appears, removes it, and confirms only then: lost answer, stale reads', async ({ expect }) => {
    const asked = await stack.ask();
    await stack.graph.lag(asked.tenant, 90_000);
    await stack.graph.fault({ tenant: asked.tenant, effect: 'lost_response', ...GRANT });
    await stack.approve(asked);
    await called(asked);
    expect((await stack.say(asked, 'erin', 'kill')).status).toBe('accepted');
    await settled(asked);
    const { standing, bundle, facts } = await aftermath(stack, asked);
    expect(standing).toEqual([]);
    expect(bundle).toEqual({ ok: true, errors: [] });
    expect(facts).toMatchObject({ end: 'revoked', cause: 'kill' });
    // It did take effect, and the removal that counts was carried out by us or by the provider at its end.
    expect(grantsIn(await stack.graph.truth(asked.tenant))).toBe(1);
  });

  it('finds the grant that takes effect after the kill, and removes it', async ({ expect }) => {
    const asked = await stack.ask();
    // The client gives up after ten seconds; the service carries the call out all the same, five seconds later.
    await stack.graph.fault({ tenant: asked.tenant, effect: 'delay', delay_ms: 15_000, ...GRANT });
    await stack.approve(asked);
    await stack.untilState(asked.event, 'granting');
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    expect((await stack.graph.truth(asked.tenant)).assignments).toEqual([]);
    expect((await stack.say(asked, 'bob', 'kill')).status).toBe('accepted');
    const killed = await stack.view(asked.event);
    expect(killed.state).toBe('resealing');
    await called(asked);
    expect((await stack.graph.truth(asked.tenant)).assignments).toHaveLength(1);
    const reappeared = await hurry(stack, asked.event, ({ flags }) => flags.includes('reappeared'), { step: '2m' });
    expect(reappeared).toMatchObject({ state: 'resealing', status: 'active' });
    const view = await settled(asked);
    expect(view).toMatchObject({ state: 'revoked', cause: 'kill', status: 'closed' });
    const { standing, bundle, grants } = await aftermath(stack, asked);
    expect(standing).toEqual([]);
    expect(bundle).toEqual({ ok: true, errors: [] });
    expect(grants).toBe(1);
    const types = (await ledgerOf(stack, asked.event)).map(({ type }) => type);
    expect(types).toContain('reappeared');
    expect(await noticesOf(stack, asked.event, 'reappeared')).toContain('reappeared');
  });

  it('goes on watching until the provider would have ended it, where none appears', async ({ expect }) => {
    const asked = await stack.ask();
    await stack.graph.fault({ tenant: asked.tenant, effect: 'status', status: 504, times: null, ...GRANT });
    await stack.approve(asked);
    await called(asked);
    await stack.say(asked, 'erin', 'kill');
    const view = await settled(asked);
    expect(view).toMatchObject({ state: 'revoked', status: 'closed' });
    expect(Date.parse(view.rollback.confirmed_at ?? '')).toBeGreaterThanOrEqual(Date.parse(view.dead_man_at ?? ''));
    expect(await aftermath(stack, asked)).toMatchObject({ standing: [], grants: 0, bundle: { ok: true } });
  });

  /** Resolves when the grant's first call has been carried out, answered or not. */
  const called = async (asked: Asked): Promise<void> => {
    await stack.until(asked.event, ({ state }) => state === 'granting' || state === 'resealing');
    for (let tries = 0; tries < 200; tries += 1) {
      if ((await grantCalls(asked)).length > 0) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error('the grant was never called');
  };
  const settled = (asked: Asked) => hurry(stack, asked.event, isOver, { step: '5m', steps: 15 });
});

describe.concurrent('when a grant is killed within its first five minutes', () => {
  it('says that it stands until the floor, and removes it then', async ({ expect }) => {
    const asked = await stack.ask();
    await stack.approve(asked);
    await untilActive(asked);
    await stack.say(asked, 'erin', 'kill');
    const view = await stack.until(asked.event, ({ flags }) => flags.includes('standing_until_floor'));
    const [standing] = (await stack.graph.truth(asked.tenant)).assignments;
    const floor = Date.parse(standing?.starts_at ?? '') + 5 * 60_000;
    expect(view).toMatchObject({ state: 'resealing', status: 'active', cause: 'kill' });
    expect(Date.parse(view.next_at ?? '')).toBeGreaterThanOrEqual(floor);
    expect(Date.parse(view.next_at ?? '')).toBeLessThan(floor + 60_000);
    const ended = await hurry(stack, asked.event, isOver, { step: '1m' });
    expect(ended).toMatchObject({ state: 'revoked', flags: [] });
    expect(Date.parse(ended.rollback.accepted_at ?? '')).toBeGreaterThanOrEqual(floor);
    expect(Date.parse(ended.rollback.accepted_at ?? '')).toBeLessThan(floor + 60_000);
    expect(await aftermath(stack, asked)).toMatchObject({ standing: [], bundle: { ok: true } });
    const removals = (await ledgerOf(stack, asked.event)).filter(({ type }) => type === 'removal');
    expect(removals.map(({ data }) => data.outcome)).toEqual(['too_short', 'removed']);
  });
});

describe.concurrent('when the provider ends the grant later than intended', () => {
  const extend = (asked: Asked): Promise<void> =>
    stack.graph.assignment({
      tenant: asked.tenant,
      principal_id: PEOPLE[0]?.object_id,
      role_definition_id: ROLE.template_id,
      ends_at: new Date(Date.now() + 24 * 3_600_000).toISOString(),
      created_by_app: stack.stack.settings.applications.directory_role,
    });

  it('is resealed before it is ever called active', async ({ expect }) => {
    const asked = await stack.ask();
    await stack.graph.lag(asked.tenant, 15_000);
    await stack.approve(asked);
    while ((await grantCalls(asked)).length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    await extend(asked);
    const view = await hurry(stack, asked.event, isOver, { step: '1m', steps: 40 });
    expect(view).toMatchObject({ state: 'revoked', status: 'closed', cause: 'ends_later_than_intended' });
    expect(view.findings.map(({ code }) => code)).toContain('ends_later_than_intended');
    expect(await aftermath(stack, asked)).toMatchObject({ standing: [], bundle: { ok: true } });
  });

  it('is resealed when that happens while it is active', async ({ expect }) => {
    const asked = await stack.ask();
    await stack.approve(asked);
    await untilActive(asked);
    await extend(asked);
    const view = await hurry(stack, asked.event, isOver, { step: '1m', steps: 40 });
    expect(view).toMatchObject({ state: 'revoked', cause: 'ends_later_than_intended' });
    expect(await aftermath(stack, asked)).toMatchObject({ standing: [], bundle: { ok: true } });
    expect(await noticesOf(stack, asked.event, 'ends_later_than_intended')).toContain('ends_later_than_intended');
  });
});

describe.concurrent('when the verifier cannot be reached', () => {
  it('is active_unverified, says so loudly, and becomes active once it can', async ({ expect }) => {
    const asked = await stack.ask();
    await stack.until(asked.event, ({ state }) => state === 'awaiting_approval');
    await surveyed(asked);
    const app = stack.stack.settings.applications.verifier;
    await stack.graph.fault({
      tenant: asked.tenant,
      app,
      method: null,
      path: '*',
      effect: 'status',
      status: 503,
      times: null,
    });
    await stack.approve(asked);
    const unverified = await hurry(stack, asked.event, ({ state }) => state === 'active_unverified');
    expect(unverified).toMatchObject({ status: 'active', flags: ['verify_overdue'] });
    expect(unverified.activated_at).not.toBeNull();
    await stack.until(asked.event, () => true);
    expect(await noticesOf(stack, asked.event, 'unverified')).toContain('unverified');
    await stack.advance(asked.event, '3m');
    expect((await stack.view(asked.event)).state).toBe('active_unverified');
    await stack.graph.clearFaults(asked.tenant);
    const active = await hurry(stack, asked.event, ({ state }) => state === 'active');
    expect(active).toMatchObject({ flags: [], activated_at: unverified.activated_at });
    expect(await closed(asked)).toMatchObject({ view: { state: 'closed' }, standing: [], bundle: { ok: true } });
  });

  const surveyed = (asked: Asked): Promise<unknown> =>
    until(async () => {
      const { calls } = await stack.graph.truth(asked.tenant);
      return calls.filter(({ path }) => path.includes('/roleAssignmentSchedules?'));
    });
  /** Asks until the answer is not empty. */
  const until = async <T>(ask: () => Promise<T[]>): Promise<T[]> => {
    for (let tries = 0; tries < 100; tries += 1) {
      const answer = await ask();
      if (answer.length > 0) return answer;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    return [];
  };
});
