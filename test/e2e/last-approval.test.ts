import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ceremonyWorkflowId } from '../../domain/identifiers.js';
import { CeremonyStack } from '../support/ceremony-stack.js';
import { aftermath } from '../support/good-end.js';
import { signWithStranger } from '../support/signing.js';

let stack: CeremonyStack;
beforeAll(async () => {
  stack = await CeremonyStack.start();
});
afterAll(() => stack.stop());

/** One line per thing that happened to these activities, in the order of the history. */
async function story(event: string): Promise<string[]> {
  const { events } = await stack.stack.client.workflow.getHandle(ceremonyWorkflowId(event)).fetchHistory();
  const names = new Map<string, string>();
  return (events ?? []).flatMap((one) => {
    const scheduled = one.activityTaskScheduledEventAttributes;
    const completed = one.activityTaskCompletedEventAttributes;
    if (scheduled) names.set(String(one.eventId), scheduled.activityType?.name ?? '');
    const name = scheduled?.activityType?.name ?? names.get(String(completed?.scheduledEventId));
    return name === 'check' || name === 'issue' ? [`${name} ${scheduled ? 'asked' : 'answered'}`] : [];
  });
}

const intentsOf = async (event: string): Promise<number> =>
  (await stack.stack.database.query('SELECT 1 FROM authority.intents WHERE event_id = $1', [event])).length;

describe('the approval that completes the quorum', () => {
  it('is judged by the authority beside the ceremony’s own check: two hops from it to Graph', async () => {
    const asked = await stack.activate();
    // Bob's check, then carol's and the intent in one breath.
    expect((await story(asked.event)).slice(0, 4)).toEqual([
      'check asked',
      'check answered',
      'check asked',
      'issue asked',
    ]);
    expect((await story(asked.event)).filter((line) => line === 'issue asked')).toHaveLength(1);
    await stack.advanceToEnd(asked.event);
    expect(await aftermath(stack, asked)).toMatchObject({ standing: [], grants: 1, bundle: { ok: true, errors: [] } });
  });

  it('issues nothing when it is forged, and the true one is heard after it', async () => {
    const asked = await stack.ask();
    await stack.untilState(asked.event, 'awaiting_approval');
    await stack.approve(asked, 'bob');
    const inNameOfCarol = {
      ...stack.common(asked.event, asked.request_digest, 'carol', Date.now()),
      act: 'approve',
    };
    await stack.until(asked.event, ({ approvals }) => approvals.length === 1);
    const answer = await fetch(`${stack.stack.dev.gateway_url}/v1/events/${asked.event}/statements`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(signWithStranger(inNameOfCarol)),
    });
    expect(answer.status).toBeLessThan(500);
    await expect.poll(async () => (await story(asked.event)).join(), { timeout: 60_000 }).toContain('issue answered');
    expect(await intentsOf(asked.event)).toBe(0);
    expect((await stack.view(asked.event)).state).toBe('awaiting_approval');
    await stack.approve(asked, 'carol');
    await stack.untilState(asked.event, 'active');
    expect(await intentsOf(asked.event)).toBe(1);
  });
});
