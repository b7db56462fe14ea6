import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';

import { graphAccess, loopbackAccess } from '../../../../activities/graph/wire/graph-access.js';
import { graphClient } from '../../../../activities/graph/wire/graph-client.js';
import { retryAfterMs, toApplicationFailure } from '../../../../activities/graph/wire/graph-error.js';
import { GraphSession } from '../../../../activities/graph/wire/graph-session.js';
import { LoopbackTransport } from '../../../../activities/graph/wire/loopback-transport.js';
import { FakeClock } from '../attempts.js';

interface Answer {
  status: number;
  body?: string;
  headers?: Record<string, string>;
}

let server: Server;
let url: string;
let answers: (Answer | 'hang_up')[] = [];
const seen: { method: string | undefined; url: string | undefined; headers: NodeJS.Dict<string | string[]> }[] = [];
beforeAll(async () => {
  server = createServer((req, res) => {
    seen.push({ method: req.method, url: req.url, headers: req.headers });
    const answer = answers.shift() ?? { status: 200, body: '{}' };
    if (answer === 'hang_up') return void req.socket.destroy();
    res.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers });
    res.end(answer.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => new Promise((resolve) => server.close(resolve)));
afterEach(() => {
  answers = [];
  seen.length = 0;
  vi.unstubAllGlobals();
});

const TENANT = '11111111-1111-4111-8111-111111111111';
const APPLICATION = '22222222-2222-4222-8222-222222222222';

function session(): GraphSession {
  const access = loopbackAccess({ application_id: APPLICATION, base_url: url, permissions: ['A.Read', 'B.Read'] });
  return new GraphSession(access.clientFor(TENANT), new FakeClock(), new AbortController().signal);
}

const failure = async (...given: (Answer | 'hang_up')[]) => {
  answers = given;
  const answer = await session().write('/x', {}, z.object({}));
  if (answer.ok) throw new Error('no failure');
  return answer.failure;
};
const coded = (status: number, code: string): Answer => ({
  status,
  body: JSON.stringify({ error: { code, message: 'm' } }),
});

describe('what a call sends', () => {
  it('carries the local token, a request id of its own, the time, and encoded queries', async () => {
    const graph = session();
    await graph.read('/a', z.object({}), { $filter: "x eq 'a+b&c#d'" });
    await graph.read('/b', z.object({}));
    expect(seen[0]?.headers['authorization']).toBe(`Bearer sim.${TENANT}.${APPLICATION}.A.Read+B.Read`);
    expect(seen[0]?.headers['x-reseal-now']).toBe('2026-06-01T10:00:00.000Z');
    const ids = seen.map(({ headers }) => headers['client-request-id']);
    expect(ids).toEqual(graph.clientRequestIds);
    expect(new Set(ids).size).toBe(2);
    expect(new URL(seen[0]?.url ?? '', url).searchParams.get('$filter')).toBe("x eq 'a+b&c#d'");
  });

  it.each([429, 503, 504])('sends a write once, whatever the answer: %d', async (status) => {
    await failure({ status, body: '{"error":{"code":"c","message":"m"}}', headers: { 'retry-after': '0' } });
    expect(seen).toHaveLength(1);
  });

  it.each([429, 503, 504])('amends and removes once, whatever the answer: %d', async (status) => {
    const body = '{"error":{"code":"c","message":"m"}}';
    answers = [
      { status, body },
      { status, body },
    ];
    const graph = session();
    expect((await graph.amend('/x', { a: 1 })).ok).toBe(false);
    expect((await graph.remove('/x')).ok).toBe(false);
    expect(seen.map(({ method }) => method)).toEqual(['PATCH', 'DELETE']);
  });

  it('takes an answer without a body for what it is', async () => {
    answers = [{ status: 204 }, { status: 204 }, 'hang_up'];
    const graph = session();
    expect(await graph.amend('/x', { a: 1 })).toMatchObject({ ok: true });
    expect(await graph.remove('/x')).toMatchObject({ ok: true });
    expect(await graph.amend('/x', { a: 1 })).toMatchObject({ ok: false, failure: { kind: 'ambiguous' } });
  });

  it('never tells the time to the real service, nor sends a local token there', async () => {
    const calls: { url: string; headers: Headers }[] = [];
    vi.stubGlobal('fetch', (input: string, init: RequestInit) => {
      calls.push({ url: input, headers: new Headers(init.headers) });
      expect(init.redirect).toBe('error');
      return Promise.resolve(new Response('{}', { headers: { 'content-type': 'application/json' } }));
    });
    const credential = { getToken: () => Promise.resolve({ token: 'real', expiresOnTimestamp: Date.now() + 1e6 }) };
    const connection = { client: graphClient({ credential }), tellsTime: false };
    await new GraphSession(connection, new FakeClock(), new AbortController().signal).read('/a', z.object({}));
    expect(calls[0]?.url).toBe('https://graph.microsoft.com/v1.0/a');
    expect(calls[0]?.headers.get('authorization')).toBe('Bearer real');
    expect(calls[0]?.headers.has('x-reseal-now')).toBe(false);
  });

  it('has no way to send a real token over a loopback transport', () => {
    expect(() => new LoopbackTransport('https://graph.microsoft.com')).toThrow(TypeError);
    const credential = { kind: 'managed_identity' as const };
    const access = graphAccess({ application_id: APPLICATION, credential });
    expect(access.clientFor(TENANT).tellsTime).toBe(false);
    expect(access.clientFor(TENANT)).toBe(access.clientFor(TENANT));
  });
});

describe('what an unsuccessful write means', () => {
  it.each([500, 502, 503, 504])('is ambiguous after %d', async (status) => {
    expect(await failure(coded(status, 'ServiceUnavailable'))).toMatchObject({ kind: 'ambiguous', status });
  });

  it('is ambiguous when no answer came, or one that nobody can read', async () => {
    expect(await failure('hang_up')).toMatchObject({ kind: 'ambiguous', status: -1, code: 'connection_failed' });
    const html = { status: 403, body: '<html>no</html>', headers: { 'content-type': 'text/html' } };
    expect(await failure(html)).toMatchObject({ kind: 'ambiguous', code: 'http_403' });
    expect(await failure({ status: 400, body: '{"error":' })).toMatchObject({ kind: 'ambiguous' });
    expect(await failure({ status: 400, body: '{}' })).toMatchObject({ kind: 'ambiguous' });
    expect(await failure({ status: 201, body: '"text"' })).toMatchObject({ kind: 'ambiguous' });
    expect(await failure({ status: 201, body: '{"cut' })).toMatchObject({ kind: 'ambiguous' });
  });

  it.each([
    [400, 'RoleAssignmentExists', 'exists'],
    [400, 'PendingRoleAssignmentRequest', 'pending'],
    [400, 'RoleAssignmentDoesNotExist', 'does_not_exist'],
    [400, 'ActiveDurationTooShort', 'too_short'],
    [400, 'RoleAssignmentRequestPolicyValidationFailed', 'refused'],
    [400, 'ResourceIsLocked', 'refused'],
    [401, 'InvalidAuthenticationToken', 'unauthenticated'],
    [403, 'Authorization_RequestDenied', 'denied'],
    [404, 'SubjectNotFound', 'not_found'],
    [409, 'Directory_ConcurrencyViolation', 'conflict'],
    [429, 'TooManyRequests', 'throttled'],
  ])('is told by status and code: %d %s is %s', async (status, code, kind) => {
    expect(await failure(coded(status, code))).toMatchObject({ kind, code, status });
  });

  it('is nothing at all when no token could be had: the call never left', async () => {
    const credential = { getToken: () => Promise.reject(new Error('secret detail of the token endpoint')) };
    const client = graphClient({ credential, transport: new LoopbackTransport(url) });
    const graph = new GraphSession({ client, tellsTime: true }, new FakeClock(), new AbortController().signal);
    const answer = await graph.write('/x', {}, z.object({}));
    if (answer.ok) throw new Error('no failure');
    expect(answer.failure).toMatchObject({ kind: 'not_sent', status: -1 });
    expect(JSON.stringify(answer.failure)).not.toContain('secret');
    expect(seen).toHaveLength(0);
  });

  it('reads Retry-After also where the body is not JSON, as seconds or as a date, a minute at most', async () => {
    const html = { status: 429, body: '<html>', headers: { 'content-type': 'text/html', 'retry-after': '7' } };
    expect(await failure(html)).toMatchObject({ kind: 'throttled', retryAfterMs: 7000 });
    const now = Date.parse('2026-06-01T10:00:00Z');
    expect(retryAfterMs('Mon, 01 Jun 2026 10:00:20 GMT', now)).toBe(20_000);
    expect(retryAfterMs('Mon, 01 Jun 2026 09:00:00 GMT', now)).toBe(0);
    expect(retryAfterMs('86400', now)).toBe(60_000);
    expect(retryAfterMs('soon', now)).toBeUndefined();
    expect(retryAfterMs(null, now)).toBeUndefined();
  });

  it('becomes a typed failure that can be retried and tells no more than codes and ids', async () => {
    const failed = toApplicationFailure(await failure(coded(403, 'Authorization_RequestDenied')), 5000);
    expect(failed).toMatchObject({ type: 'graph_denied', nextRetryDelay: 5000 });
    expect(failed.nonRetryable === true).toBe(false);
    expect(Object.keys(failed.details?.[0] ?? {})).toEqual(['code', 'status', 'client_request_id']);
  });
});

describe('a collection', () => {
  it('is read to its last page, over links that name the public host', async () => {
    const next = 'https://graph.microsoft.com/v1.0/rows?$skiptoken=2';
    answers = [
      { status: 200, body: JSON.stringify({ value: [{ id: '1' }], '@odata.nextLink': next }) },
      { status: 200, body: JSON.stringify({ value: [{ id: '2' }] }) },
    ];
    const rows = await session().readAll('/rows', z.object({ id: z.string() }));
    expect(rows).toEqual({ ok: true, value: [{ id: '1' }, { id: '2' }] });
    expect(seen[1]?.url).toContain('skiptoken=2');
  });

  it('is not followed to another host, and not taken for complete without its last page', async () => {
    const next = 'https://example.test/v1.0/rows?$skiptoken=2';
    answers = [{ status: 200, body: JSON.stringify({ value: [{ id: '1' }], '@odata.nextLink': next }) }];
    expect((await session().readAll('/rows', z.object({ id: z.string() }))).ok).toBe(false);
    expect(seen).toHaveLength(1);
    const good = 'https://graph.microsoft.com/v1.0/rows?$skiptoken=2';
    answers = [
      { status: 200, body: JSON.stringify({ value: [{ id: '1' }], '@odata.nextLink': good }) },
      { status: 503, body: '{}' },
    ];
    expect((await session().readAll('/rows', z.object({ id: z.string() }))).ok).toBe(false);
  });
});
