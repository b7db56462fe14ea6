import { afterAll, beforeAll, describe, it } from 'vitest';
import { ceremonyWorkflowId, instant, resealWorkflowId } from '../../domain/identifiers.js';
import { generateRoleKey } from '../../proofs/role-key.js';
import { signReceipt } from '../../proofs/receipt.js';
import type { EntryType } from '../../domain/entry.js';
import { CeremonyStack, type Asked } from '../support/ceremony-stack.js';
import { verifiedBundle } from '../support/good-end.js';
import { ledgerOf } from '../support/records.js';
import { failedTasks, payload, RawTemporal, type HistoryEvent } from '../support/raw-temporal.js';

let stack: CeremonyStack;
let raw: RawTemporal;
beforeAll(async () => {
  stack = await CeremonyStack.start();
  raw = new RawTemporal(stack);
});
afterAll(() => stack.stop());

/** The liar has the payload key and a key of their own, and none of any role. */
const liar = generateRoleKey();

function receipt(event: string, type: EntryType, transition: string, at: string) {
  return signReceipt({ schema: 'reseal.entry.v1', event_id: event, transition, type, at, data: {} }, liar);
}

const scheduled = (events: readonly HistoryEvent[], name: string): number =>
  events.filter(({ activityTaskScheduledEventAttributes: task }) => task?.activityType?.name === name).length;

/** An active ceremony whose removal Graph refuses until the faults are cleared, and that has just been killed. */
/** The answer to the grant is forged while its call is under way: Graph carries the call out when all looks over. */
async function refusedWhileGraphIsSlow(): Promise<Asked> {
  const asked = await stack.ask();
  const grant = { action: 'adminAssign', validation_only: false };
  await stack.graph.fault({ tenant: asked.tenant, effect: 'delay', delay_ms: 16_000, ...grant });
  await stack.approve(asked);
  await stack.graph.untilMet(asked.tenant);
  const workflowId = ceremonyWorkflowId(asked.event);
  const at = instant(await stack.now(asked.event));
  const said = { code: 'request_failed', message: 'no', clean: true };
  const refused = { outcome: 'refused', ...said, receipt: receipt(asked.event, 'not_granted', 'not_granted', at) };
  await raw.complete(workflowId, await raw.pendingActivity(workflowId, 'apply'), await raw.value(refused));
  await stack.untilState(asked.event, 'resealing');
  return asked;
}

async function killedWhileGraphRefuses(): Promise<Asked> {
  const asked = await stack.activate();
  await stack.advance(asked.event, '6m');
  await stack.graph.fault({ tenant: asked.tenant, effect: 'status', status: 503, times: null, action: 'adminRemove' });
  const answer = await stack.say(asked, 'bob', 'kill');
  if (answer.status !== 'accepted') throw new Error(JSON.stringify(answer));
  return asked;
}

describe('an activity that somebody else answers', () => {
  it.concurrent('in clear: it is asked for again, and the true answer counts', async ({ expect }) => {
    const asked = await killedWhileGraphRefuses();
    const workflowId = ceremonyWorkflowId(asked.event);
    const lies = [
      payload('json/plain', '{"half":'),
      payload('json/plain', JSON.stringify({ outcome: 'removed', word: 'revoked' })),
      await raw.encrypted('json/plain', '{"half":'),
      await raw.value({ outcome: 'removed', word: 'revoked' }),
    ];
    for (const lie of lies) await raw.complete(workflowId, await raw.pendingActivity(workflowId, 'rollback'), lie);
    await stack.graph.clearFaults(asked.tenant);
    const ended = await stack.advanceToEnd(asked.event);
    expect(ended).toMatchObject({ state: 'revoked', rollback: { confirmed_at: expect.any(String) as string } });
    expect((await stack.graph.truth(asked.tenant)).assignments).toEqual([]);
    const events = await raw.history(workflowId);
    expect(scheduled(events, 'rollback')).toBe(lies.length + 1);
    expect(failedTasks(events)).toEqual([]);
  });

  it.concurrent(
    '"removed", well formed: the verifier sees it stand, and it is removed in truth',
    async ({ expect }) => {
      const asked = await killedWhileGraphRefuses();
      const workflowId = ceremonyWorkflowId(asked.event);
      const at = instant(await stack.now(asked.event));
      const lie = {
        outcome: 'removed',
        word: 'revoked',
        at,
        receipt: receipt(asked.event, 'removal', 'removal/1', at),
      };
      await raw.complete(workflowId, await raw.pendingActivity(workflowId, 'rollback'), await raw.value(lie));
      await stack.until(asked.event, ({ rollback }) => rollback.accepted_at !== null);
      await stack.graph.clearFaults(asked.tenant);
      const ended = await stack.advanceToEnd(asked.event);
      expect(ended.state).toBe('revoked');
      expect((await stack.graph.truth(asked.tenant)).assignments).toEqual([]);
      expect(scheduled(await raw.history(workflowId), 'rollback')).toBe(2);
    },
  );

  it.concurrent(
    '"refused", while the grant is on its way: nobody takes it for over before it settled, and what lands is removed',
    async ({ expect }) => {
      const asked = await refusedWhileGraphIsSlow();
      expect((await stack.graph.truth(asked.tenant)).assignments).toEqual([]);
      // Time for the five reads that a true refusal would need.
      for (let step = 0; step < 6; step += 1) await stack.advance(asked.event, '15s');
      await stack.graph.untilStanding(asked.tenant, 1);
      expect((await stack.view(asked.event)).ended_at).toBeNull();
      const ended = await stack.advanceToEnd(asked.event, '60m');
      expect(ended.state).toBe('revoked');
      expect((await stack.graph.truth(asked.tenant)).assignments).toEqual([]);
      const { errors } = await verifiedBundle(stack, asked.event);
      expect(errors).toEqual([]);
    },
    120_000,
  );

  it.concurrent(
    '"gone" too: the ceremony believes it, the register does not, and reseal/<id> removes it',
    async ({ expect }) => {
      const asked = await killedWhileGraphRefuses();
      const workflowId = ceremonyWorkflowId(asked.event);
      const at = instant(await stack.now(asked.event));
      const removed = {
        outcome: 'removed',
        word: 'revoked',
        at,
        receipt: receipt(asked.event, 'removal', 'removal/1', at),
      };
      await raw.complete(workflowId, await raw.pendingActivity(workflowId, 'rollback'), await raw.value(removed));
      const times = { observed_at: at, confirmed_at: at, findings: [] };
      const gone = { outcome: 'absent', ...times, receipt: receipt(asked.event, 'confirmed', 'confirmed', at) };
      await raw.complete(workflowId, await raw.pendingActivity(workflowId, 'verifyRolledBack'), await raw.value(gone));
      await stack.until(asked.event, ({ ended_at }) => ended_at !== null);
      expect((await stack.graph.truth(asked.tenant)).assignments).toHaveLength(1);
      await stack.graph.clearFaults(asked.tenant);

      const reseal = resealWorkflowId(asked.event);
      const { client } = stack.stack;
      const isThere = async () =>
        (await client.workflow
          .getHandle(reseal)
          .describe()
          .catch(() => null)) !== null;
      await expect.poll(isThere, { timeout: 30_000 }).toBe(true);
      await stack.advance(asked.event, '10m', reseal);
      await expect
        .poll(async () => (await stack.graph.truth(asked.tenant)).assignments, { timeout: 30_000 })
        .toEqual([]);
      // What the liar signed was taken into no ledger. The bundle shows that the ceremony was made to end too early.
      await expect
        .poll(async () => (await ledgerOf(stack, asked.event)).map(({ type }) => type), { timeout: 30_000 })
        .toContain('confirmed');
      const { errors, ok } = await verifiedBundle(stack, asked.event);
      expect(ok).toBe(false);
      expect(errors).toMatchObject([{ code: 'order_broken', message: 'ended stands before the first confirmation' }]);
    },
  );
});
