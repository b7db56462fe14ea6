import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CeremonyStack, type Asked } from '../support/ceremony-stack.js';
import { approveExtension, askToExtend } from '../support/extending.js';
import { aftermath } from '../support/good-end.js';
import { entriesOf, hurry, isOver } from '../support/records.js';

let stack: CeremonyStack;
beforeAll(async () => {
  stack = await CeremonyStack.start();
});
afterAll(() => stack.stop());

const ends = async ({ tenant }: Asked): Promise<number[]> =>
  (await stack.graph.truth(tenant)).assignments.map(({ ends_at }) => Date.parse(ends_at ?? ''));
const inForce = (asked: Asked) => stack.until(asked.event, ({ extension }) => extension?.state === 'done');

describe('a ceremony that is extended', () => {
  it('ends at the later deadline that a new quorum approved, and proves who asked and who approved it', async () => {
    const asked = await stack.activate();
    const before = await stack.view(asked.event);
    const extending = await askToExtend(stack, asked, 20);
    // What carried the grant carries nothing else, and neither does an approval of something else.
    expect(await stack.say(asked, 'bob', 'approve')).toMatchObject({ status: 'refused', reason: 'foreign_round' });
    const other = { ...extending, deadline: new Date(Date.parse(extending.deadline) + 60_000).toISOString() };
    expect(await stack.say(asked, 'bob', 'approve', other)).toMatchObject({ reason: 'foreign_round' });
    await approveExtension(stack, asked, extending);
    const view = await inForce(asked);
    expect(view).toMatchObject({ state: 'active', expires_at: extending.deadline, quorum: 'full' });
    expect(await ends(asked)).toEqual([Date.parse(view.dead_man_at ?? '')]);
    expect(Date.parse(view.dead_man_at ?? '')).toBe(Date.parse(extending.deadline) + 10 * 60_000);
    expect(await entriesOf(stack, asked.event, 'extended')).toHaveLength(1);

    // Past the first deadline it stands, and nothing has found fault with it.
    await stack.advance(asked.event, '40m');
    expect(await stack.view(asked.event)).toMatchObject({ state: 'active', findings: [] });
    await stack.advance(asked.event, '11m');
    const ended = await hurry(stack, asked.event, isOver);
    expect(ended.state).toBe('expired');
    const after = await aftermath(stack, asked);
    expect(after).toMatchObject({ standing: [], grants: 1, bundle: { ok: true, errors: [] } });
    expect(after.facts).toMatchObject({
      deadline: extending.deadline,
      extensions: [
        {
          round: 2,
          asked_by: 'alice',
          approvals: [{ person: 'bob' }, { person: 'carol' }],
          deadline: extending.deadline,
        },
      ],
    });
    expect(after.facts.extensions[0]?.extended_at).not.toBeNull();
    expect(after.facts.extensions[0]?.verified_at).not.toBeNull();
    expect(Date.parse(after.facts.removed_confirmed_at ?? '')).toBeGreaterThan(Date.parse(before.expires_at ?? ''));
  });

  it('keeps its deadline where the provider refuses, and records the later dead-man', async () => {
    const asked = await stack.activate();
    const before = await stack.view(asked.event);
    await stack.graph.fault({
      tenant: asked.tenant,
      action: 'adminUpdate',
      effect: 'status',
      status: 400,
      code: 'RoleAssignmentRequestPolicyValidationFailed',
    });
    const extending = await askToExtend(stack, asked, 20);
    await approveExtension(stack, asked, extending);
    const view = await stack.until(asked.event, ({ extension }) => extension?.state === 'refused');
    expect(view).toMatchObject({ state: 'active', expires_at: before.expires_at });
    expect(view.extension?.refusal?.code).toBe('RoleAssignmentRequestPolicyValidationFailed');
    expect(Date.parse(view.dead_man_at ?? '')).toBe(Date.parse(extending.deadline) + 10 * 60_000);
    expect(await ends(asked)).toEqual([Date.parse(before.dead_man_at ?? '')]);
    await stack.advance(asked.event, '31m');
    const ended = await hurry(stack, asked.event, isOver);
    expect(ended).toMatchObject({ state: 'expired', mark: 'standing' });
    const { bundle, facts } = await aftermath(stack, asked);
    expect(bundle).toEqual({ ok: true, errors: [] });
    expect(facts).toMatchObject({ deadline: before.expires_at, extensions: [{ extended_at: null }] });
  });
});
