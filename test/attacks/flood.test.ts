import { afterAll, beforeAll, describe, it } from 'vitest';
import { ceremonyWorkflowId } from '../../domain/identifiers.js';
import { CeremonyStack, type Asked } from '../support/ceremony-stack.js';
import { countOf, failedTasks, RawTemporal } from '../support/raw-temporal.js';
import { verifiedBundle } from '../support/good-end.js';
import { ledgerOf } from '../support/records.js';
import { floodOf } from '../support/flood.js';

let stack: CeremonyStack;
let raw: RawTemporal;
beforeAll(async () => {
  stack = await CeremonyStack.start();
  raw = new RawTemporal(stack);
});
afterAll(() => stack.stop());

const removals = async (asked: Asked): Promise<number> =>
  (await stack.graph.truth(asked.tenant)).calls.filter(({ action }) => action === 'adminRemove').length;

describe('2,000 signals within a minute', () => {
  it('are refused and counted, and a kill is accepted and reaches Graph all the same', async ({ expect }) => {
    const asked = await stack.activate();
    await stack.advance(asked.event, '6m');
    const began = Date.now();
    const counted = await floodOf(stack, asked, 2000);
    expect(Date.now() - began).toBeLessThan(60_000);

    const killedAt = Date.now();
    expect(await stack.say(asked, 'bob', 'kill')).toMatchObject({ status: 'accepted' });
    while ((await removals(asked)) === 0 && Date.now() - killedAt < 30_000) await stack.view(asked.event);
    expect(await removals(asked)).toBeGreaterThan(0);
    expect(Date.now() - killedAt).toBeLessThan(15_000);

    const ended = await stack.advanceToEnd(asked.event);
    expect(ended).toMatchObject({ state: 'revoked', cause: 'kill', refused_statements: counted });
    expect((await stack.graph.truth(asked.tenant)).assignments).toEqual([]);
    expect((await verifiedBundle(stack, asked.event)).errors).toEqual([]);
    const refused = (await ledgerOf(stack, asked.event)).filter(({ type }) => type === 'statement_refused');
    expect(refused).toHaveLength(64);

    const events = await raw.history(ceremonyWorkflowId(asked.event));
    expect(failedTasks(events)).toEqual([]);
    // The server ends a run without any rollback at 51,200 events, and takes 10,000 signals in one.
    expect(countOf(events, 'EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED')).toBeLessThan(9_000);
    expect(events.length).toBeLessThan(20_000);
  });
});
