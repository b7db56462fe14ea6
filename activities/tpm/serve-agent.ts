import { createServer as createHttp, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttps } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { AttestAgent } from './attest-agent.js';

/** The agent's own key and certificate, and who may ask: whoever has a certificate of these authorities. PEM texts. */
export interface AgentTls {
  key: string;
  cert: string;
  clientCa: string;
}

export interface ServedAgent {
  url: string;
  /** Takes no new requests and cuts those under way. */
  close(): Promise<void>;
}

const MAX_BODY_BYTES = 64 * 1024;
const REQUEST_MS = 30_000;
const HEADERS_MS = 10_000;
/** More than a few at once are no verifier. */
const MAX_CONNECTIONS = 16;

/**
 * Serves an agent over HTTP, or over HTTPS with client certificates when `tls` is given. Rejects with the system's error
 * (EADDRINUSE, EACCES) when it cannot listen.
 */
export async function serveAgent(
  agent: Pick<AttestAgent, 'answer'>,
  { host, port, tls }: { host: string; port: number; tls?: AgentTls },
): Promise<ServedAgent> {
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    void respond(agent, request, response);
  };
  const limits = { requestTimeout: REQUEST_MS, headersTimeout: HEADERS_MS };
  const server: Server =
    tls === undefined
      ? createHttp(limits, handle)
      : createHttps(
          {
            ...limits,
            key: tls.key,
            cert: tls.cert,
            ca: tls.clientCa,
            requestCert: true,
            rejectUnauthorized: true,
            minVersion: 'TLSv1.3',
          },
          handle,
        );
  server.maxConnections = MAX_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const bound = (server.address() as AddressInfo).port;
  return {
    url: `${tls === undefined ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${bound}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function respond(
  agent: Pick<AttestAgent, 'answer'>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const send = (status: number, body: unknown): void => {
    const text = JSON.stringify(body);
    response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
    response.end(text);
  };
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > MAX_BODY_BYTES) {
        response.setHeader('connection', 'close');
        send(413, { error: { code: 'too_large', message: `a body has at most ${MAX_BODY_BYTES} bytes` } });
        return;
      }
      chunks.push(chunk);
    }
  } catch {
    // Whoever asked is gone: there is nobody to answer.
    return;
  }
  const { status, body } = await agent.answer({
    method: request.method ?? '',
    path: (request.url ?? '').split('?')[0] ?? '',
    authorization: request.headers.authorization,
    body: Buffer.concat(chunks),
  });
  send(status, body);
}
