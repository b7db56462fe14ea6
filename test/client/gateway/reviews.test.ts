import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Hono } from 'hono';
import type { EventFilter } from '../../../client/api/reseal-api.js';
import { parseEventFilter } from '../../../client/gateway/event-filter.js';
import { gatewayApp } from '../../../client/gateway/gateway-app.js';
import { MachineApi } from '../machine-api.js';
import { makePeople, testPolicy, type People } from '../people.js';
import { aliceAsks, signedAct, signedRequest, signedReview } from '../signed.js';

const ID = '0123456789abcdef';
let people: People;
let api: MachineApi;
let app: Hono;

beforeAll(() => {
  people = makePeople();
});
afterAll(() => {
  people.dispose();
});
beforeEach(() => {
  api = new MachineApi({ policy: testPolicy, roster: people.roster, now: Date.now });
  app = gatewayApp({ api });
});

const post = async (path: string, body: unknown): Promise<Response> =>
  app.request(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

describe('when a review is posted', () => {
  const request = aliceAsks(ID);
  beforeEach(async () => {
    await api.open(await signedRequest(people, request), ID);
    await api.speak(ID, 'kill', await signedAct(people, 'alice', 'kill', request));
  });

  it('carries it and answers what became of it', async () => {
    const response = await post(`/v1/events/${ID}/reviews`, await signedReview(people, 'bob', request));
    expect([response.status, await response.json()]).toMatchObject([200, { status: 'accepted', by: 'bob' }]);
    const own = await post(`/v1/events/${ID}/reviews`, await signedReview(people, 'alice', request));
    expect([own.status, await own.json()]).toMatchObject([200, { status: 'refused', reason: 'invoker_cannot_review' }]);
  });

  it('answers 202 while the register has not', async () => {
    api.review = async () => ({ digest: 'a'.repeat(64), status: 'pending' });
    const response = await post(`/v1/events/${ID}/reviews`, await signedReview(people, 'bob', request));
    expect([response.status, await response.json()]).toMatchObject([202, { status: 'pending' }]);
  });

  it('takes reviews there alone, and nothing else there', async () => {
    const approval = await post(`/v1/events/${ID}/reviews`, await signedAct(people, 'bob', 'approve', request));
    expect(approval.status).toBe(400);
    const review = await signedReview(people, 'bob', request);
    expect((await post(`/v1/events/${ID}/statements`, review)).status).toBe(400);
    expect((await post('/v1/events', review)).status).toBe(400);
    expect((await post('/v1/events/nowhere/reviews', review)).status).toBe(400);
    expect(api.reviews.size).toBe(0);
  });
});

describe("a list's filters", () => {
  it.each<[Record<string, string>, EventFilter]>([
    [{ overdue: 'true' }, { overdue: true }],
    [{ review_owed: '1' }, { review_owed: true }],
    [{ waiting_for: 'Bob@Example.test' }, { waiting_for: 'bob@example.test' }],
    [
      { state: 'refused', invoker: 'ALICE' },
      { state: 'refused', invoker: 'alice' },
    ],
  ])('read %j', (query, filter) => {
    expect(parseEventFilter(query)).toEqual({ ...filter, limit: 50 });
  });

  it.each([
    [{ overdue: 'false' }, 'overdue'],
    [{ review_owed: 'yes' }, 'review_owed'],
    [{ waiting_for: '' }, 'waiting_for'],
    [{ waiting: 'bob' }, 'waiting'],
  ])('refuse %j, naming the filter', (query, named) => {
    expect(() => parseEventFilter(query as unknown as Record<string, string>)).toThrow(named);
  });
});
