import type { Context, Middleware } from '@microsoft/microsoft-graph-client';

const GRAPH_ORIGIN = 'https://graph.microsoft.com';

/**
 * The last link of the Graph client's middleware chain for local use: it takes the place of HTTPMessageHandler and
 * carries requests for https://graph.microsoft.com to a simulator on this machine. The URLs stay the public ones
 * until here, because the client attaches the token and its headers to nothing else.
 *
 * A token must never leave the machine this way: the base URL must be http on 127.0.0.1 or [::1], without
 * credentials, path or query, and a request for any other host is refused. Redirects are not followed.
 */
export class LoopbackTransport implements Middleware {
  private readonly base: string;

  /** Throws a TypeError where the base URL is not a loopback one. */
  constructor(baseUrl: string) {
    const match = /^http:\/\/(127\.0\.0\.1|\[::1\]):(\d{1,5})\/?$/.exec(baseUrl);
    if (match === null) {
      throw new TypeError(`not a loopback base URL (http://127.0.0.1:PORT or http://[::1]:PORT): ${baseUrl}`);
    }
    this.base = new URL(baseUrl).origin;
  }

  /** Throws a TypeError for a request to another host; network failures are those of `fetch`. */
  async execute(context: Context): Promise<void> {
    const request: unknown = context.request;
    if (typeof request !== 'string' && !(request instanceof Request)) throw new TypeError('not a request');
    const asked = new URL(typeof request === 'string' ? request : request.url);
    if (asked.origin !== GRAPH_ORIGIN || asked.username !== '' || asked.password !== '') {
      throw new TypeError(`the loopback transport serves ${GRAPH_ORIGIN} only, not ${asked.origin}`);
    }
    const target = `${this.base}${asked.pathname}${asked.search}`;
    const options: RequestInit = { ...context.options, redirect: 'error' };
    context.response = await fetch(typeof request === 'string' ? target : new Request(target, request), options);
  }

  /** Nothing comes after the transport. */
  setNext(): void {}
}
