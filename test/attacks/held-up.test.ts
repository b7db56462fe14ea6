import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ceremonyWorkflowId } from '../../domain/identifiers.js';
import { advanceResealToEnd, resealed } from '../chaos/lost-ceremony.js';
import { CeremonyStack, type Asked } from '../support/ceremony-stack.js';
import { aftermath } from '../support/good-end.js';
import { RawTemporal } from '../support/raw-temporal.js';
import { Tampering } from '../support/tampering.js';

let stack: CeremonyStack;
let raw: RawTemporal;
let tamper: Tampering;

beforeAll(async () => {
  // Off by default in server 1.32, and nothing of ours needs it.
  stack = await CeremonyStack.start({ dynamicConfig: { 'frontend.WorkflowPauseEnabled': true } });
  raw = new RawTemporal(stack);
  tamper = new Tampering(stack);
});
afterAll(() => stack.stop());

const service = () => stack.stack.connection.workflowService;
const inNamespace = () => ({ namespace: stack.stack.dev.temporal_namespace, identity: 'somebody', reason: 'test' });

/** Granted long enough ago that the provider lets it be removed. */
async function removable(): Promise<Asked> {
  const asked = await stack.activate();
  await stack.advance(asked.event, '6m');
  return asked;
}

async function endsAllTheSame(asked: Asked): Promise<void> {
  await tamper.untilResealing(asked.event);
  await advanceResealToEnd(stack, asked);
  expect(await aftermath(stack, asked)).toMatchObject(resealed(1));
}

describe('a ceremony that somebody holds up ends all the same: a reseal of its own removes what stands', () => {
  it('its workflow is paused, so that it hears no kill and passes no deadline', async () => {
    const asked = await removable();
    const workflowId = ceremonyWorkflowId(asked.event);
    await service().pauseWorkflowExecution({ ...inNamespace(), workflowId });
    await endsAllTheSame(asked);
  }, 120_000);

  it.each(['pause', 'move'] as const)(
    'its removal: %s',
    async (how) => {
      const asked = await removable();
      const { tenant } = asked;
      await stack.graph.fault({ tenant, effect: 'status', status: 503, times: null, action: 'adminRemove' });
      expect(await stack.say(asked, 'bob', 'kill')).toMatchObject({ status: 'accepted' });
      const workflowId = ceremonyWorkflowId(asked.event);
      const id = await raw.pendingActivity(workflowId, 'rollback');
      const about = { ...inNamespace(), execution: { workflowId }, id };
      if (how === 'pause') await service().pauseActivity(about);
      else
        await service().updateActivityOptions({
          ...about,
          activityOptions: { taskQueue: { name: 'a-queue-that-nobody-polls' } },
          updateMask: { paths: ['task_queue.name'] },
        });
      await tamper.untilResealing(asked.event);
      await stack.graph.clearFaults(tenant);
      await advanceResealToEnd(stack, asked);
      const { standing, bundle } = await aftermath(stack, asked);
      expect({ standing, bundle }).toEqual({ standing: [], bundle: { ok: true, errors: [] } });
    },
    120_000,
  );
});
