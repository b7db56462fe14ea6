import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { GraphFailure, usualError, type Answer } from './answer.js';
import { parseRfc3339 } from './clock.js';
import { strikesAfter, type Fault } from './faults.js';
import { dispatch } from './routes.js';
import type { Tenant } from './tenant.js';
import { readCaller, type Caller } from './token.js';
import type { World } from './world.js';

const BODY_LIMIT = 1024 * 1024;
const JSON_TYPE = 'application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8';

/** One request while it is being served. */
interface Exchange {
  readonly method: string;
  /** As received, query included. */
  readonly path: string;
  readonly pathname: string;
  readonly query: URLSearchParams;
  readonly body: unknown;
  readonly bodyError: GraphFailure | null;
  readonly requestId: string;
  readonly clientRequestId: string | null;
  readonly caller: Caller | null;
  readonly callerError: GraphFailure | null;
  readonly tenant: Tenant | null;
}

/**
 * Serves the Graph side. Everything between the reading of a request and its answer is one synchronous step, so that
 * requests of a tenant are carried out one after the other.
 */
export class GraphServer {
  private readonly waits = new Set<() => void>();
  private closed = false;

  constructor(
    private readonly world: World,
    private readonly changed: () => void,
  ) {}

  /** Ends all delays that faults have caused. */
  close(): void {
    this.closed = true;
    for (const wake of this.waits) wake();
  }

  async serve(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const exchange = this.receive(req, await readBody(req));
    const target = {
      method: exchange.method,
      pathname: exchange.pathname,
      tenantId: exchange.tenant?.id ?? null,
      appId: exchange.caller?.actor.id ?? null,
      action: member(exchange.body, 'action', 'string'),
      validationOnly: member(exchange.body, 'isValidationOnly', 'boolean') ?? false,
    };
    const fault = this.world.faults.find(target);
    const late = fault !== null && (fault.after || strikesAfter(fault));
    if (fault !== null && !strikesAfter(fault)) this.world.faults.spend(fault);
    if (fault !== null && !late) await this.wait(fault.delay_ms);
    const replaced = fault !== null && !strikesAfter(fault) && fault.effect !== 'delay';
    const answer = replaced ? faultAnswer(fault) : this.carryOut(exchange);
    // A fault after the effect waits for a request that has one.
    const struck = fault !== null && strikesAfter(fault) && answer.status < 400 ? fault : null;
    if (struck !== null) this.world.faults.spend(struck);
    const applied = replaced || fault?.effect === 'delay' ? fault : struck;
    const shown = struck === null ? answer : struck.effect === 'lost_response' ? null : faultAnswer(struck);
    const now = exchange.tenant?.clock.now() ?? Date.now();
    this.record(exchange, target.action, target.validationOnly, applied, answer, shown, now);
    this.changed();
    if (applied !== null && late) await this.wait(applied.delay_ms);
    if (shown === null) req.socket.destroy();
    else this.send(res, exchange, shown, now, applied?.effect === 'html');
  }

  private receive(req: IncomingMessage, body: Buffer | null): Exchange {
    const method = req.method ?? 'GET';
    const path = req.url ?? '/';
    const cut = path.indexOf('?');
    const exchange = {
      method,
      path,
      pathname: cut === -1 ? path : path.slice(0, cut),
      query: new URLSearchParams(cut === -1 ? '' : path.slice(cut + 1)),
      requestId: randomUUID(),
      clientRequestId: header(req, 'client-request-id'),
      ...readJson(body),
    };
    try {
      const caller = readCaller(req.headers.authorization);
      const time = header(req, 'x-reseal-now');
      const callerTime = time === null ? null : parseRfc3339(time);
      const tenant = this.world.tenant(caller.tenantId, callerTime);
      const callerError =
        time !== null && callerTime === null
          ? new GraphFailure(400, 'BadRequest', 'The header x-reseal-now is not an RFC 3339 date-time.')
          : null;
      return { ...exchange, caller, tenant, callerError };
    } catch (error) {
      if (!(error instanceof GraphFailure)) throw error;
      return { ...exchange, caller: null, tenant: null, callerError: error };
    }
  }

  private carryOut(exchange: Exchange): Answer {
    const { caller, tenant } = exchange;
    try {
      if (exchange.callerError !== null) throw exchange.callerError;
      if (exchange.bodyError !== null) throw exchange.bodyError;
      if (caller === null || tenant === null) throw new GraphFailure(401, 'InvalidAuthenticationToken', 'No caller.');
      return dispatch(exchange.method, exchange.pathname, {
        tenant,
        caller,
        now: tenant.clock.now(),
        query: exchange.query,
        body: exchange.body,
        takeStatus: () => this.world.takeStatus(tenant),
      });
    } catch (error) {
      if (error instanceof GraphFailure) return failure(error.status, error.code, error.message);
      return failure(500, 'InternalServerError', error instanceof Error ? error.message : 'unknown');
    }
  }

  private record(
    exchange: Exchange,
    action: string | null,
    validationOnly: boolean,
    fault: Fault | null,
    answer: Answer,
    shown: Answer | null,
    now: number,
  ): void {
    const { tenant } = exchange;
    const error = member(shown?.body, 'error', 'object');
    (tenant?.calls ?? this.world.strayCalls).push({
      seq: this.world.nextSeq(tenant?.id ?? null),
      at: new Date(now).toISOString(),
      method: exchange.method,
      path: exchange.path,
      status: shown?.status ?? null,
      client_request_id: exchange.clientRequestId,
      request_id: exchange.requestId,
      tenant_id: tenant?.id ?? null,
      app_id: exchange.caller?.actor.id ?? null,
      code: member(error, 'code', 'string'),
      action,
      validation_only: validationOnly,
      fault: fault?.effect ?? null,
      unanswered_status: shown === answer ? null : answer.status,
    });
  }

  private send(res: ServerResponse, exchange: Exchange, answer: Answer, now: number, html: boolean): void {
    const clientRequestId = exchange.clientRequestId ?? exchange.requestId;
    res.statusCode = answer.status;
    res.setHeader('Date', new Date(now).toUTCString());
    res.setHeader('request-id', exchange.requestId);
    res.setHeader('client-request-id', clientRequestId);
    for (const [name, value] of Object.entries(answer.headers ?? {})) res.setHeader(name, value);
    if (html) {
      res.setHeader('Content-Type', 'text/html');
      res.end(`<!DOCTYPE html><html><body><h1>${answer.status}</h1><p>The request was not served.</p></body></html>`);
    } else if (answer.body === undefined) {
      res.end();
    } else {
      res.setHeader('Content-Type', JSON_TYPE);
      res.setHeader('OData-Version', '4.0');
      res.end(JSON.stringify(withInnerError(answer.body, now, exchange.requestId, clientRequestId)));
    }
  }

  private wait(ms: number): Promise<void> {
    if (ms <= 0 || this.closed) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.waits.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      this.waits.add(wake);
    });
  }
}

function failure(status: number, code: string, message: string): Answer {
  const headers: Record<string, string> =
    status === 401 ? { 'WWW-Authenticate': 'Bearer realm="", error="invalid_token"' } : {};
  return { status, headers, body: { error: { code, message } } };
}

function faultAnswer(fault: Fault): Answer {
  const [code, message] = usualError(fault.status);
  const answer = failure(fault.status, fault.code ?? code, message);
  return fault.retry_after === null ? answer : { ...answer, headers: { 'Retry-After': String(fault.retry_after) } };
}

function withInnerError(body: unknown, now: number, requestId: string, clientRequestId: string): unknown {
  const error = member(body, 'error', 'object');
  if (error === null) return body;
  const date = new Date(now).toISOString().slice(0, 19);
  return { error: { ...error, innerError: { date, 'request-id': requestId, 'client-request-id': clientRequestId } } };
}

interface Kinds {
  string: string;
  boolean: boolean;
  object: object;
}

/** A member of something that may be anything; null where it is absent or of another type. */
function member<K extends keyof Kinds>(value: unknown, name: string, kind: K): Kinds[K] | null {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return null;
  const found: unknown = (value as Record<string, unknown>)[name];
  return typeof found === kind && found !== null ? (found as Kinds[K]) : null;
}

function header(req: IncomingMessage, name: string): string | null {
  const value = req.headers[name];
  return typeof value === 'string' && value !== '' ? value : null;
}

/** The body, or null where it is larger than the service takes. The rest of a large one is read and dropped. */
async function readBody(req: IncomingMessage): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of req as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= BODY_LIMIT) chunks.push(chunk);
  }
  return size <= BODY_LIMIT ? Buffer.concat(chunks) : null;
}

function readJson(body: Buffer | null): { body: unknown; bodyError: GraphFailure | null } {
  if (body === null) {
    return {
      body: undefined,
      bodyError: new GraphFailure(413, 'RequestBodyTooLarge', 'The request body is too large.'),
    };
  }
  if (body.length === 0) return { body: undefined, bodyError: null };
  try {
    const parsed: unknown = JSON.parse(body.toString('utf8'));
    return { body: parsed, bodyError: null };
  } catch {
    const bodyError = new GraphFailure(400, 'BadRequest', 'Unable to read JSON request payload.');
    return { body: undefined, bodyError };
  }
}
