import { afterAll, beforeAll, describe, it } from 'vitest';
import { CeremonyStack, type Asked } from '../support/ceremony-stack.js';
import { aftermath } from '../support/good-end.js';
import { PEOPLE, ROLE } from '../support/people.js';
import { hurry, isOver, ledgerOf, noticesOf } from '../support/records.js';

const idOf = (name: string): string => PEOPLE.find(({ id }) => id === name)?.object_id ?? '';

let stack: CeremonyStack;
beforeAll(async () => {
  stack = await CeremonyStack.start({ protectedObjectIds: [idOf('dave')] });
});
afterAll(() => stack.stop());

/** Somebody else's change in the tenant of a ceremony. */
const change = ({ tenant }: Asked, principal: string, over: Record<string, unknown> = {}): Promise<void> =>
  stack.graph.assignment({ tenant, principal_id: idOf(principal), role_definition_id: ROLE.template_id, ...over });

async function active(): Promise<Asked> {
  const asked = await stack.ask();
  await stack.approve(asked);
  await hurry(stack, asked.event, ({ state }) => state === 'active');
  return asked;
}

const callsOf = async ({ tenant }: Asked, action: string) =>
  (await stack.graph.truth(tenant)).calls.filter((call) => call.action === action);

/** Who holds what in the ceremony's tenant, without times. */
const holders = async ({ tenant }: Asked): Promise<string[]> =>
  (await stack.graph.truth(tenant)).assignments.map(({ principal_id }) => principal_id).sort();

describe.concurrent('when somebody else has given the principal the role before', () => {
  it.for([['pim'], ['direct']] as const)(
    'is refused while people read, and touches nothing: %s',
    async ([via], { expect }) => {
      const asked = stack.prepare();
      await change(asked, 'alice', { via });
      await stack.send(asked);
      const view = await stack.until(asked.event, isOver);
      expect(view).toMatchObject({ state: 'refused', status: null, refusal: { code: 'foreign_assignment' } });
      expect(await holders(asked)).toEqual([idOf('alice')]);
      expect(await callsOf(asked, 'adminAssign')).toEqual([]);
      expect(await callsOf(asked, 'adminRemove')).toEqual([]);
      const { bundle, facts } = await aftermath(stack, asked);
      expect(bundle).toEqual({ ok: true, errors: [] });
      expect(facts.end).toBe('refused');
    },
  );
});

describe.concurrent('when somebody else gives the principal the role after the survey', () => {
  it.for([['pim'], ['direct']] as const)('grants nothing and leaves theirs alone: %s', async ([via], { expect }) => {
    const asked = await stack.ask();
    const surveyed = async (): Promise<boolean> =>
      (await stack.graph.truth(asked.tenant)).calls.some(({ path }) => path.includes('/roleAssignmentSchedules?'));
    await expect.poll(surveyed, { timeout: 10_000 }).toBe(true);
    await stack.approve(asked, 'bob');
    await change(asked, 'alice', { via });
    await stack.approve(asked, 'carol');
    const view = await hurry(stack, asked.event, isOver, { step: '1m' });
    expect(view).toMatchObject({ state: 'not_granted', status: null, refusal: { code: 'foreign_assignment' } });
    expect(await holders(asked)).toEqual([idOf('alice')]);
    expect(await callsOf(asked, 'adminRemove')).toEqual([]);
    expect((await callsOf(asked, 'adminAssign')).every(({ validation_only }) => validation_only)).toBe(true);
    expect(await aftermath(stack, asked)).toMatchObject({ grants: 0, bundle: { ok: true } });
  });
});

describe.concurrent('when an additional principal appears while the glass is broken', () => {
  it('made by our own write application without a marker, the ceremony is killed', async ({ expect }) => {
    const asked = await active();
    await change(asked, 'mallory', { created_by_app: stack.stack.settings.applications.directory_role });
    const killed = await hurry(stack, asked.event, ({ state }) => state !== 'active', { step: '2m' });
    expect(killed).toMatchObject({
      cause: 'unexpected_target',
      mark: expect.stringMatching(/pending|standing/) as string,
    });
    const view = await hurry(stack, asked.event, isOver, { step: '1m' });
    expect(view).toMatchObject({ state: 'revoked', status: 'closed', cause: 'unexpected_target' });
    expect(view.findings).toMatchObject([{ code: 'unexpected_target_detected' }]);
    expect(view.findings[0]?.detail).toContain(idOf('mallory'));
    // Ours is gone; the other one is for people to judge: rollback removes what a marker of ours names.
    expect(await holders(asked)).toEqual([idOf('mallory')]);
    expect(await aftermath(stack, asked)).toMatchObject({ grants: 1, bundle: { ok: true } });
    expect(await noticesOf(stack, asked.event, 'unexpected_target_detected')).toContain('unexpected_target_detected');
  });

  it.for([['pim'], ['direct']] as const)(
    'made by the granted principal, it is killed: %s',
    async ([via], { expect }) => {
      const asked = await active();
      await change(asked, 'mallory', { via, created_by_user: idOf('alice') });
      const view = await hurry(stack, asked.event, isOver, { step: '2m', steps: 40 });
      expect(view).toMatchObject({ state: 'revoked', status: 'closed', cause: 'unexpected_target' });
      expect(view.findings).toMatchObject([{ code: 'unexpected_target_detected' }]);
      expect(await holders(asked)).toEqual([idOf('mallory')]);
      expect(await aftermath(stack, asked)).toMatchObject({ grants: 1, bundle: { ok: true } });
    },
  );

  it.for([['pim'], ['direct']] as const)(
    'made by somebody else, it is a finding with a notice and the ceremony goes on: %s',
    async ([via], { expect }) => {
      const asked = await active();
      await change(asked, 'mallory', { via });
      const found = await hurry(stack, asked.event, ({ findings }) => findings.length > 0, { step: '2m', steps: 40 });
      expect(found).toMatchObject({ state: 'active', findings: [{ code: 'foreign_change' }] });
      expect(await noticesOf(stack, asked.event, 'foreign_change')).toEqual(['foreign_change']);
      await stack.advance(asked.event, '6m');
      // Told once.
      expect(await stack.view(asked.event)).toMatchObject({ state: 'active', findings: [{ code: 'foreign_change' }] });
      expect((await stack.view(asked.event)).findings).toHaveLength(1);
      await stack.say(asked, 'alice', 'close');
      const view = await hurry(stack, asked.event, isOver, { step: '1m' });
      expect(view).toMatchObject({ state: 'closed', status: 'closed', cause: 'close' });
      expect(await holders(asked)).toEqual([idOf('mallory')]);
      expect(await aftermath(stack, asked)).toMatchObject({ grants: 1, bundle: { ok: true } });
    },
  );

  it('while it is being granted, it is killed at the first sight', async ({ expect }) => {
    const asked = await stack.ask();
    await stack.approve(asked);
    await stack.untilState(asked.event, 'granting');
    await change(asked, 'mallory', { created_by_app: stack.stack.settings.applications.directory_role });
    const view = await hurry(stack, asked.event, isOver, { step: '1m' });
    expect(view).toMatchObject({ state: 'revoked', cause: 'unexpected_target' });
    expect(await holders(asked)).toEqual([idOf('mallory')]);
    expect(await aftermath(stack, asked)).toMatchObject({ grants: 1, bundle: { ok: true } });
  });
});

describe.concurrent('when the principal is protected', () => {
  it('is refused, and no write ever names them', async ({ expect }) => {
    const asked = await stack.ask({ principal: 'dave' });
    const view = await stack.until(asked.event, isOver);
    expect(view).toMatchObject({ state: 'refused', status: null, refusal: { code: 'principal_protected' } });
    const { calls } = await stack.graph.truth(asked.tenant);
    expect(calls.filter(({ method }) => method !== 'GET')).toEqual([]);
    expect(await aftermath(stack, asked)).toMatchObject({ standing: [], bundle: { ok: true } });
    const types = (await ledgerOf(stack, asked.event)).map(({ type }) => type);
    expect(types).toEqual(expect.arrayContaining(['request', 'surveyed', 'ended']));
    expect(types).not.toContain('intent');
  });
});
