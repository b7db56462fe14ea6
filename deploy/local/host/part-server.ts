import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isService, SERVICES, type HostFault, type HostState, type PartName } from './host-state.js';

/** One part of the host, on a port of its own. */
export interface PartServer {
  url: string;
  close(): Promise<void>;
}

const BODY_LIMIT = 64 * 1024;

/** One for reading alone, one for all. */
export interface PartTokens {
  read: string;
  write: string;
}

/**
 * Serves one part on 127.0.0.1: `GET /api/v1/state`, and for what can be contained `POST /api/v1/contain` and
 * `/api/v1/release`, each only with a bearer token; without tokens anybody is answered, as the runbook's curls of the
 * monitors have it. Rejects where the port is taken.
 */
export async function startPart(
  host: HostState,
  part: PartName,
  { tokens, port = 0 }: { tokens: PartTokens | null; port?: number },
): Promise<PartServer> {
  const waiting = new Set<() => void>();
  const server: Server = createServer((request, response) => {
    void serve(request, response).catch(() => request.socket.destroy());
  });
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const [method, path] = [request.method ?? '', (request.url ?? '').split('?')[0] ?? ''];
    const body = await bodyOf(request);
    const send = (status: number, said: unknown, headers: Record<string, string> = {}): void => {
      response.writeHead(status, { 'content-type': 'application/json', ...headers });
      response.end(JSON.stringify(said));
    };
    const shown = request.headers.authorization;
    const known = tokens === null || [tokens.read, tokens.write].some((token) => shown === `Bearer ${token}`);
    if (!known) return send(401, { error: 'expected a bearer token of this service' });
    if (tokens !== null && method !== 'GET' && shown !== `Bearer ${tokens.write}`)
      return send(403, { error: 'this token can only read' });
    host.asked.push(`${part} ${method} ${path}`);
    const fault = host.strike(part, method);
    if (fault?.kind === 'unreachable') return void request.socket.destroy();
    if (fault?.kind === 'error') return send(fault.status, { error: 'a fault that was asked for' });
    if (fault?.kind === 'redirect') return send(307, {}, { location: fault.location ?? 'http://127.0.0.1:9/' });
    if (fault?.kind === 'endless') return endless(response);
    if (fault?.kind === 'slow') await pause(fault.delay_ms, waiting);
    const answer = answerOf(host, part, { method, path, body, fault });
    send(answer.status, answer.body);
  };
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        for (const wake of waiting) wake();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function answerOf(
  host: HostState,
  part: PartName,
  { method, path, body, fault }: { method: string; path: string; body: string; fault: HostFault | null },
): { status: number; body: unknown } {
  if (method === 'GET' && path === '/health') return { status: 200, body: { status: 'ok' } };
  if (method === 'GET' && path === '/api/v1/state') {
    const now = host.read(part);
    const state = fault?.kind === 'lie' ? (fault.state ?? now.state) : now.state;
    return { status: 200, body: { ...now, state } };
  }
  const change = method === 'POST' && isService(part) ? CHANGES[path] : undefined;
  if (change === undefined || !isService(part)) return { status: 404, body: { error: `no ${method} ${path}` } };
  // Says that it has, and has not.
  if (fault?.kind !== 'forget' && fault?.kind !== 'lie') host.set(part, SERVICES[part][change], byOf(body));
  return { status: 200, body: { status: 'ok' } };
}

const CHANGES: Readonly<Record<string, 'contained' | 'released'>> = {
  '/api/v1/contain': 'contained',
  '/api/v1/release': 'released',
};

function byOf(body: string): string {
  try {
    const { by } = JSON.parse(body) as { by?: unknown };
    return typeof by === 'string' ? by.slice(0, 64) : 'unknown';
  } catch {
    return 'unknown';
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length;
    if (size <= BODY_LIMIT) parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

/** More than anybody should read. */
function endless(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json' });
  const chunk = Buffer.alloc(16 * 1024, 0x20);
  const more = (): void => {
    while (!response.destroyed && response.write(chunk));
    if (!response.destroyed) response.once('drain', more);
  };
  more();
}

function pause(ms: number, waiting: Set<() => void>): Promise<void> {
  return new Promise((resolve) => {
    const wake = (): void => {
      clearTimeout(timer);
      waiting.delete(wake);
      resolve();
    };
    const timer = setTimeout(wake, ms);
    waiting.add(wake);
  });
}
