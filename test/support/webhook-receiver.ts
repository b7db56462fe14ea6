import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One request as it came in. */
export interface Received {
  method: string;
  url: string;
  headers: Record<string, string>;
  body: string;
}

/** What the receiver does with a request; answering is its own affair. */
export type Behaviour = (response: ServerResponse, received: Received, request: IncomingMessage) => void;

/** An HTTP server on loopback that keeps what it gets, and answers 204 until it is told to behave otherwise. */
export class WebhookReceiver {
  readonly received: Received[] = [];
  private behave: Behaviour = (response) => void response.writeHead(204).end();
  private readonly server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
      const { method = '', url = '' } = request;
      const received = { method, url, headers, body: Buffer.concat(chunks).toString('utf8') };
      this.received.push(received);
      this.behave(response, received, request);
    });
  });

  static async start(): Promise<WebhookReceiver> {
    const receiver = new WebhookReceiver();
    receiver.server.listen(0, '127.0.0.1');
    await once(receiver.server, 'listening');
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/hook`;
  }

  does(behave: Behaviour): void {
    this.behave = behave;
  }

  answers(status: number, headers: Record<string, string> = {}): void {
    this.behave = (response) => void response.writeHead(status, headers).end();
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }
}

/** What somebody at the other end can do wrong, by name. */
export const MISBEHAVIOUR: Readonly<Record<string, Behaviour>> = {
  hangs: () => undefined,
  'answers 500': (response) => void response.writeHead(500).end('no'),
  'resets the connection': (_response, _received, request) => void request.socket.resetAndDestroy(),
  'closes without an answer': (_response, _received, request) => void request.socket.destroy(),
  'speaks no HTTP': (_response, _received, request) => void request.socket.end('220 mail.example ESMTP\r\n'),
};
