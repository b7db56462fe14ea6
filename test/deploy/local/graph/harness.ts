import {
  AuthenticationHandler,
  Client,
  GraphError,
  TelemetryHandler,
  type Context,
  type Middleware,
} from '@microsoft/microsoft-graph-client';
import { onTestFinished } from 'vitest';
import { LoopbackTransport } from '../../../../activities/graph/wire/loopback-transport.js';
import { startGraphSimulator } from '../../../../deploy/local/graph/server.js';
import type { GraphSimulator, GraphSimulatorOptions } from '../../../../deploy/local/graph/server.js';

export const TENANT = '7e4a0000-0000-4000-8000-000000000001';
export const APP = 'a0000000-0000-4000-8000-00000000000a';
export const ALICE = 'a11ce000-0000-4000-8000-000000000001';
export const BOB = 'b0b00000-0000-4000-8000-000000000002';
export const SECURITY_ADMIN = '194ae4cb-b126-40b2-bd5b-6091b380977d';
export const EXCHANGE_ADMIN = '29232cdf-9323-42fd-ade2-1d097af3e4de';
export const REQUESTS = '/roleManagement/directory/roleAssignmentScheduleRequests';
export const INSTANCES = '/roleManagement/directory/roleAssignmentScheduleInstances';
export const SCHEDULES = '/roleManagement/directory/roleAssignmentSchedules';
export const ASSIGNMENTS = '/roleManagement/directory/roleAssignments';
export const AUDITS = '/auditLogs/directoryAudits';
export const T0 = Date.parse('2026-11-21T01:00:00.000Z');
export const MINUTE = 60_000;

/** A wire object, read with little ceremony. */
export type Wire = Record<string, unknown>;
export interface Page {
  value: Wire[];
  '@odata.nextLink'?: string;
}

/** A simulator that is stopped when the test ends. */
export async function simulator(options: GraphSimulatorOptions = {}): Promise<GraphSimulator> {
  const started = await startGraphSimulator(options);
  onTestFinished(() => started.close());
  return started;
}

class CallerTime implements Middleware {
  private next: Middleware | undefined;
  constructor(private readonly caller: Caller) {}
  async execute(context: Context): Promise<void> {
    const headers = new Headers(context.options?.headers);
    if (this.caller.now !== null) headers.set('x-reseal-now', new Date(this.caller.now).toISOString());
    context.options = { ...context.options, headers: Object.fromEntries(headers) };
    await this.next?.execute(context);
    const { response } = context;
    if (response !== undefined) await this.caller.onResponse?.(context, response.clone());
  }
  setNext(next: Middleware): void {
    this.next = next;
  }
}

/** Microsoft's own client, as one app in one tenant, at a time that the test moves. */
export class Caller {
  readonly graph: Client;
  onResponse?: (context: Context, response: Response) => void | Promise<void>;

  constructor(
    simulator: GraphSimulator,
    readonly token = `sim.${TENANT}.${APP}.`,
    public now: number | null = T0,
  ) {
    this.graph = Client.initWithMiddleware({
      middleware: [
        new AuthenticationHandler({ getAccessToken: () => Promise.resolve(this.token) }),
        new TelemetryHandler(),
        new CallerTime(this),
        new LoopbackTransport(simulator.url),
      ],
    });
  }

  async list(path: string, filter?: string): Promise<Wire[]> {
    const request = this.graph.api(path);
    const page = (await (filter === undefined ? request : request.filter(filter)).get()) as Page;
    return page.value;
  }

  async get(path: string): Promise<Wire> {
    return (await this.graph.api(path).get()) as Wire;
  }

  async pim(overrides: Wire = {}): Promise<Wire> {
    return (await this.graph.api(REQUESTS).post(this.assignBody(overrides))) as Wire;
  }

  remove(overrides: Wire = {}): Promise<Wire> {
    return this.pim({ action: 'adminRemove', scheduleInfo: undefined, ...overrides });
  }

  private assignBody(overrides: Wire): Wire {
    return {
      action: 'adminAssign',
      principalId: ALICE,
      roleDefinitionId: SECURITY_ADMIN,
      directoryScopeId: '/',
      justification: 'incident 42',
      ticketInfo: { ticketNumber: 'event/0123456789abcdef', ticketSystem: 'reseal' },
      scheduleInfo: until((this.now ?? T0) + 60 * MINUTE),
      ...overrides,
    };
  }
}

/** scheduleInfo that ends at a time, and starts now or at another. */
export function until(end: number, start?: number): Wire {
  return {
    ...(start === undefined ? {} : { startDateTime: new Date(start).toISOString() }),
    expiration: { type: 'afterDateTime', endDateTime: new Date(end).toISOString() },
  };
}

/** Status and code of the refusal; a success is an error of the test. */
export async function refusal(call: Promise<unknown>): Promise<string> {
  try {
    await call;
  } catch (error) {
    if (error instanceof GraphError) return `${error.statusCode} ${String(error.code)}`;
    throw error;
  }
  throw new Error('the call was expected to be refused');
}

export interface Truth {
  now: string;
  assignments: Wire[];
  sessions_revoked: Wire[];
  calls: Wire[];
}

export async function truth(simulator: GraphSimulator, tenant?: string): Promise<Truth> {
  const query = tenant === undefined ? '' : `?tenant=${tenant}`;
  return (await (await fetch(`${simulator.controlUrl}/truth${query}`)).json()) as Truth;
}

/** Sends control input; resolves to the status and the body. */
export async function control(
  simulator: GraphSimulator,
  path: string,
  body: Wire = {},
  method = 'POST',
): Promise<{ status: number; body: Wire }> {
  const init = method === 'POST' ? { method, body: JSON.stringify(body) } : { method };
  const response = await fetch(`${simulator.controlUrl}${path}`, init);
  return { status: response.status, body: (await response.json()) as Wire };
}
