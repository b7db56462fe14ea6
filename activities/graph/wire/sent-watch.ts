import type { Context, Middleware, MiddlewareOptions } from '@microsoft/microsoft-graph-client';

/** What is known of one request beside its answer: pass one with each request, read it when the request failed. */
export class SentRecord implements MiddlewareOptions {
  /** It was handed to the transport: from here on the service may have acted on it. */
  sent = false;
  /** Of the answer, where one came; the client's own error has no headers when the body was not JSON. */
  retryAfter: string | null = null;
  /** The service's own time, as its answer's Date header says it (RFC 9110 §6.6.1: whole seconds). */
  date: string | null = null;
  /** HTTP status of the answer, where one came. */
  status: number | null = null;
  /** The answer's `request-id` header, which Microsoft Graph sets on every answer (learn.microsoft.com, "Error responses"). */
  requestId: string | null = null;
}

/** Right before the transport: tells a request that failed for want of a token from one whose answer was lost. */
export class SentWatch implements Middleware {
  private next: Middleware | undefined;

  setNext(next: Middleware): void {
    this.next = next;
  }

  async execute(context: Context): Promise<void> {
    const record: unknown = context.middlewareControl?.getMiddlewareOptions(SentRecord);
    if (record instanceof SentRecord) record.sent = true;
    await this.next?.execute(context);
    if (!(record instanceof SentRecord)) return;
    record.retryAfter = context.response?.headers.get('Retry-After') ?? null;
    record.date = context.response?.headers.get('Date') ?? null;
    record.status = context.response?.status ?? null;
    record.requestId = idOf(context.response?.headers.get('request-id') ?? null);
  }
}

/** A proxy's answer is anybody's: what is not an id is none. */
const idOf = (header: string | null): string | null => (/^[0-9a-zA-Z-]{1,64}$/.test(header ?? '') ? header : null);
