import { followUpStandingSchema, type FollowUpStanding } from '../../domain/follow-up-tasks.js';
import { setTimeout as sleep } from 'node:timers/promises';
import { decisionSchema, type Decision } from '../../domain/decision.js';
import { explanationSchema, type Explanation } from '../../domain/explanation.js';
import type { AuditFilter, AuditLine } from '../../domain/audit-line.js';
import type { Entry } from '../../domain/entry.js';
import { importReportSchema, type ImportBatch, type ImportReport } from '../../domain/imported-history.js';
import { jobAnswerSchema, type JobAnswer } from '../../domain/job-tasks.js';
import { toolPath } from '../../domain/job.js';
import type { NoticeView } from '../../domain/notice-view.js';
import type { PolicyInForce } from '../../domain/policy-in-force.js';
import type { SignalAct, SignedStatement } from '../../domain/statement.js';
import { toolAnswerSchema, type ToolAnswer } from '../../domain/tool-call.js';
import type { CeremonyView } from '../../domain/view.js';
import type { ExplainQuestion } from '../explain/explain-question.js';
import type { DecideQuestion } from './decide-session.js';
import { healthSchema, type Health } from './health-shape.js';
import { HttpIncidents } from './http-incidents.js';
import type { IncidentAccess, IncidentClient } from './incident-api.js';
import type {
  EventFilter,
  EventView,
  OpenedEvent,
  PersonName,
  ResealApi,
  ReviewAnswer,
  StatementAnswer,
} from './reseal-api.js';
import { knownCode, ResealError } from './reseal-error.js';
import type { ToolRequest } from './send-job.js';

export interface HttpApiOptions {
  /** For example `http://127.0.0.1:8515`. */
  url: string;
  fetch?: typeof fetch;
  /** For one answer, in milliseconds (15 s). */
  timeoutMs?: number;
}

/** How one call is sent, where it is not as the others. */
export interface How {
  /** Not again, whatever comes of it. */
  once?: boolean;
  timeoutMs?: number;
  headers?: Readonly<Record<string, string>>;
  raw?: boolean;
}
/** Answers of roles that judge everything and have it recorded first. */
const LONG: How = { timeoutMs: 60_000 };

const ATTEMPTS = 3;
const PAUSE_MS = 200;

/** The gateway's client. A request that got no answer is sent again: every one of them has the same effect twice as once. */
export class HttpApi implements ResealApi {
  private readonly base: string;
  private readonly fetch: typeof fetch;
  private readonly timeoutMs: number;

  constructor(options: HttpApiOptions) {
    this.base = options.url.replace(/\/+$/, '');
    this.fetch = options.fetch ?? fetch;
    this.timeoutMs = options.timeoutMs ?? 15_000;
  }

  async open(envelope: SignedStatement, _eventId: string): Promise<OpenedEvent> {
    return (await this.call('POST', '/v1/events', envelope)) as OpenedEvent;
  }

  async speak(eventId: string, _act: SignalAct, envelope: SignedStatement): Promise<{ digest: string }> {
    return (await this.call('POST', `${eventPath(eventId)}/statements`, envelope)) as { digest: string };
  }

  async verdict(eventId: string, digest: string): Promise<StatementAnswer> {
    return (await this.call(
      'GET',
      `${eventPath(eventId)}/statements/${encodeURIComponent(digest)}`,
    )) as StatementAnswer;
  }

  async review(eventId: string, envelope: SignedStatement): Promise<ReviewAnswer> {
    return (await this.call('POST', `${eventPath(eventId)}/reviews`, envelope)) as ReviewAnswer;
  }

  async sendFollowUp(eventId: string, envelope: SignedStatement): Promise<{ id: string }> {
    return (await this.call('POST', `${eventPath(eventId)}/follow-ups`, envelope)) as { id: string };
  }

  async followUp(eventId: string, id: string): Promise<FollowUpStanding> {
    const answer = await this.call('GET', `${eventPath(eventId)}/follow-ups/${encodeURIComponent(id)}`);
    return followUpStandingSchema.parse(answer);
  }

  async get(eventId: string): Promise<EventView> {
    return (await this.call('GET', eventPath(eventId))) as EventView;
  }

  async request(eventId: string): Promise<SignedStatement> {
    return (await this.call('GET', `${eventPath(eventId)}/request`)) as SignedStatement;
  }

  async list(filter: EventFilter): Promise<CeremonyView[]> {
    return ((await this.call('GET', `/v1/events?${queryOf(filter)}`)) as { events: CeremonyView[] }).events;
  }

  async notices(eventId: string): Promise<NoticeView[]> {
    return ((await this.call('GET', `${eventPath(eventId)}/notices`)) as { notices: NoticeView[] }).notices;
  }

  async ledger(eventId: string): Promise<Entry[]> {
    return ((await this.call('GET', `${eventPath(eventId)}/ledger`)) as { entries: Entry[] }).entries;
  }

  bundle(eventId: string): Promise<unknown> {
    return this.call('GET', `${eventPath(eventId)}/bundle`);
  }

  async policy(): Promise<PolicyInForce> {
    return (await this.call('GET', '/v1/policy')) as PolicyInForce;
  }

  async health(): Promise<Health> {
    const answer = healthSchema.safeParse(await this.call('GET', '/v1/health/details'));
    if (answer.success) return answer.data;
    throw new ResealError('gateway_unreachable', `${this.base} answered, and not with its health`, {
      hint: 'is the gateway of another version, or is something else behind this address?',
    });
  }

  async person(nameOrUpn: string): Promise<PersonName> {
    return (await this.call('GET', `/v1/people/${encodeURIComponent(nameOrUpn)}`)) as PersonName;
  }

  async holdsKey(nameOrUpn: string, fingerprint: string): Promise<boolean> {
    const path = `/v1/people/${encodeURIComponent(nameOrUpn)}/keys?${queryOf({ fingerprint })}`;
    return ((await this.call('GET', path)) as { on_roster?: unknown }).on_roster === true;
  }

  async decide(question: DecideQuestion): Promise<Decision> {
    const answer = decisionSchema.safeParse(await this.call('POST', '/v1/decide', question));
    if (answer.success) return answer.data;
    // Something in between that answers 200 to everything must not open anything.
    throw new ResealError('gateway_unreachable', `${this.base} answered, and not with a decision`, {
      hint: 'is the gateway of another version, or is something else behind this address?',
    });
  }

  async explain(question: ExplainQuestion): Promise<Explanation> {
    const answer = explanationSchema.safeParse(await this.call('POST', '/v1/explain', question));
    if (answer.success) return answer.data;
    throw new ResealError('gateway_unreachable', `${this.base} answered, and not with an explanation`, {
      hint: 'is the gateway of another version, or is something else behind this address?',
    });
  }

  async auditLines(filter: AuditFilter): Promise<AuditLine[]> {
    return ((await this.call('GET', `/v1/audit?${queryOf(filter)}`)) as { lines: AuditLine[] }).lines;
  }

  async importHistory(batch: ImportBatch): Promise<ImportReport> {
    const report = importReportSchema.safeParse(await this.call('POST', '/v1/audit/imports', batch));
    if (report.success) return report.data;
    throw new ResealError('gateway_unreachable', `${this.base} answered, and not with a report of an import`);
  }

  async job(envelope: SignedStatement): Promise<JobAnswer> {
    const answer = jobAnswerSchema.safeParse(await this.call('POST', '/v1/jobs', envelope, LONG));
    if (answer.success) return answer.data;
    throw new ResealError('gateway_unreachable', `${this.base} answered, and not about a job`);
  }

  async callTool({ tool, body, token, proof }: ToolRequest): Promise<ToolAnswer> {
    const headers = { authorization: `DPoP ${token}`, dpop: proof };
    const path = toolPath(encodeURIComponent(tool));
    const answer = toolAnswerSchema.safeParse(await this.call('POST', path, body, { ...LONG, once: true, headers }));
    if (answer.success) return answer.data;
    throw new ResealError('gateway_unreachable', `${this.base} answered, and not about a tool`);
  }

  incidents(access: IncidentAccess = {}): IncidentClient {
    return new HttpIncidents(this, access);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** One call of the gateway: its JSON, or with `raw` the very text of it. Rejects with the gateway's own error. */
  async call(method: string, path: string, body?: unknown, how: How = {}): Promise<unknown> {
    const response = await this.send(method, path, body, how);
    const text = await response.text().catch((error: unknown) => {
      throw this.unreachable(error);
    });
    const json = parseOrUndefined(text);
    const said = typeof json === 'object' && json !== null;
    // A refusal is an answer too.
    if (said && (response.ok || 'outcome' in json)) return how.raw === true ? text : json;
    const error = (json as { error?: ToldError } | undefined)?.error;
    if (typeof error?.message !== 'string') {
      throw new ResealError('gateway_unreachable', `${this.base} answered ${response.status}, not as a gateway does`, {
        hint: 'check --gateway, RESEAL_GATEWAY_URL and what stands between',
      });
    }
    const { code, message, ...rest } = error;
    throw new ResealError(knownCode(code), message, moreOf(rest));
  }

  private async send(method: string, path: string, body: unknown, how: How): Promise<Response> {
    const { timeoutMs = this.timeoutMs, headers = {} } = how;
    const init: RequestInit = { method, redirect: 'error', headers: { accept: 'application/json', ...headers } };
    if (body !== undefined) {
      init.body = JSON.stringify(body);
      init.headers = { accept: 'application/json', 'content-type': 'application/json', ...headers };
    }
    for (let attempt = how.once === true ? ATTEMPTS : 1; ; attempt += 1) {
      try {
        const response = await this.fetch(`${this.base}${path}`, {
          ...init,
          signal: AbortSignal.timeout(timeoutMs),
        });
        // A proxy that says "not now": the gateway itself answers in JSON with a code.
        if (response.status < 502 || attempt >= ATTEMPTS || isJson(response)) return response;
        await response.body?.cancel();
      } catch (error) {
        if (attempt >= ATTEMPTS || (error as Error).name === 'TimeoutError') throw this.unreachable(error);
      }
      await sleep(PAUSE_MS * attempt);
    }
  }

  private unreachable(cause: unknown): ResealError {
    const reason = reasonOf(cause);
    return new ResealError('gateway_unreachable', `no answer from the gateway at ${this.base}${reason}`, {
      hint: 'start a local one with `reseal dev`, name another with --gateway URL, or speak to Temporal itself with --direct',
      cause,
    });
  }
}

interface ToldError {
  code?: unknown;
  message?: unknown;
  hint?: unknown;
  field?: unknown;
  missing?: unknown;
}

function moreOf({ hint, field, missing }: ToldError): ConstructorParameters<typeof ResealError>[2] {
  const codes = Array.isArray(missing) ? missing.filter((code) => typeof code === 'string') : undefined;
  return {
    ...(typeof hint === 'string' ? { hint } : {}),
    ...(typeof field === 'string' ? { field } : {}),
    ...(codes === undefined ? {} : { missing: codes }),
  };
}

function queryOf(filter: object): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(filter)) if (value !== undefined) query.set(name, String(value));
  return query.toString();
}

const eventPath = (eventId: string): string => `/v1/events/${encodeURIComponent(eventId)}`;
const isJson = (response: Response): boolean =>
  (response.headers.get('content-type') ?? '').startsWith('application/json');

function parseOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return '';
  if (error.name === 'TimeoutError') return ': it took too long';
  const cause = error.cause as { code?: unknown } | undefined;
  return typeof cause?.code === 'string' ? `: ${cause.code}` : '';
}
