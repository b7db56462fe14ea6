import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { HttpApi } from '../../../client/api/http-api.js';

let server: Server | undefined;

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** A server that answers each request with the next of these; null drops the connection. */
async function answering(...answers: ({ status: number; type: string; body: string } | null)[]): Promise<{
  api: HttpApi;
  asked: () => number;
}> {
  let count = 0;
  server = createServer((request, response) => {
    const answer = answers[Math.min(count, answers.length - 1)];
    count += 1;
    if (answer === null || answer === undefined) request.socket.destroy();
    else response.writeHead(answer.status, { 'content-type': answer.type }).end(answer.body);
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { api: new HttpApi({ url: `http://127.0.0.1:${port}/`, timeoutMs: 2_000 }), asked: () => count };
}

const json = (status: number, body: unknown) => ({ status, type: 'application/json', body: JSON.stringify(body) });

describe('when the gateway does not answer', () => {
  it('asks again when the connection is lost, and has the answer then', async () => {
    const { api, asked } = await answering(null, json(200, { id: 'bob' }));
    expect(await api.person('bob')).toEqual({ id: 'bob' });
    expect(asked()).toBe(2);
  });

  it('asks again when a proxy says not now', async () => {
    const { api, asked } = await answering({ status: 502, type: 'text/html', body: '<h1>' }, json(200, { id: 'bob' }));
    expect(await api.person('bob')).toEqual({ id: 'bob' });
    expect(asked()).toBe(2);
  });

  it('gives up with exit status 6 and says what to do', async () => {
    const { api } = await answering(null);
    const failure = { code: 'gateway_unreachable', exit: 6, hint: expect.stringContaining('--direct') as string };
    await expect(api.person('bob')).rejects.toMatchObject(failure);
  });
});

describe('when the gateway answers an error', () => {
  it('has its code, words and exit status', async () => {
    const error = { code: 'event_id_taken', message: 'taken', hint: 'another' };
    const { api, asked } = await answering(json(409, { error }));
    await expect(api.person('bob')).rejects.toMatchObject({ ...error, exit: 2 });
    expect(asked()).toBe(1);
  });

  it('takes a code that it does not know for internal', async () => {
    const { api } = await answering(json(418, { error: { code: 'teapot', message: 'short and stout' } }));
    await expect(api.person('bob')).rejects.toMatchObject({ code: 'internal', exit: 1 });
  });

  it.each([
    ['a page', { status: 200, type: 'text/html', body: '<h1>welcome</h1>' }],
    ['an error page', { status: 404, type: 'text/html', body: 'no' }],
  ])('does not take %s for a gateway', async (_name, answer) => {
    const { api } = await answering(answer);
    await expect(api.person('bob')).rejects.toMatchObject({ code: 'gateway_unreachable' });
  });
});
