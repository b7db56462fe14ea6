import { afterAll, beforeAll, describe, it } from 'vitest';
import { CeremonyStack, type Asked } from '../support/ceremony-stack.js';
import { aftermath } from '../support/good-end.js';
import { ledgerOf } from '../support/records.js';
import { Tampering } from '../support/tampering.js';
import { advanceResealToEnd, grantUnderWay, resealed } from './lost-ceremony.js';

let stack: CeremonyStack;
let tamper: Tampering;
beforeAll(async () => {
  stack = await CeremonyStack.start();
  tamper = new Tampering(stack);
});
afterAll(() => stack.stop());

describe('when a ceremony is reset to its beginning', () => {
  it.concurrent('hears its approvals again, finds its grant, and keeps its deadline', async ({ expect }) => {
    const asked = await stack.activate();
    const { expires_at } = await stack.view(asked.event);
    const run = await tamper.reset(asked.event);
    const again = await stack.until(asked.event, (view) => view.run_id === run && view.state === 'active');
    expect(again.expires_at).toBe(expires_at);
    await stack.advance(asked.event, '31m');
    expect((await stack.advanceToEnd(asked.event)).state).toBe('expired');
    const bundle = { ok: true, errors: [] };
    expect(await aftermath(stack, asked)).toMatchObject({ standing: [], grants: 1, bundle, facts: { end: 'expired' } });
  });

  it.concurrent('ends what it has forgotten, when nobody approves again', async ({ expect }) => {
    const asked = await stack.activate();
    await tamper.reset(asked.event, { withoutSignals: true });
    await stack.until(asked.event, (view) => view.state === 'awaiting_approval');
    // Its own end would say that nothing was ever granted, and the journal knows better.
    await stack.advance(asked.event, '31m');
    await tamper.untilResealing(asked.event);
    await advanceResealToEnd(stack, asked);
    expect(await aftermath(stack, asked)).toMatchObject(resealed(1));
  });

  it.concurrent('issues nothing new when other approvals than those recorded are given', async ({ expect }) => {
    const asked = await stack.activate();
    await tamper.reset(asked.event, { withoutSignals: true });
    await stack.until(asked.event, (view) => view.state === 'awaiting_approval');
    await stack.approve(asked);
    expect((await stack.advanceToEnd(asked.event)).state).toBe('revoked');
    expect(await aftermath(stack, asked)).toMatchObject({
      standing: [],
      grants: 1,
      bundle: { ok: true, errors: [] },
      facts: { end: 'revoked', cause: 'not_issued' },
    });
  });

  it.concurrent('ends it when it is killed before it knows again what was granted', async ({ expect }) => {
    const asked = await stack.activate();
    // The survey of the new run takes its time: the kill comes before anything is issued again.
    const slow = { method: 'GET', path: '*', effect: 'delay', delay_ms: 5_000 };
    await stack.graph.fault({ tenant: asked.tenant, ...slow });
    await tamper.reset(asked.event);
    await stack.untilState(asked.event, 'awaiting_approval');
    await stack.say(asked, 'bob', 'kill');
    await tamper.untilResealing(asked.event);
    await advanceResealToEnd(stack, asked);
    expect(await aftermath(stack, asked)).toMatchObject(resealed(1));
  });

  it.concurrent('grants nothing when it had been killed: the end mark stands', async ({ expect }) => {
    const asked = await stack.activate();
    await stack.advance(asked.event, '6m');
    await stack.say(asked, 'bob', 'kill');
    await stack.advanceToEnd(asked.event);
    await aftermath(stack, asked);
    await stack.until(asked.event, ({ mark }) => mark === 'standing');
    await tamper.reset(asked.event);
    await untilClosed(asked);
    expect(await aftermath(stack, asked)).toMatchObject({
      standing: [],
      grants: 1,
      bundle: { ok: true, errors: [] },
      facts: { end: 'revoked' },
    });
    const marks = (await ledgerOf(stack, asked.event)).filter(({ type }) => type === 'end_mark');
    expect(marks).toHaveLength(1);
  });

  it.concurrent('grants nothing when it had expired', async ({ expect }) => {
    const asked = await stack.activate();
    await stack.advance(asked.event, '31m');
    await stack.advanceToEnd(asked.event);
    await aftermath(stack, asked);
    await tamper.reset(asked.event);
    await untilClosed(asked);
    expect(await aftermath(stack, asked)).toMatchObject({
      standing: [],
      grants: 1,
      bundle: { ok: true, errors: [] },
      facts: { end: 'expired' },
    });
  });

  it.concurrent('grants nothing when it had been denied', async ({ expect }) => {
    const asked = await stack.ask();
    await stack.approve(asked, 'bob');
    await stack.say(asked, 'carol', 'deny');
    await stack.until(asked.event, (view) => view.ended_at !== null);
    await aftermath(stack, asked);
    await tamper.reset(asked.event);
    await untilClosed(asked);
    expect(await aftermath(stack, asked)).toMatchObject({ standing: [], grants: 0, facts: { end: 'denied' } });
  });
});

describe('when a ceremony is cancelled from outside', () => {
  it.concurrent('is cancelled before the intent', async ({ expect }) => {
    const asked = await stack.ask();
    await tamper.cancel(asked.event);
    expect(await stack.until(asked.event, (view) => view.ended_at !== null)).toMatchObject({ state: 'cancelled' });
    expect(await aftermath(stack, asked)).toMatchObject({ standing: [], grants: 0, bundle: { ok: true, errors: [] } });
  });

  it.concurrent('is killed while the grant is under way', async ({ expect }) => {
    const asked = await grantUnderWay(stack, false);
    await tamper.cancel(asked.event);
    await stack.untilState(asked.event, 'resealing');
    expect((await stack.advanceToEnd(asked.event)).state).toBe('revoked');
    expect(await aftermath(stack, asked)).toMatchObject({
      standing: [],
      grants: 1,
      bundle: { ok: true, errors: [] },
      facts: { end: 'revoked', cause: 'cancel' },
    });
  });

  it.concurrent('is killed while it is active', async ({ expect }) => {
    const asked = await stack.activate();
    await tamper.cancel(asked.event);
    await stack.untilState(asked.event, 'resealing');
    expect((await stack.advanceToEnd(asked.event)).state).toBe('revoked');
    expect(await aftermath(stack, asked)).toMatchObject({
      standing: [],
      grants: 1,
      bundle: { ok: true, errors: [] },
      facts: { end: 'revoked', cause: 'cancel' },
    });
  });

  it.concurrent('goes on resealing while it reseals', async ({ expect }) => {
    const asked = await stack.activate();
    await stack.say(asked, 'alice', 'close');
    await stack.untilState(asked.event, 'resealing');
    await tamper.cancel(asked.event);
    expect((await stack.advanceToEnd(asked.event)).state).toBe('closed');
    expect(await aftermath(stack, asked)).toMatchObject({
      standing: [],
      grants: 1,
      bundle: { ok: true, errors: [] },
      facts: { end: 'closed' },
    });
  });
});

/** Moves a ceremony on until its workflow is closed. */
async function untilClosed(asked: Asked): Promise<void> {
  for (let step = 0; step < 16; step += 1) {
    if ((await tamper.runs(asked.event)) !== 'RUNNING') return;
    await stack.advance(asked.event, '5m');
  }
  throw new Error(`breakglass/${asked.event} did not close: ${JSON.stringify(await stack.view(asked.event))}`);
}
