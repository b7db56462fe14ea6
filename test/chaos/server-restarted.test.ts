import { rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, it } from 'vitest';
import type { CeremonyView } from '../../domain/view.js';
import { CeremonyStack, type Asked } from '../support/ceremony-stack.js';
import { aftermath, type Aftermath } from '../support/good-end.js';
import { endTemporal, startTemporalAgain } from '../support/temporal-outage.js';

interface Played {
  ended: CeremonyView;
  after: Aftermath;
}

const SIGNALS = ['SIGTERM', 'SIGKILL'] as const;
const scenes = new Map<string, Promise<Scene>>();
beforeAll(async () => {
  for (const signal of SIGNALS) scenes.set(signal, restartAmid(signal));
  // One that cannot be played is told by its tests.
  await Promise.allSettled(scenes.values());
});
afterAll(async () => {
  for (const scene of await Promise.allSettled(scenes.values()))
    if (scene.status === 'fulfilled') await scene.value.stop();
});

describe.for(SIGNALS)("when Temporal's server is ended by %s", (signal) => {
  const whole = (end: string) => ({
    ended: { state: end },
    after: { standing: [], grants: 1, bundle: { ok: true, errors: [] }, facts: { end } },
  });

  it.concurrent('ends a ceremony at the deadline it had before', async ({ expect }) => {
    const played = await (await scenes.get(signal))?.timebox;
    expect(played).toMatchObject(whole('expired'));
    const late = Date.parse(played?.ended.rollback.requested_at ?? '') - Date.parse(played?.ended.expires_at ?? '');
    expect(late).toBeGreaterThanOrEqual(0);
    expect(late).toBeLessThan(15_000);
  });

  it.concurrent('finishes the rollback that was under way', async ({ expect }) => {
    expect(await (await scenes.get(signal))?.rollback).toMatchObject(whole('closed'));
  });

  it.concurrent('goes on with a ceremony that waits for its second approval', async ({ expect }) => {
    expect(await (await scenes.get(signal))?.approval).toMatchObject(whole('expired'));
  });
});

interface Scene {
  timebox: Promise<Played>;
  rollback: Promise<Played>;
  approval: Promise<Played>;
  stop: () => Promise<void>;
}

/** A stack of its own whose server goes away mid-timebox, mid-rollback and between approvals, and comes back. */
async function restartAmid(signal: (typeof SIGNALS)[number]): Promise<Scene> {
  const stack = await CeremonyStack.start({ ephemeral: false });
  const [timebox, rollback, approval] = await Promise.all([stack.activate(), stack.activate(), stack.ask()]);
  await stack.approve(approval, 'bob');
  await Promise.all([stack.advance(timebox.event, '10m'), stack.advance(rollback.event, '6m')]);
  // Graph refuses the removal for a while, so that the server goes away in the middle of it.
  const refusing = { action: 'adminRemove', effect: 'status', status: 503, times: 3 };
  await stack.graph.fault({ tenant: rollback.tenant, ...refusing });
  await stack.say(rollback, 'alice', 'close');
  await stack.untilState(rollback.event, 'resealing');

  await endTemporal(stack.stack, signal);
  await sleep(2_000);
  const again = await startTemporalAgain(stack.stack);
  const scene: Scene = {
    timebox: toTheEnd(stack, timebox),
    rollback: toTheEnd(stack, rollback),
    approval: (async () => {
      await stack.until(approval.event, ({ flags }) => !flags.includes('worker_not_answering'));
      await stack.approve(approval, 'carol');
      await stack.untilState(approval.event, 'active');
      return toTheEnd(stack, approval);
    })(),
    stop: async () => {
      await stack.stop();
      await again.stop();
      await rm(path.dirname(stack.stack.layout.root), { recursive: true, force: true });
    },
  };
  // Each is told by the test of its name.
  for (const end of [scene.timebox, scene.rollback, scene.approval]) end.catch(() => undefined);
  return scene;
}

async function toTheEnd(stack: CeremonyStack, asked: Asked): Promise<Played> {
  await stack.until(asked.event, ({ flags }) => !flags.includes('worker_not_answering'));
  const ended = await stack.advanceToEnd(asked.event);
  return { ended, after: await aftermath(stack, asked) };
}
