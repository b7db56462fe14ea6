import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';

import { loopbackAccess } from '../../../../activities/graph/wire/graph-access.js';
import { graphClient } from '../../../../activities/graph/wire/graph-client.js';
import { GraphSession } from '../../../../activities/graph/wire/graph-session.js';
import { LoopbackTransport } from '../../../../activities/graph/wire/loopback-transport.js';
import { collectGarbage, optimizeFromNow } from '../../../support/collect-garbage.js';
import { FakeClock } from '../attempts.js';

const APPLICATION = '22222222-2222-4222-8222-222222222222';
const TENANT = '11111111-1111-4111-8111-111111111111';

let server: Server;
let url: string;
let asked = 0;
beforeAll(async () => {
  optimizeFromNow();
  server = createServer((request, response) => {
    asked += 1;
    if (request.url?.endsWith('/first') === true)
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  });
  // A connection that nobody used for a while must not be closed just as the next call takes it.
  server.keepAliveTimeout = 0;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  // What is compiled on the way of the first call would count for the time of a call.
  await session({ timeoutMs: 60_000 }).read('/first', z.object({}));
});
afterAll(() => {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(resolve));
});

function session({ stop = new AbortController().signal, timeoutMs = 10_000 } = {}): GraphSession {
  const access = loopbackAccess({ application_id: APPLICATION, base_url: url, permissions: ['A.Read'] });
  return new GraphSession(access.clientFor(TENANT), new FakeClock(), stop, timeoutMs);
}

describe('a call that is never answered, while memory is collected', () => {
  let collecting: NodeJS.Timeout;
  beforeEach(() => {
    asked = 0;
    collecting = setInterval(collectGarbage, 50);
  });
  afterEach(() => clearInterval(collecting));
  const orHangs = <T>(call: Promise<T>): Promise<T | string> => Promise.race([call, sleep(20_000, 'hung for good')]);
  const nothing = z.object({});

  it.each(['read', 'write'] as const)('ends in time: a %s', async (kind) => {
    const graph = session({ timeoutMs: 2_000 });
    const call = kind === 'read' ? graph.read('/x', nothing) : graph.write('/x', {}, nothing);
    expect(await orHangs(call)).toMatchObject({ ok: false, failure: { kind: 'ambiguous', code: 'timed_out' } });
    expect(asked).toBe(1);
  });

  it('ends at once when it reads and the activity is cancelled', async () => {
    const stop = new AbortController();
    const reading = session({ stop: stop.signal, timeoutMs: 60_000 }).read('/x', nothing);
    reading.catch(() => undefined);
    await expect.poll(() => asked).toBe(1);
    stop.abort();
    await expect(orHangs(reading)).rejects.toThrow('cancelled while reading');
  });

  it('is awaited when it writes, though the activity is cancelled', async () => {
    const graph = session({ stop: AbortSignal.abort(), timeoutMs: 2_000 });
    expect(await orHangs(graph.write('/x', {}, nothing))).toMatchObject({ failure: { code: 'timed_out' } });
  });

  it('ends in time when not even a token comes', async () => {
    const credential = { getToken: () => new Promise<never>(() => undefined) };
    const client = graphClient({ credential, transport: new LoopbackTransport(url) });
    const graph = new GraphSession({ client, tellsTime: true }, new FakeClock(), new AbortController().signal, 500);
    expect(await orHangs(graph.read('/x', nothing))).toMatchObject({ failure: { kind: 'not_sent' } });
  });
});
