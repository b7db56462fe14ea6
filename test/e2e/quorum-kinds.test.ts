import { afterAll, beforeAll, describe, it } from 'vitest';
import { ceremonyWorkflowId, epochMs } from '../../domain/identifiers.js';
import { CeremonyStack, type Asked } from '../support/ceremony-stack.js';
import { aftermath } from '../support/good-end.js';
import { testPolicy } from '../support/people.js';
import { failedTasks, RawTemporal } from '../support/raw-temporal.js';
import { hurry, isOver, ledgerOf } from '../support/records.js';

/** Two approvers of two groups, or one after ten minutes; and one profile that alice may have at once. */
const POLICY = testPolicy()
  .replace(
    'require: [{ group: security, count: 1 }, { group: platform, count: 1 }]',
    '$&\n  fallback: { after: 10m, min_approvers: 1, max: 15m }',
  )
  .replace(
    /( {2}p1:\n)/,
    `$1    timebox: { default: 30m, max: 1h }
    approvals: { min_approvers: 0, approvers: [group:security], immediate: [person:alice] }
`,
  );

let stack: CeremonyStack;
beforeAll(async () => {
  stack = await CeremonyStack.start({ policyYaml: POLICY });
});
afterAll(() => stack.stop());

const admitted = async ({ event }: Asked) =>
  (await ledgerOf(stack, event)).find(({ type }) => type === 'request')?.data ?? {};

describe('a ceremony that one of two has approved', () => {
  it('is granted when the fallback opens, for its shorter time, and the bundle says how', async ({ expect }) => {
    const asked = await stack.ask({ profile: 'p0', duration: '1h' });
    await stack.approve(asked, 'bob');
    expect(await stack.view(asked.event)).toMatchObject({
      state: 'awaiting_approval',
      approvals_wanted: 2,
      fallback: { min_approvers: 1, max_seconds: 900 },
    });
    await stack.advance(asked.event, '11m');
    const active = await stack.untilState(asked.event, 'active');
    expect(active).toMatchObject({ quorum: 'fallback', approvals: [{ approver: 'bob@corp.example' }] });
    const opened = epochMs(active.fallback?.opens_at ?? '');
    const lasts = epochMs(active.expires_at ?? '') - opened;
    expect(lasts).toBeGreaterThanOrEqual(900_000);
    expect(lasts).toBeLessThan(960_000);

    const ended = await stack.advanceToEnd(asked.event);
    expect(ended).toMatchObject({ state: 'expired', quorum: 'fallback' });
    const after = await aftermath(stack, asked);
    expect(after).toMatchObject({ standing: [], bundle: { ok: true, errors: [] } });
    expect(after.facts).toMatchObject({ quorum: 'fallback', end: 'expired' });
    expect(failedTasks(await new RawTemporal(stack).history(ceremonyWorkflowId(asked.event)))).toEqual([]);
  });
});

describe('a profile that may be had at once', () => {
  it('is granted to whom the policy names with nobody asked, and never to another', async ({ expect }) => {
    const asked = stack.prepare({ profile: 'p1', invoker: 'alice' });
    expect((await stack.send(asked)).ok).toBe(true);
    const active = await stack.untilState(asked.event, 'active');
    expect(active).toMatchObject({ quorum: 'immediate', approvals: [], approvals_wanted: 0 });
    expect(await admitted(asked)).toMatchObject({ extra_approvers: 0 });

    const stranger = stack.prepare({ profile: 'p1', invoker: 'dave' });
    await stack.send(stranger);
    const refused = await stack.until(stranger.event, ({ state }) => state === 'refused');
    expect(refused.refusal?.code).toBe('immediate_not_allowed');

    await stack.advance(asked.event, '6m');
    expect(await stack.say(asked, 'alice', 'close')).toMatchObject({ status: 'accepted' });
    expect(await hurry(stack, asked.event, isOver)).toMatchObject({ state: 'closed' });
    const after = await aftermath(stack, asked);
    expect(after).toMatchObject({ standing: [], bundle: { ok: true, errors: [] }, facts: { quorum: 'immediate' } });
  });
});
