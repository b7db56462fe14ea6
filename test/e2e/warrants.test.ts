import { afterAll, beforeAll, describe, it } from 'vitest';
import { ceremonyWorkflowId } from '../../domain/identifiers.js';
import { Attacker } from '../support/attacker.js';
import { CeremonyStack, type Asked } from '../support/ceremony-stack.js';
import { verifiedBundle } from '../support/good-end.js';
import { RawTemporal } from '../support/raw-temporal.js';
import { entriesOf, hurry, isOver } from '../support/records.js';

let stack: CeremonyStack;
let attacker: Attacker;
let raw: RawTemporal;
beforeAll(async () => {
  stack = await CeremonyStack.start();
  attacker = new Attacker(stack);
  raw = new RawTemporal(stack);
});
afterAll(() => stack.stop());

/** Approved, and Graph throttles the grant for a minute at a time, so often that a warrant is over meanwhile. */
async function throttled(times: number): Promise<Asked> {
  const asked = await stack.ask();
  const fault = { tenant: asked.tenant, effect: 'status', status: 429, retry_after: 60, times, action: 'adminAssign' };
  await stack.graph.fault(fault);
  await stack.approve(asked);
  await raw.pendingActivity(ceremonyWorkflowId(asked.event), 'apply');
  return asked;
}

const warrantsIn = async ({ event }: Asked): Promise<unknown[]> =>
  (await attacker.inputsOf(event, 'apply')).map(({ warrant }) => warrant);

describe.concurrent('a grant that takes longer than its warrant lives', () => {
  it('is made under another warrant, which its entry names', async ({ expect }) => {
    const asked = await throttled(3);
    await hurry(stack, asked.event, ({ state }) => state === 'active', { step: '30s' });
    const warrants = await warrantsIn(asked);
    expect(warrants.length).toBeGreaterThan(1);
    expect(new Set(warrants).size).toBe(warrants.length);
    expect((await attacker.inputsOf(asked.event, 'issue')).length).toBe(warrants.length);
    expect((await attacker.inputsOf(asked.event, 'apply')).map(({ first }) => first)).toEqual([
      true,
      ...warrants.slice(1).map(() => false),
    ]);
    const [, claims = ''] = String(warrants.at(-1)).split('.');
    const { jti } = JSON.parse(Buffer.from(claims, 'base64url').toString('utf8')) as { jti: string };
    expect((await entriesOf(stack, asked.event, 'granted'))[0]).toMatchObject({
      warrant_id: jti,
      warrant: warrants.at(-1),
    });
    await stack.advance(asked.event, '6m');
    await stack.say(asked, 'alice', 'close');
    await stack.advanceToEnd(asked.event);
    const report = await verifiedBundle(stack, asked.event);
    expect(report).toMatchObject({ ok: true, errors: [] });
    expect(report.not_verified.join('\n')).not.toContain('warrant');
    expect((await stack.graph.truth(asked.tenant)).assignments).toEqual([]);
  });

  it('ends where an end mark stands by then, whoever had it recorded', async ({ expect }) => {
    const asked = await throttled(40);
    const marked = await attacker.run('authority', 'mark', { event_id: asked.event, cause: 'kill', by: null });
    expect(marked).toMatchObject({ completed: { standing: expect.anything() as unknown } });
    const refused = await hurry(stack, asked.event, ({ refusal }) => refusal !== null, { step: '30s' });
    expect(refused).toMatchObject({ refusal: { code: 'end_mark_stands' }, cause: 'not_issued' });
    await stack.graph.clearFaults(asked.tenant);
    const ended = await hurry(stack, asked.event, isOver, { step: '5m' });
    expect(ended).toMatchObject({ state: 'revoked', mark: 'standing' });
    expect((await stack.graph.truth(asked.tenant)).assignments).toEqual([]);
    expect(await verifiedBundle(stack, asked.event)).toMatchObject({ ok: true, errors: [] });
  });
});
