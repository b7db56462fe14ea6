import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ceremonyWorkflowId } from '../../domain/identifiers.js';
import { ROLES } from '../../domain/roles.js';
import { CeremonyStack } from '../support/ceremony-stack.js';
import { aftermath } from '../support/good-end.js';
import { PlayedRoles } from '../support/played-roles.js';
import { signWithStranger } from '../support/signing.js';

let stack: CeremonyStack;
let roles: PlayedRoles;
beforeAll(async () => {
  stack = await CeremonyStack.start({ roles: [] });
  roles = new PlayedRoles(stack);
  await roles.only(...ROLES);
});
afterAll(async () => {
  await roles.stop();
  await stack.stop();
});

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

const CHECKED = ['check asked', 'check answered'];

async function timeouts(event: string): Promise<number> {
  const { events } = await stack.stack.client.workflow.getHandle(ceremonyWorkflowId(event)).fetchHistory();
  return (events ?? []).filter(({ activityTaskTimedOutEventAttributes: timedOut }) => timedOut).length;
}

const intentsOf = async (event: string): Promise<number> =>
  (await stack.stack.database.query('SELECT 1 FROM authority.intents WHERE event_id = $1', [event])).length;

describe('the approval that completes the quorum', () => {
  it('is heard through the authority, which judges it: two hops from it to Graph', async () => {
    const asked = await stack.activate();
    // Bob's check; carol's is the authority's own.
    expect(await story(asked.event)).toEqual(['check asked', 'check answered', 'issue asked', 'issue answered']);
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

  it('is heard by the ceremony itself where the authority does not answer, and granted once it does', async () => {
    await roles.allBut('authority');
    const asked = await stack.ask();
    await stack.approve(asked);
    expect(await story(asked.event)).toEqual([
      'check asked',
      'check answered',
      'issue asked',
      ...CHECKED,
      'issue asked',
    ]);
    await roles.only(...ROLES);
    await stack.untilState(asked.event, 'active');
    expect(await intentsOf(asked.event)).toBe(1);
  });

  it('keeps no kill waiting for an authority that does not answer', async () => {
    await roles.allBut('authority');
    const asked = await stack.ask();
    await stack.untilState(asked.event, 'awaiting_approval');
    await stack.approve(asked, 'bob');
    const [approved, denied] = await Promise.all([
      stack.say(asked, 'carol', 'approve'),
      // Sent once carol's has arrived: the authority is asked for hers, and nobody is there.
      expect
        .poll(() => story(asked.event), { timeout: 60_000 })
        .toContain('issue asked')
        .then(() => stack.say(asked, 'dave', 'deny')),
    ]);
    expect([approved.status, denied.status]).toEqual(['accepted', 'accepted']);
    // Nobody waited for the authority to be given up.
    expect(await timeouts(asked.event)).toBe(0);
    await roles.only(...ROLES);
    const { state, activated_at } = await stack.advanceToEnd(asked.event);
    // By the intent that the authority found first, or by the end mark.
    expect(['denied', 'revoked']).toContain(state);
    expect(activated_at).toBeNull();
  });
});
