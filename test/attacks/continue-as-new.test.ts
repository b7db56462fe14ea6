import { afterAll, beforeAll, describe, it } from 'vitest';
import { ceremonyWorkflowId } from '../../domain/identifiers.js';
import { verifiedBundle } from '../support/good-end.js';
import { CeremonyStack, type Asked } from '../support/ceremony-stack.js';
import { floodOf } from '../support/flood.js';
import { failedTasks, RawTemporal } from '../support/raw-temporal.js';
import { hurry, isOver, ledgerOf } from '../support/records.js';

let stack: CeremonyStack;
let raw: RawTemporal;
beforeAll(async () => {
  stack = await CeremonyStack.start({
    dynamicConfig: {
      'limit.historyCount.error': 300,
      'limit.historyCount.warn': 200,
      'limit.historyCount.suggestContinueAsNew': 120,
    },
  });
  raw = new RawTemporal(stack);
});
afterAll(() => stack.stop());

/** The runs of a ceremony so far, the first one first. */
async function runsOf(event: string): Promise<string[]> {
  const workflowId = ceremonyWorkflowId(event);
  const { raw: found } = await stack.stack.client.workflow.getHandle(workflowId).describe();
  const runs: string[] = [];
  for (let runId = found.workflowExecutionInfo?.firstRunId; runId;) {
    runs.push(runId);
    const last = (await raw.history(workflowId, runId)).at(-1);
    runId = last?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId ?? undefined;
  }
  return runs;
}

/** Floods until the ceremony has continued as new at least once more. Answers how many signals must be counted. */
async function floodIntoNextRun(asked: Asked, send = floodOf): Promise<number> {
  const before = (await runsOf(asked.event)).length;
  let counted = 0;
  for (let wave = 0; wave < 12; wave += 1) {
    counted += await send(stack, asked, 60);
    // Everything sent so far is heard, then one look.
    await stack.view(asked.event);
    if ((await runsOf(asked.event)).length > before) return counted;
  }
  throw new Error('it never continued as new');
}

/** Signals that nobody counts: the history grows, and not one refusal is recorded. */
async function strangeNames(_: CeremonyStack, asked: Asked, count: number): Promise<number> {
  for (let index = 0; index < count; index += 1) await stack.signal(asked.event, 'no-such-act', index);
  return 0;
}

async function clean(asked: Asked): Promise<string[]> {
  const runs = await runsOf(asked.event);
  const histories = await Promise.all(runs.map((runId) => raw.history(ceremonyWorkflowId(asked.event), runId)));
  const tooLong = histories.filter((events) => events.length >= 300).map((events) => `${events.length} events`);
  return [...tooLong, ...histories.flatMap(failedTasks)];
}

describe('continue-as-new under a flood', () => {
  it.concurrent(
    'while approvals are awaited: approvals, seen statements, verdicts and the window stay',
    async ({ expect }) => {
      const asked = await stack.ask();
      const approval = await stack.act(asked, 'bob', 'approve');
      expect(await stack.deliver(asked.event, approval)).toMatchObject({ status: 'accepted' });
      const before = await stack.view(asked.event);
      await floodIntoNextRun(asked, strangeNames);

      const after = await stack.view(asked.event);
      expect(after).toMatchObject({ state: 'awaiting_approval', approvals: before.approvals });
      expect(after.approval_by).toBe(before.approval_by);
      // The same bytes again have the same answer, in a run that never heard them.
      expect(await stack.deliver(asked.event, approval)).toMatchObject({ status: 'accepted' });
      // The same words under a new envelope are a replay.
      const renewed = { ...approval, signature: approval.signature.replace(/\n$/, '') };
      expect(renewed.signature).not.toBe(approval.signature);
      expect(await stack.deliver(asked.event, renewed)).toMatchObject({ status: 'refused', reason: 'replayed' });
      const counted = await floodIntoNextRun(asked);
      expect(await stack.deliver(asked.event, approval)).toMatchObject({ status: 'accepted' });
      expect((await stack.view(asked.event)).approvals).toHaveLength(1);
      await stack.approve(asked, 'carol');
      await stack.untilState(asked.event, 'active');
      await stack.advance(asked.event, '6m');
      expect(await stack.say(asked, 'alice', 'close')).toMatchObject({ status: 'accepted' });
      const ended = await hurry(stack, asked.event, isOver);
      expect(ended.state).toBe('closed');
      expect(ended.refused_statements).toBeGreaterThanOrEqual(counted);
      expect((await verifiedBundle(stack, asked.event)).errors).toEqual([]);
      expect(await clean(asked)).toEqual([]);
    },
  );

  it.concurrent('a window that passes after it ends the ceremony at its own time', async ({ expect }) => {
    const asked = await stack.ask();
    const { approval_by } = await stack.view(asked.event);
    await floodIntoNextRun(asked);
    expect(await stack.advance(asked.event, '29m')).toBe('arrived');
    expect((await stack.view(asked.event)).state).toBe('awaiting_approval');
    await stack.advance(asked.event, '2m');
    const ended = await stack.untilState(asked.event, 'unapproved');
    expect(Date.parse(ended.ended_at ?? '') - Date.parse(approval_by ?? '')).toBeLessThan(3_000);
    expect(await clean(asked)).toEqual([]);
  });

  it.concurrent('while the role is being granted: it is granted once, and verified', async ({ expect }) => {
    const asked = await stack.ask();
    const rehearsed = { tenant: asked.tenant, action: 'adminAssign', validation_only: true };
    await stack.graph.fault({ ...rehearsed, effect: 'status', status: 503, times: null });
    await stack.approve(asked);
    await stack.untilState(asked.event, 'granting');
    const counted = await floodIntoNextRun(asked);
    expect((await stack.view(asked.event)).state).toBe('granting');
    await stack.graph.clearFaults(asked.tenant);
    const active = await stack.untilState(asked.event, 'active');
    expect(active.refused_statements).toBe(counted);
    const { assignments, calls } = await stack.graph.truth(asked.tenant);
    expect(assignments).toHaveLength(1);
    const posts = calls.filter(({ action, validation_only }) => action === 'adminAssign' && !validation_only);
    expect(posts).toHaveLength(1);
    await stack.advance(asked.event, '6m');
    await stack.say(asked, 'bob', 'kill');
    expect((await hurry(stack, asked.event, isOver)).state).toBe('revoked');
    expect((await stack.graph.truth(asked.tenant)).assignments).toEqual([]);
    expect(await clean(asked)).toEqual([]);
  });

  it.concurrent('while active: the deadline stays, and ends it', async ({ expect }) => {
    const asked = await stack.activate();
    const before = await stack.view(asked.event);
    const counted = await floodIntoNextRun(asked);
    const after = await stack.view(asked.event);
    expect(after).toMatchObject({ state: 'active', expires_at: before.expires_at, approvals: before.approvals });
    await stack.advance(asked.event, '31m');
    const ended = await hurry(stack, asked.event, isOver);
    expect(ended).toMatchObject({ state: 'expired', refused_statements: counted });
    expect(Date.parse(ended.rollback.requested_at ?? '') - Date.parse(before.expires_at ?? '')).toBeLessThan(3_000);
    expect((await stack.graph.truth(asked.tenant)).assignments).toEqual([]);
    expect((await verifiedBundle(stack, asked.event)).errors).toEqual([]);
    expect(await clean(asked)).toEqual([]);
  });

  it.concurrent('while the removal fails: it goes on being tried, and is confirmed', async ({ expect }) => {
    const asked = await stack.activate();
    await stack.advance(asked.event, '6m');
    await stack.graph.fault({
      tenant: asked.tenant,
      effect: 'status',
      status: 503,
      times: null,
      action: 'adminRemove',
    });
    const kill = await stack.act(asked, 'bob', 'kill');
    expect(await stack.deliver(asked.event, kill)).toMatchObject({ status: 'accepted' });
    const before = await stack.view(asked.event);
    await floodIntoNextRun(asked);
    const after = await stack.view(asked.event);
    expect(after).toMatchObject({ state: 'resealing', cause: 'kill', ended_by: 'bob' });
    expect(after.rollback.requested_at).toBe(before.rollback.requested_at);
    // Asked by its digest in the run after the one that heard it.
    expect(await stack.deliver(asked.event, kill)).toMatchObject({ status: 'accepted', mark: 'standing' });
    await stack.graph.clearFaults(asked.tenant);
    const ended = await hurry(stack, asked.event, isOver);
    expect(ended.state).toBe('revoked');
    expect((await stack.graph.truth(asked.tenant)).assignments).toEqual([]);
    expect((await verifiedBundle(stack, asked.event)).errors).toEqual([]);
    const told = (await ledgerOf(stack, asked.event)).map(({ type }) => type);
    for (const type of ['intent', 'granted', 'verified', 'resealing', 'removal', 'confirmed', 'ended']) {
      expect(told).toContain(type);
    }
    expect(told.filter((type) => type === 'statement')).toHaveLength(3);
    expect(await clean(asked)).toEqual([]);
  });
});
