import { z } from 'zod';
import { namedPlaybookSchema, type NamedPlaybook } from '../../domain/incidents/playbook.js';
import type { SignedStatement } from '../../domain/statement.js';
import type { How } from './http-api.js';
import {
  incidentRecordSchema,
  incidentStatsSchema,
  reportedIncidentSchema,
  type AskedReport,
  type IncidentAccess,
  type IncidentClient,
  type IncidentFilter,
  type IncidentRecord,
  type IncidentSignal,
  type IncidentStats,
  type ReportedIncident,
} from './incident-api.js';
import { ResealError } from './reseal-error.js';

/** What the gateway is called by. */
interface Calls {
  call(method: string, path: string, body?: unknown, how?: How): Promise<unknown>;
}

/** Reports and exports wait for the roles. */
const LONG_MS = 60_000;
const recordsSchema = z.object({ incidents: z.array(incidentRecordSchema) });

/** Incidents through the gateway. */
export class HttpIncidents implements IncidentClient {
  private readonly headers: Readonly<Record<string, string>>;

  constructor(
    private readonly gateway: Calls,
    { token }: IncidentAccess,
  ) {
    this.headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  }

  async report(report: AskedReport): Promise<ReportedIncident> {
    const how = { headers: this.headers, timeoutMs: LONG_MS };
    return read(reportedIncidentSchema, await this.gateway.call('POST', '/v1/incidents', report, how));
  }

  async get(id: string): Promise<IncidentRecord> {
    return read(incidentRecordSchema, await this.gateway.call('GET', path(id)));
  }

  async list(filter: IncidentFilter): Promise<IncidentRecord[]> {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(filter)) if (value !== undefined) query.set(name, String(value));
    return read(recordsSchema, await this.gateway.call('GET', `/v1/incidents?${query.toString()}`)).incidents;
  }

  async stats(): Promise<IncidentStats> {
    return read(incidentStatsSchema, await this.gateway.call('GET', '/v1/incident-stats'));
  }

  async playbook(): Promise<NamedPlaybook> {
    return read(namedPlaybookSchema, await this.gateway.call('GET', '/v1/incident-playbook'));
  }

  async say(id: string, _signal: IncidentSignal, envelope: SignedStatement): Promise<void> {
    await this.gateway.call('POST', `${path(id)}/statements`, envelope);
  }

  async reattest(id: string): Promise<void> {
    // Sent once: an attempt that is asked for twice is two.
    await this.gateway.call('POST', `${path(id)}/reattest`, {}, { headers: this.headers, once: true });
  }

  async bundle(id: string): Promise<string> {
    const how = { headers: this.headers, timeoutMs: LONG_MS, raw: true };
    return (await this.gateway.call('GET', `${path(id)}/bundle`, undefined, how)) as string;
  }

  async exported(): Promise<string> {
    const how = { headers: this.headers, timeoutMs: LONG_MS, raw: true };
    return (await this.gateway.call('GET', '/api/v1/forensic/export', undefined, how)) as string;
  }
}

const path = (id: string): string => `/v1/incidents/${encodeURIComponent(id)}`;

function read<S extends z.ZodType>(schema: S, answer: unknown): z.output<S> {
  const parsed = schema.safeParse(answer);
  if (parsed.success) return parsed.data;
  throw new ResealError('gateway_unreachable', 'the gateway answered, and not about an incident', {
    hint: 'is the gateway of another version, or is something else behind this address?',
  });
}
