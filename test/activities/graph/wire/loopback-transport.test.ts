import type { Context } from '@microsoft/microsoft-graph-client';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { LoopbackTransport } from '../../../../activities/graph/wire/loopback-transport.js';

describe('when the loopback transport is made', () => {
  it.each([
    'https://127.0.0.1:1',
    'http://localhost:1',
    'http://127.0.0.1.example.org:1',
    'http://127.0.0.1:1@example.org',
    'http://example.org:80',
    'http://10.0.0.1:1',
    'http://127.0.0.1:1/elsewhere',
    'http://127.0.0.1',
    'http://[::2]:1',
    '',
  ])('refuses the base URL "%s"', (base) => {
    expect(() => new LoopbackTransport(base)).toThrow(TypeError);
  });

  it.each(['http://127.0.0.1:8080', 'http://[::1]:8080', 'http://127.0.0.1:8080/'])('takes %s', (base) => {
    expect(() => new LoopbackTransport(base)).not.toThrow();
  });
});

describe('when a request is carried', () => {
  async function listening(
    status = 200,
    headers: Record<string, string> = {},
  ): Promise<{ base: string; seen: IncomingMessage[] }> {
    const seen: IncomingMessage[] = [];
    const server: Server = createServer((req, res) => {
      seen.push(req);
      res.writeHead(status, headers).end('{}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      server.close();
      server.closeAllConnections();
    });
    return { base: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
  }

  it('keeps path, query and headers', async () => {
    const { base, seen } = await listening();
    const request = "https://graph.microsoft.com/v1.0/users?$filter=id eq 'x'";
    const context: Context = { request, options: { method: 'GET', headers: { authorization: 'Bearer t' } } };
    await new LoopbackTransport(base).execute(context);
    expect(context.response?.status).toBe(200);
    expect(decodeURIComponent(seen[0]?.url ?? '')).toBe("/v1.0/users?$filter=id eq 'x'");
    expect(seen[0]?.headers.authorization).toBe('Bearer t');
  });

  it.each([
    'https://graph.microsoft.com.example.org/v1.0/me',
    'https://example.org/v1.0/me',
    'http://graph.microsoft.com/v1.0/me',
    'https://graph.microsoft.com:8443/v1.0/me',
    'https://user:secret@graph.microsoft.com/v1.0/me',
  ])('refuses %s, and sends nothing', async (request) => {
    const { base, seen } = await listening();
    await expect(new LoopbackTransport(base).execute({ request })).rejects.toThrow(TypeError);
    expect(seen).toHaveLength(0);
  });

  it('does not follow a redirect away from the machine', async () => {
    const { base, seen } = await listening(302, { location: 'https://example.org/' });
    const context: Context = { request: 'https://graph.microsoft.com/v1.0/me' };
    await expect(new LoopbackTransport(base).execute(context)).rejects.toThrow();
    expect(seen).toHaveLength(1);
  });
});
