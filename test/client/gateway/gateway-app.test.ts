import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Hono } from 'hono';
import { ResealError } from '../../../client/api/reseal-error.js';
import { gatewayApp } from '../../../client/gateway/gateway-app.js';
import { fingerprintsOf } from '../../../client/keys/fingerprints.js';
import { startGateway } from '../../../client/gateway/start-gateway.js';
import { MachineApi } from '../machine-api.js';
import { makePeople, testPolicy, type People } from '../people.js';
import { aliceAsks, signedAct, signedRequest } from '../signed.js';

const ID = '0123456789abcdef';
let people: People;
let api: MachineApi;
let app: Hono;
let logged: string[];

beforeAll(() => {
  people = makePeople();
});
afterAll(() => {
  people.dispose();
});
beforeEach(() => {
  api = new MachineApi({ policy: testPolicy, roster: people.roster, now: Date.now });
  logged = [];
  app = gatewayApp({ api, log: ({ code }) => logged.push(code) });
});

const post = async (path: string, body: unknown, type = 'application/json'): Promise<Response> =>
  app.request(path, {
    method: 'POST',
    headers: { 'content-type': type },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
const codeIn = async (response: Response): Promise<string> =>
  ((await response.json()) as { error: { code: string } }).error.code;

describe('when a request is posted', () => {
  it('starts the event that the payload names, and gives the same answer again', async () => {
    const envelope = await signedRequest(people, aliceAsks(ID));
    const first = await post('/v1/events', envelope);
    expect(first.status).toBe(200);
    const opened: unknown = await first.json();
    expect(opened).toMatchObject({ event_id: ID, workflow_id: `breakglass/${ID}` });
    const again = await post('/v1/events', envelope);
    expect([again.status, await again.json()]).toEqual([200, opened]);
  });

  it('answers 409 for another request under the same id', async () => {
    await post('/v1/events', await signedRequest(people, aliceAsks(ID)));
    const other = await post('/v1/events', await signedRequest(people, aliceAsks(ID, { duration_seconds: 900 })));
    expect([other.status, await codeIn(other)]).toEqual([409, 'event_id_taken']);
  });

  it.each([
    ['no JSON', '{', 400, 'malformed'],
    ['a duplicate member', '{"payload":"a","payload":"b","signature":"c"}', 400, 'malformed'],
    ['no statement', { payload: '{}' }, 400, 'malformed'],
    ['a payload that is not canonical', { payload: '{ "act":"request"}', signature: 'x'.repeat(40) }, 400, 'malformed'],
    ['more than 64 KiB', 'x'.repeat(65 * 1024), 413, 'too_large'],
  ])('refuses %s', async (_name, body, status, code) => {
    const response = await post('/v1/events', body);
    expect([response.status, await codeIn(response)]).toEqual([status, code]);
    expect(api.states.size).toBe(0);
  });

  it('takes no forms and no requests of other sites', async () => {
    const envelope = await signedRequest(people, aliceAsks(ID));
    expect((await post('/v1/events', envelope, 'text/plain')).status).toBe(415);
    const foreign = await app.request('http://127.0.0.1:8515/v1/policy', {
      headers: { origin: 'https://evil.example' },
    });
    expect([foreign.status, await codeIn(foreign)]).toEqual([403, 'foreign_origin']);
    const rebound = gatewayApp({ api, hosts: ['127.0.0.1', 'localhost'] });
    expect((await rebound.request('http://evil.example:8515/v1/policy')).status).toBe(403);
    expect((await rebound.request('http://localhost:8515/v1/policy')).status).toBe(200);
  });
});

describe('when a statement is posted', () => {
  it('answers 202 at once, and the verdict is asked for by its digest', async () => {
    const request = aliceAsks(ID);
    await post('/v1/events', await signedRequest(people, request));
    const response = await post(`/v1/events/${ID}/statements`, await signedAct(people, 'bob', 'approve', request));
    expect(response.status).toBe(202);
    const { digest, status, url } = (await response.json()) as Record<string, string>;
    expect({ status, url }).toEqual({ status: 'pending', url: `/v1/events/${ID}/statements/${digest}` });
    expect(await (await app.request(url ?? '')).json()).toMatchObject({ status: 'accepted' });
  });

  it('waits for the verdict when asked to, and decides nothing itself', async () => {
    const request = aliceAsks(ID);
    await post('/v1/events', await signedRequest(people, request));
    const own = await post(`/v1/events/${ID}/statements?wait=5s`, await signedAct(people, 'alice', 'approve', request));
    expect(own.status).toBe(200);
    expect(await own.json()).toMatchObject({ status: 'refused', reason: 'is_invoker' });
  });

  it('passes on what speaks of another event: the ceremony records it', async () => {
    await post('/v1/events', await signedRequest(people, aliceAsks(ID)));
    const foreign = await signedAct(people, 'bob', 'approve', aliceAsks('fedcba9876543210'));
    const response = await post(`/v1/events/${ID}/statements?wait=5s`, foreign);
    expect(await response.json()).toMatchObject({ status: 'refused', reason: 'foreign_event' });
    expect(api.states.get(ID)?.refusals).toBe(1);
  });

  it('refuses a wait that is too long, a request in the wrong place, and a digest that is none', async () => {
    const request = aliceAsks(ID);
    const envelope = await signedRequest(people, request);
    await post('/v1/events', envelope);
    const kill = await signedAct(people, 'bob', 'kill', request);
    expect((await post(`/v1/events/${ID}/statements?wait=5m`, kill)).status).toBe(400);
    expect((await post(`/v1/events/${ID}/statements`, envelope)).status).toBe(400);
    expect((await app.request(`/v1/events/${ID}/statements/abc`)).status).toBe(400);
    expect(api.states.get(ID)?.verdicts).toHaveLength(0);
  });
});

describe('when something is read', () => {
  it.each([
    ['/v1/events/0123456789abcdef', 404, 'not_found'],
    ['/v1/events/x', 400, 'usage'],
    ['/v1/events?state=sleeping', 400, 'usage'],
    ['/v1/events?limit=100000', 400, 'usage'],
    ['/v1/events?order=newest', 400, 'usage'],
    ['/v1/people/eve', 404, 'unknown_person'],
    ['/v1/events/0123456789abcdef/ledger', 503, 'needs_register'],
    ['/nowhere', 404, 'not_found'],
  ])('answers %s with %i %s', async (path, status, code) => {
    const response = await app.request(path);
    expect([response.status, await codeIn(response)]).toEqual([status, code]);
  });

  it('gives people without keys', async () => {
    expect(await (await app.request('/v1/people/Bob@example.test')).json()).toEqual({
      id: 'bob',
      upn: 'bob@example.test',
      object_id: 'b0b00000-0000-4000-8000-000000000002',
    });
  });

  it("tells of one key whether it is a person's, and no more", async () => {
    const asked = async (name: string, key: string): Promise<unknown> => {
      const [print = ''] = fingerprintsOf([readFileSync(`${people.keyOf(key)}.pub`, 'utf8')]);
      const path = `/v1/people/${name}/keys?${new URLSearchParams({ fingerprint: print }).toString()}`;
      return (await app.request(path)).json();
    };
    expect(await asked('bob', 'bob')).toEqual({ on_roster: true });
    expect(await asked('bob', 'carol')).toEqual({ on_roster: false });
    expect(await codeIn(await app.request('/v1/people/eve/keys?fingerprint=x'))).toBe('unknown_person');
    expect(await codeIn(await app.request('/v1/people/bob/keys'))).toBe('usage');
  });

  it('gives how the parts are', async () => {
    expect(await (await app.request('/v1/health')).json()).toEqual({ status: 'ok' });
    expect(await (await app.request('/v1/health/details')).json()).toMatchObject({ ...api.parts });
  });

  it('gives a bundle byte for byte', async () => {
    await post('/v1/events', await signedRequest(people, aliceAsks(ID)));
    api.bundleText = '{"b":1,"a":"\\u00e9"}';
    expect(await (await app.request(`/v1/events/${ID}/bundle`)).text()).toBe(api.bundleText);
  });

  it('shows nothing of a failure but its code, and logs it', async () => {
    api.get = () => Promise.reject(new TypeError('secret in /etc'));
    const response = await app.request(`/v1/events/${ID}`);
    const text = await response.text();
    expect(response.status).toBe(500);
    expect(text).toContain('"code":"internal"');
    expect(text).not.toMatch(/secret|TypeError| at /);
    api.get = () => Promise.reject(new ResealError('temporal_unreachable', 'no answer from Temporal'));
    expect((await app.request(`/v1/events/${ID}`)).status).toBe(503);
    expect(logged).toEqual(['internal', 'temporal_unreachable']);
  });
});

describe('when it is served', () => {
  it('listens on loopback, refuses a taken port, and stops', async () => {
    const gateway = await startGateway({ api, port: 0 });
    const health = await fetch(`${gateway.url}/v1/health`);
    expect(await health.json()).toEqual({ status: 'ok' });
    const taken = startGateway({ api, port: Number(new URL(gateway.url).port) });
    await expect(taken).rejects.toMatchObject({ code: 'port_in_use' });
    await gateway.close();
    await gateway.close();
    await expect(fetch(`${gateway.url}/v1/health`)).rejects.toThrow();
  });
});
