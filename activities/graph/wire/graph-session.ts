import { randomUUID } from 'node:crypto';

import { GraphError, type GraphRequest } from '@microsoft/microsoft-graph-client';
import { CancelledFailure } from '@temporalio/common';
import { z } from 'zod';

import { instant } from '../../../domain/identifiers.js';
import type { Clock } from '../../clock.js';
import { timeLimit } from '../../time-limit.js';
import type { GraphConnection } from './graph-access.js';
import { askedOf, digestOrNull, type GraphCall } from './graph-call.js';
import { readGraphFailure, unreadable, type GraphFailure } from './graph-error.js';
import { SentRecord } from './sent-watch.js';

export type GraphAnswer<T> = { ok: true; value: T } | { ok: false; failure: GraphFailure };

const TIMEOUT_MS = 10_000;
const MAX_PAGES = 100;
const GRAPH = 'https://graph.microsoft.com/';

type Query = Readonly<Record<string, string>>;
type Method = 'get' | 'post' | 'patch' | 'delete';

const pageSchema = z.object({ value: z.array(z.unknown()), '@odata.nextLink': z.string().optional() });

/**
 * The calls of one attempt. Each has a client-request-id of its own, kept for the receipt, and 10 seconds. A read stops
 * when the activity is cancelled; a write, once begun, is awaited, or its answer would be lost for nothing.
 */
export class GraphSession {
  readonly clientRequestIds: string[] = [];
  /** Graph's own time in its latest answer, epoch ms to the second; null while none has said. */
  serviceTime: number | null = null;

  constructor(
    private readonly connection: GraphConnection,
    private readonly clock: Clock,
    private readonly cancellation: AbortSignal,
    private readonly timeoutMs = TIMEOUT_MS,
    private readonly calls: GraphCall[] = [],
  ) {}

  /** GET of one resource. Values in `query` are plain text; they are encoded here. */
  async read<T>(path: string, schema: z.ZodType<T>, query: Query = {}): Promise<GraphAnswer<T>> {
    return this.call('get', path, schema, query);
  }

  /** GET of a whole collection, page by page; one failed page fails all of it. */
  async readAll<T>(path: string, schema: z.ZodType<T>, query: Query = {}): Promise<GraphAnswer<T[]>> {
    const rows: T[] = [];
    let next: string | undefined;
    for (let page = 0; page < MAX_PAGES; page += 1) {
      const answer = await this.call('get', next ?? path, pageSchema, next === undefined ? query : {});
      if (!answer.ok) return answer;
      const parsed = z.array(schema).safeParse(answer.value.value);
      if (!parsed.success) return { ok: false, failure: unreadable(this.lastId()) };
      rows.push(...parsed.data);
      next = answer.value['@odata.nextLink'];
      if (next === undefined) return { ok: true, value: rows };
      if (!next.startsWith(GRAPH)) return { ok: false, failure: unreadable(this.lastId()) };
    }
    // A collection without end must not pass for a complete one.
    return { ok: false, failure: unreadable(this.lastId()) };
  }

  /** POST, exactly once. */
  async write<T>(path: string, body: object, schema: z.ZodType<T>): Promise<GraphAnswer<T>> {
    return this.call('post', path, schema, {}, body);
  }

  /** PATCH, exactly once. What the service answers besides that it took it is not looked at: 204 has nothing to say. */
  async amend(path: string, body: object): Promise<GraphAnswer<unknown>> {
    return this.call('patch', path, z.unknown(), {}, body);
  }

  /** DELETE, exactly once. */
  async remove(path: string): Promise<GraphAnswer<unknown>> {
    return this.call('delete', path, z.unknown(), {});
  }

  private async call<T>(
    method: Method,
    path: string,
    schema: z.ZodType<T>,
    query: Query,
    body?: object,
  ): Promise<GraphAnswer<T>> {
    const clientRequestId = randomUUID();
    this.clientRequestIds.push(clientRequestId);
    const record = new SentRecord();
    const at = instant(this.clock.now());
    const note = (answer: unknown): void => {
      const response_digest = digestOrNull(answer);
      const { status, requestId: graph_request_id } = record;
      const asked = askedOf({ method, path, query, ...(body === undefined ? {} : { body }) });
      this.calls.push({ at, ...asked, status, response_digest, client_request_id: clientRequestId, graph_request_id });
    };
    const limit = timeLimit(this.timeoutMs, method === 'get' ? this.cancellation : undefined);
    const { signal } = limit;
    const request = this.connection.client
      .api(path)
      .header('client-request-id', clientRequestId)
      .option('signal', signal)
      .middlewareOptions([record]);
    for (const [name, value] of Object.entries(query)) request.query({ [name]: encodeURIComponent(value) });
    if (this.connection.tellsTime) request.header('x-reseal-now', instant(this.clock.now()));
    let answer: unknown;
    try {
      // The race is for a token that never comes: the signal does not reach the credential.
      const sending: Promise<unknown> = send(request, method, body);
      answer = await Promise.race([sending, aborted(signal, record, sending)]);
      this.hearTime(record);
      note(answer);
    } catch (error) {
      this.hearTime(record);
      note(error instanceof GraphError ? jsonOf(error.body) : undefined);
      if (method === 'get' && this.cancellation.aborted) throw new CancelledFailure('cancelled while reading');
      return { ok: false, failure: readGraphFailure(error, { record, clientRequestId, nowMs: this.clock.now() }) };
    } finally {
      limit.clear();
    }
    const parsed = schema.safeParse(answer);
    return parsed.success ? { ok: true, value: parsed.data } : { ok: false, failure: unreadable(clientRequestId) };
  }

  private hearTime({ date }: SentRecord): void {
    const ms = date === null ? Number.NaN : Date.parse(date);
    if (!Number.isNaN(ms)) this.serviceTime = ms;
  }

  private lastId(): string {
    return this.clientRequestIds.at(-1) ?? '';
  }
}

/** The client hands an error's body on as JSON text, where it was JSON. */
function jsonOf(body: unknown): unknown {
  if (typeof body !== 'string') return undefined;
  try {
    return JSON.parse(body) as unknown;
  } catch {
    return undefined;
  }
}

function send(request: GraphRequest, method: Method, body: object | undefined): Promise<unknown> {
  switch (method) {
    case 'get':
      return request.get();
    case 'post':
      return request.post(body);
    case 'patch':
      return request.patch(body);
    case 'delete':
      return request.delete();
  }
}

/** Rejects when the time is up and the request has not even been sent; a sent one is ended by the transport itself. */
function aborted(signal: AbortSignal, record: SentRecord, sending: Promise<unknown>): Promise<never> {
  return new Promise((_, reject) => {
    const onAbort = (): void => {
      if (!record.sent) reject(new Error('no token in time'));
    };
    signal.addEventListener('abort', onAbort, { once: true });
    const done = (): void => signal.removeEventListener('abort', onAbort);
    sending.then(done, done);
  });
}
