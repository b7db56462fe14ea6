import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { available } from '../../deploy/local/postgres/start-postgres.js';
import type { ReviewAnswer } from '../../client/api/reseal-api.js';
import type { CeremonyView } from '../../domain/view.js';
import { CeremonyStack, type Asked } from '../support/ceremony-stack.js';
import { verifiedBundle } from '../support/good-end.js';
import { testPolicy } from '../support/people.js';
import { hurry, isOver, ledgerOf } from '../support/records.js';
import { signWith } from '../support/signing.js';
import { TemporaryPostgres } from '../support/temporary-postgres.js';

/** Profiles that alice may have at once, but not twice within an hour; reviews are overdue after a second. */
const POLICY = `${testPolicy(4).replaceAll(
  /( {2}p\d+:\n)/g,
  `$1    timebox: { default: 30m, max: 1h }
    approvals: { min_approvers: 0, approvers: [group:security, group:platform], immediate: [person:alice] }
`,
)}limits: { cooldown: 1h }
review_after: 1s
`;

const missing = await available();

describe.skipIf(missing !== null)(`a review on real servers${missing === null ? '' : ` (skipped: ${missing})`}`, () => {
  let postgres: TemporaryPostgres;
  let stack: CeremonyStack;
  beforeAll(async () => {
    postgres = await TemporaryPostgres.start();
    stack = await CeremonyStack.start({ policyYaml: POLICY, databaseUrl: postgres.url });
  });
  afterAll(async () => {
    await stack?.stop();
    await postgres?.remove();
  });

  const json = async <T>(path: string, body?: unknown): Promise<T> => {
    const headers = { 'content-type': 'application/json' };
    const init = body === undefined ? {} : { method: 'POST', headers, body: JSON.stringify(body) };
    return (await (await fetch(stack.stack.dev.gateway_url + path, init)).json()) as T;
  };
  const review = (asked: Asked, person: string, over: Record<string, unknown> = {}) => {
    const common = stack.common(asked.event, asked.request_digest, person, Date.now());
    return signWith(stack.keyOf(person), { ...common, act: 'review', ...over });
  };
  const send = (asked: Asked, envelope: unknown) => json<ReviewAnswer>(`/v1/events/${asked.event}/reviews`, envelope);
  const listed = async (query: string) =>
    (await json<{ events: CeremonyView[] }>(`/v1/events?${query}`)).events.map(({ event_id }) => event_id);

  /** Asked for and granted at once, closed after six minutes, and seen to be gone. */
  async function granted(profile: string): Promise<Asked> {
    const asked = stack.prepare({ profile });
    await stack.send(asked);
    await stack.untilState(asked.event, 'active');
    await stack.advance(asked.event, '6m');
    await stack.say(asked, 'alice', 'close');
    await hurry(stack, asked.event, isOver);
    await stack.until(asked.event, ({ review: owed }) => owed?.owed_since !== undefined);
    return asked;
  }

  it('is owed, made by somebody else, and in the bundle; until then the next request takes one approver more', async () => {
    const asked = await granted('p0');
    expect((await stack.view(asked.event)).review).toMatchObject({ reviewed_at: null });
    expect(await listed('review_owed=true')).toContain(asked.event);
    expect((await verifiedBundle(stack, asked.event)).not_verified.join('\n')).toContain('a review is owed');
    expect(await send(asked, review(asked, 'alice'))).toMatchObject({ reason: 'invoker_cannot_review' });
    expect(await send(asked, review(asked, 'robot'))).toMatchObject({ reason: 'agent_cannot_review' });

    // Time was skipped in that ceremony and not here: it is over some minutes from now, and its review overdue then.
    await stack.stack.database.query(
      `UPDATE register.events SET review_overdue_at = now() WHERE event_id = '${asked.event}'`,
    );
    const next = await stack.ask({ profile: 'p1' });
    expect(await stack.view(next.event)).toMatchObject({ state: 'awaiting_approval', approvals_wanted: 1 });
    expect(await listed('overdue=true')).toEqual([asked.event]);
    expect(await listed('waiting_for=bob')).toContain(next.event);
    await stack.say(next, 'alice', 'kill');

    const envelope = review(asked, 'mallory', { note: 'Only the mailbox rule was touched' });
    expect(await send(asked, envelope)).toMatchObject({ status: 'accepted', by: 'mallory' });
    expect(await send(asked, envelope)).toMatchObject({ status: 'accepted', by: 'mallory' });
    expect(await send(asked, review(asked, 'bob'))).toMatchObject({ reason: 'already_reviewed' });
    const { review: made } = await stack.view(asked.event);
    expect(made).toMatchObject({ reviewed_by: 'mallory' });
    expect(await listed('review_owed=true')).toEqual([]);
    const types = (await ledgerOf(stack, asked.event)).map(({ type }) => type);
    expect(types.filter((type) => type === 'reviewed')).toHaveLength(1);
    expect(types.indexOf('reviewed')).toBeGreaterThan(types.indexOf('ended'));
    const report = await verifiedBundle(stack, asked.event);
    expect(report).toMatchObject({ ok: true, errors: [], facts: { review: { person: 'mallory' } } });
    expect(report.not_verified.join('\n')).not.toContain('a review is owed');
  });

  it('is kept while the register is down, and recorded when it is back', async () => {
    const asked = await granted('p2');
    const envelope = review(asked, 'bob');
    await postgres.kill();
    expect(await send(asked, envelope)).toMatchObject({ status: 'pending' });
    await postgres.startAgain();
    let answer: ReviewAnswer = { digest: '', status: 'pending' };
    for (let attempt = 0; answer.status === 'pending' && attempt < 20; attempt += 1) {
      answer = await send(asked, envelope);
      await sleep(200);
    }
    expect(answer).toMatchObject({ status: 'accepted', by: 'bob' });
    expect((await verifiedBundle(stack, asked.event)).facts.review).toMatchObject({ person: 'bob' });
  });

  it('has a limit beside it: what is refused tells what was wanted and when it passes, and is listed', async () => {
    const again = stack.prepare({ profile: 'p2' });
    await stack.send(again);
    const view = await stack.until(again.event, ({ state }) => state === 'refused');
    expect(view.refusal).toMatchObject({ code: 'cooldown', wanted: expect.stringContaining('1h') as string });
    expect(Date.parse(view.refusal?.passes_at ?? '')).toBeGreaterThan(Date.now());
    expect(await listed('state=refused&invoker=alice')).toContain(again.event);
    expect(await listed('state=refused&invoker=bob')).not.toContain(again.event);
  });
});
