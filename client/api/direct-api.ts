import { WorkflowExecutionAlreadyStartedError, type Client } from '@temporalio/client';
import { TypedSearchAttributes } from '@temporalio/common';
import { isEnd } from '../../domain/ceremony-state.js';
import type { Explanation } from '../../domain/explanation.js';
import type { Decision } from '../../domain/decision.js';
import type { AuditFilter, AuditLine } from '../../domain/audit-line.js';
import type { Entry } from '../../domain/entry.js';
import type { FollowUpStanding } from '../../domain/follow-up-tasks.js';
import type { ImportBatch, ImportReport } from '../../domain/imported-history.js';
import { ceremonyWorkflowId } from '../../domain/identifiers.js';
import type { JobAnswer } from '../../domain/job-tasks.js';
import type { NoticeView } from '../../domain/notice-view.js';
import type { PolicyInForce } from '../../domain/policy-in-force.js';
import { TASK_QUEUES } from '../../domain/roles.js';
import { findPerson, upnOf, type Roster } from '../../domain/roster.js';
import type { SignalAct, SignedStatement } from '../../domain/statement.js';
import type { ToolAnswer } from '../../domain/tool-call.js';
import type { CeremonyView } from '../../domain/view.js';
import type { RoleKeys } from '../../proofs/receipt.js';
import { statementDigest } from '../../proofs/statement-check.js';
import type { VerdictAnswer } from '../../workflows/protocol.js';
import type { ExplainQuestion } from '../explain/explain-question.js';
import { explainRequest, type UsageWanted } from '../explain/explain-request.js';
import { AskedRegister } from './asked-register.js';
import { decideSession, type DecideQuestion, type DecideSources } from './decide-session.js';
import { EventViews } from './event-views.js';
import { healthOf } from './health.js';
import type { Health } from './health-shape.js';
import { fingerprintsOf } from '../keys/fingerprints.js';
import { importThroughTemporal } from './import-history.js';
import type { NamedPlaybook } from '../../domain/incidents/playbook.js';
import { directIncidents } from './direct-incidents.js';
import type { IncidentApi, IncidentClient } from './incident-api.js';
import type { IncidentRegister } from './incident-register.js';
import { TemporalIncidents } from './temporal-incidents.js';
import { listEvents, type ListSources } from './list-events.js';
import { startSummary } from './start-summary.js';
import type { RegisterReader } from './register-reader.js';
import type { EventFilter, EventView, OpenedEvent } from './reseal-api.js';
import type { PersonName, ResealApi, ReviewAnswer, StatementAnswer } from './reseal-api.js';
import { ResealError } from './reseal-error.js';
import { recordedAnswer } from './recorded-answer.js';
import { followUpStanding, sendFollowUp } from './send-follow-up.js';
import { sendJob, sendToolCall, type ToolRequest } from './send-job.js';
import { sendReview } from './send-review.js';
import { KEYWORDS } from './search-keywords.js';
import { searchOpen } from './search-open.js';
import { readRequestStatement } from './statement-shape.js';
import { fromTemporal, isNotFound, notFound } from './temporal-error.js';
import { WorkflowReader } from './workflow-reader.js';

export interface DirectApiOptions {
  client: Client;
  /** Base address of Temporal's Web UI, or null when nobody knows it. */
  uiUrl: string | null;
  register: RegisterReader | null;
  /** Where incidents are listed; none when left out. */
  incidentRegister?: IncidentRegister;
  /** The playbook that the register opens incidents under; the built-in one when left out. */
  playbook?: NamedPlaybook;
  policy: () => Promise<PolicyInForce>;
  roster: () => Promise<Roster>;
  /** The roles' public keys, from trust roots: without them `decide` has the workflows' word alone. */
  keys?: () => Promise<RoleKeys>;
  /** Epoch milliseconds; the system's clock. */
  now?: () => number;
  /** How long a worker may take to answer a query before readers do without it, in milliseconds (3 s). */
  queryMs?: number;
  /** Closed together with the api, after Temporal's connection. */
  closeAlso?: () => Promise<void>;
}

/** Temporal itself, and the register where there is one: what the gateway serves, and what `--direct` uses without it. */
export class DirectApi implements ResealApi {
  private readonly now: () => number;
  private readonly reader: WorkflowReader;
  private readonly register: AskedRegister;
  private readonly views: EventViews;

  constructor(private readonly options: DirectApiOptions) {
    const { client, uiUrl } = options;
    this.now = options.now ?? Date.now;
    this.reader = new WorkflowReader(client, options.queryMs);
    this.register = new AskedRegister(options.register);
    this.views = new EventViews({ client, uiUrl, reader: this.reader, register: this.register, now: this.now });
  }

  async open(input: SignedStatement, eventId: string): Promise<OpenedEvent> {
    const { envelope, statement } = readRequestStatement(input);
    if (statement.event_id !== eventId || statement.request.event_id !== eventId) {
      throw new ResealError('malformed', `the statement speaks of event ${statement.event_id}, not of ${eventId}`);
    }
    const { request } = statement;
    const workflowId = ceremonyWorkflowId(eventId);
    const opened = (runId: string): OpenedEvent => ({ event_id: eventId, workflow_id: workflowId, run_id: runId });
    try {
      const handle = await this.reader.bounded(() =>
        this.options.client.workflow.start('breakGlass', {
          workflowId,
          taskQueue: TASK_QUEUES.ceremonies,
          args: [{ event_id: eventId, envelope }],
          workflowIdReusePolicy: 'REJECT_DUPLICATE',
          workflowIdConflictPolicy: 'FAIL',
          staticSummary: startSummary(request),
          typedSearchAttributes: new TypedSearchAttributes([
            { key: KEYWORDS.state, value: 'requested' },
            { key: KEYWORDS.profile, value: request.profile },
            { key: KEYWORDS.reason_code, value: request.reason_code },
          ]),
        }),
      );
      return opened(handle.firstExecutionRunId);
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw fromTemporal(error, eventId);
    }
    const first = await this.request(eventId);
    if (first.payload !== envelope.payload || first.signature !== envelope.signature) {
      throw new ResealError('event_id_taken', `another request was made under the event id ${eventId}`, {
        hint: 'ask again with a fresh event id (leave --event-id out)',
      });
    }
    return opened((await this.reader.describe(eventId))?.runId ?? '');
  }

  async speak(eventId: string, act: SignalAct, envelope: SignedStatement): Promise<{ digest: string }> {
    const handle = this.options.client.workflow.getHandle(ceremonyWorkflowId(eventId));
    try {
      await this.reader.bounded(() => handle.signal(act, envelope));
    } catch (error) {
      // The server says the same of a workflow that ended and of one that never was.
      const known = isNotFound(error) ? await this.reader.describe(eventId) : null;
      if (known === null) throw fromTemporal(error, eventId);
      throw new ResealError('ceremony_ended', `event ${eventId} has ended: nothing more can be said in it`, {
        hint: `see how: reseal breakglass check ${eventId}`,
      });
    }
    return { digest: statementDigest(envelope) };
  }

  async verdict(eventId: string, digest: string): Promise<StatementAnswer> {
    const answer = await this.reader.query<VerdictAnswer>(ceremonyWorkflowId(eventId), 'verdict', digest);
    if (answer === null) {
      if ((await this.reader.describe(eventId)) === null) throw notFound(eventId);
      return { status: 'pending', message: 'no worker answers for this ceremony yet; what was sent is kept' };
    }
    const told = recordedAnswer(answer);
    if (told !== undefined) return told;
    const { mark } = answer;
    if ((await this.reader.describe(eventId))?.status.name === 'RUNNING') return { status: 'pending', mark };
    return { status: 'unrecorded', message: 'the ceremony ended without having heard it', mark };
  }

  review(eventId: string, envelope: SignedStatement): Promise<ReviewAnswer> {
    return sendReview(this.reader, eventId, envelope);
  }

  sendFollowUp(eventId: string, envelope: SignedStatement): Promise<{ id: string }> {
    return sendFollowUp(this.reader, eventId, envelope, () => this.ledger(eventId));
  }

  followUp(eventId: string, id: string): Promise<FollowUpStanding> {
    return followUpStanding(this.reader, eventId, id);
  }

  get(eventId: string): Promise<EventView> {
    return this.views.get(eventId);
  }

  request(eventId: string): Promise<SignedStatement> {
    return this.views.request(eventId);
  }

  list(filter: EventFilter): Promise<CeremonyView[]> {
    const { policy, roster } = this.options;
    const get = (eventId: string): Promise<EventView> => this.get(eventId);
    const fromRegister: ListSources['fromRegister'] = (read) => this.register.mayHave(read);
    const needRegister: ListSources['needRegister'] = (read) => this.register.must(read);
    return listEvents({ reader: this.reader, policy, roster, get, fromRegister, needRegister }, filter);
  }

  notices(eventId: string): Promise<NoticeView[]> {
    return this.register.must((register) => register.noticesOf(eventId));
  }

  async ledger(eventId: string): Promise<Entry[]> {
    const entries = await this.register.must((register) => register.ledgerOf(eventId));
    if (entries.length > 0) return entries;
    const { state } = await this.get(eventId);
    throw new ResealError('not_found', `event ${eventId} has no ledger: it is ${state}`);
  }

  async bundle(eventId: string): Promise<unknown> {
    const sealed = await this.register.must((register) => register.bundleOf(eventId));
    if (sealed !== undefined) return sealed.bundle;
    const { state } = await this.get(eventId);
    const why = isEnd(state) ? 'it was never admitted, or its bundle is still being made' : `it is ${state}`;
    throw new ResealError('bundle_not_ready', `event ${eventId} has no evidence bundle: ${why}`, {
      hint: `reseal breakglass watch ${eventId}`,
    });
  }

  async explain(question: ExplainQuestion): Promise<Explanation> {
    const { policy, register } = this.options;
    const [inForce, roster] = await Promise.all([policy(), this.options.roster()]);
    const usage = register && ((wanted: UsageWanted) => this.register.must((reader) => reader.usage(wanted)));
    return explainRequest({ inForce, roster, nowMs: this.now(), usage }, question);
  }

  auditLines(filter: AuditFilter): Promise<AuditLine[]> {
    return this.register.must((register) => register.auditLines(filter));
  }

  importHistory(batch: ImportBatch): Promise<ImportReport> {
    return importThroughTemporal(this.options.client, batch);
  }

  policy(): Promise<PolicyInForce> {
    return this.options.policy();
  }

  async person(nameOrUpn: string): Promise<PersonName> {
    const person = findPerson(await this.options.roster(), nameOrUpn);
    const object_id = person?.object_ids[0];
    if (person === undefined || object_id === undefined) {
      throw new ResealError('unknown_person', `nobody on the roster is called ${nameOrUpn}`);
    }
    return { id: person.id, upn: upnOf(person), object_id };
  }

  async holdsKey(nameOrUpn: string, fingerprint: string): Promise<boolean> {
    const person = findPerson(await this.options.roster(), nameOrUpn);
    if (person === undefined) throw new ResealError('unknown_person', `nobody on the roster is called ${nameOrUpn}`);
    return fingerprintsOf(person.keys).includes(fingerprint);
  }

  job(envelope: SignedStatement): Promise<JobAnswer> {
    return sendJob(this.reader, envelope);
  }

  callTool(call: ToolRequest): Promise<ToolAnswer> {
    return sendToolCall(this.reader, call);
  }

  health(): Promise<Health> {
    const { client, register } = this.options;
    return healthOf({ connection: client.connection, namespace: client.options.namespace, register, now: this.now });
  }

  decide(question: DecideQuestion): Promise<Decision> {
    const { client, policy, roster, keys = null } = this.options;
    const search = (profile: string) => searchOpen(client, profile, (eventId) => this.views.asked(eventId));
    const openFor: DecideSources['openFor'] = (wanted) => this.register.mayHave((register) => register.openFor(wanted));
    const ledgerOf: DecideSources['ledgerOf'] = (eventId) =>
      this.register.mayHave((register) => register.ledgerOf(eventId));
    const { now, reader } = this;
    return decideSession({ policy, roster, now, reader, openFor, ledgerOf, search, keys }, question);
  }

  /** What carries a token's word as well: for the gateway alone. */
  get incidentApi(): IncidentApi {
    return new TemporalIncidents(this.reader, this.options.incidentRegister ?? null, this.options.playbook);
  }

  /** Nobody checks a token here: whoever may write to the namespace may report. */
  incidents(): IncidentClient {
    return directIncidents(this.incidentApi);
  }

  async close(): Promise<void> {
    await this.options.client.connection.close();
    await this.options.closeAlso?.();
  }
}
