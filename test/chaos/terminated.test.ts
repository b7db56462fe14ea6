import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { resealWorkflowId } from '../../domain/identifiers.js';
import { CeremonyStack } from '../support/ceremony-stack.js';
import { aftermath } from '../support/good-end.js';
import { Tampering } from '../support/tampering.js';
import { advanceResealToEnd, grantUnderWay, resealed } from './lost-ceremony.js';

let stack: CeremonyStack;
let tamper: Tampering;
beforeAll(async () => {
  stack = await CeremonyStack.start();
  tamper = new Tampering(stack);
});
afterAll(() => stack.stop());

describe('when the workflow of a ceremony is terminated', () => {
  it.concurrent('just closes the row of one that awaits approval', async ({ expect }) => {
    const asked = await stack.ask();
    await tamper.terminate(asked.event);
    const ended = await stack.until(asked.event, (view) => view.ended_at !== null);
    expect(ended).toMatchObject({ state: 'cancelled', cause: 'workflow_lost' });
    expect(await aftermath(stack, asked)).toMatchObject({ standing: [], grants: 0, bundle: { ok: true, errors: [] } });
    // Nothing was ever recorded for it, and so nothing is started; and its place is free again.
    const { client } = stack.stack;
    await expect(client.workflow.getHandle(resealWorkflowId(asked.event)).describe()).rejects.toThrow();
    const next = await stack.ask({ profile: asked.profile });
    expect((await stack.view(next.event)).state).toBe('awaiting_approval');
  });

  it.concurrent('reseals while the grant is under way, which appears afterwards', async ({ expect }) => {
    const asked = await grantUnderWay(stack, false);
    await tamper.terminate(asked.event);
    await tamper.untilResealing(asked.event);
    await stack.graph.untilStanding(asked.tenant, 1);
    await advanceResealToEnd(stack, asked);
    expect(await aftermath(stack, asked)).toMatchObject(resealed(1));
  });

  it.concurrent('reseals when the grant has taken effect and nobody heard of it', async ({ expect }) => {
    const asked = await grantUnderWay(stack, true);
    await tamper.terminate(asked.event);
    await tamper.untilResealing(asked.event);
    await advanceResealToEnd(stack, asked);
    expect(await aftermath(stack, asked)).toMatchObject(resealed(1));
  });

  it.concurrent('reseals what is active', async ({ expect }) => {
    const asked = await stack.activate();
    await tamper.terminate(asked.event);
    await tamper.untilResealing(asked.event);
    await stack.untilState(asked.event, 'resealing');
    await advanceResealToEnd(stack, asked);
    expect(await aftermath(stack, asked)).toMatchObject(resealed(1));
    expect((await stack.view(asked.event)).state).toBe('revoked');
  });

  it.concurrent('goes on with a reseal that was under way', async ({ expect }) => {
    const asked = await stack.activate();
    await stack.say(asked, 'alice', 'close');
    await stack.until(asked.event, ({ flags }) => flags.includes('standing_until_floor'));
    await tamper.terminate(asked.event);
    await tamper.untilResealing(asked.event);
    await advanceResealToEnd(stack, asked);
    expect(await aftermath(stack, asked)).toMatchObject(resealed(1));
  });

  it.concurrent('leaves one alone that had ended', async ({ expect }) => {
    const asked = await stack.activate();
    await stack.advance(asked.event, '31m');
    await stack.advanceToEnd(asked.event);
    await aftermath(stack, asked);
    await tamper.terminate(asked.event).catch(() => undefined);
    await sleep(3_000);
    await expect(stack.stack.client.workflow.getHandle(resealWorkflowId(asked.event)).describe()).rejects.toThrow();
    expect((await stack.view(asked.event)).state).toBe('expired');
  });
});

describe('when a ceremony is deleted with its history', () => {
  it.concurrent('reseals from the journal alone', async ({ expect }) => {
    const asked = await stack.activate();
    await tamper.remove(asked.event);
    await tamper.untilResealing(asked.event);
    await advanceResealToEnd(stack, asked);
    expect(await aftermath(stack, asked)).toMatchObject(resealed(1));
  });

  it.concurrent('reseals again when the reseal is terminated as well', async ({ expect }) => {
    const asked = await stack.activate();
    await tamper.remove(asked.event);
    await tamper.untilResealing(asked.event);
    const handle = stack.stack.client.workflow.getHandle(resealWorkflowId(asked.event));
    const first = await handle.describe();
    await handle.terminate('test');
    for (;;) {
      const { runId, status } = await handle.describe();
      if (runId !== first.runId && status.name === 'RUNNING') break;
      await sleep(100);
    }
    await advanceResealToEnd(stack, asked);
    expect(await aftermath(stack, asked)).toMatchObject(resealed(1));
  });
});
