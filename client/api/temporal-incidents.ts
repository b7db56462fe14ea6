import { isGrpcDeadlineError, WorkflowExecutionAlreadyStartedError, WorkflowFailedError } from '@temporalio/client';
import { incidentReportWorkflowId, incidentWorkflowId } from '../../domain/incidents/incident-id.js';
import type { IncidentReport } from '../../domain/incidents/incident.js';
import { DEFAULT_PLAYBOOK, type NamedPlaybook } from '../../domain/incidents/playbook.js';
import type { IncidentSaid } from '../../domain/incidents/statements.js';
import { recordedEventSchema } from '../../domain/incidents/tasks.js';
import { incidentViewSchema } from '../../domain/incidents/view.js';
import { digestOf } from '../../proofs/canonical-json.js';
import { TASK_QUEUES } from '../../domain/roles.js';
import type {
  IncidentApi,
  IncidentFilter,
  IncidentRecord,
  IncidentSignal,
  IncidentStats,
  ReportedIncident,
} from './incident-api.js';
import type { RegisteredIncident } from '../../domain/incidents/registered-incident.js';
import { recordOf, type IncidentRegister } from './incident-register.js';
import { ResealError } from './reseal-error.js';
import { fromTemporal, isNotFound } from './temporal-error.js';
import type { WorkflowReader } from './workflow-reader.js';

/** How long the register may take to record an event. */
const RECORD_MS = 45_000;

/** Incidents from their workflows, and from the register where there is one. */
export class TemporalIncidents implements IncidentApi {
  constructor(
    private readonly reader: WorkflowReader,
    private readonly register: IncidentRegister | null,
    private readonly named: NamedPlaybook = { playbook: DEFAULT_PLAYBOOK, digest: digestOf(DEFAULT_PLAYBOOK) },
  ) {}

  async report(report: IncidentReport): Promise<ReportedIncident> {
    const workflowId = incidentReportWorkflowId(report.report_id);
    const { client } = this.reader;
    await this.reader
      .bounded(() =>
        client.workflow.start('reportIncident', {
          workflowId,
          taskQueue: TASK_QUEUES.ceremonies,
          args: [report],
          workflowIdReusePolicy: 'REJECT_DUPLICATE',
          workflowIdConflictPolicy: 'FAIL',
          staticSummary: `an event of class ${report.class}`,
        }),
      )
      .catch((error: unknown) => {
        // The same report again: it has the answer of the first.
        if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw fromTemporal(error);
      });
    const result = await this.reader
      .bounded(() => client.workflow.getHandle(workflowId).result() as Promise<unknown>, RECORD_MS)
      .catch((error: unknown) => {
        if (isGrpcDeadlineError(error) || error instanceof WorkflowFailedError)
          throw new ResealError('no_answer', 'the report was sent, and is not recorded yet', {
            hint: 'repeat it with the same report_id: it is counted once',
            cause: error,
          });
        throw fromTemporal(error);
      });
    const answer = recordedEventSchema.safeParse(result);
    if (!answer.success) throw new ResealError('no_answer', 'what the register said to this report cannot be read');
    if (answer.data.outcome === 'recorded') {
      const { incident_id, opened } = answer.data;
      return { incident_id, opened };
    }
    const { code, message } = answer.data;
    if (code === 'reporter_rate') throw new ResealError('busy', message);
    throw new ResealError(code === 'host_unknown' ? 'malformed' : 'token_scope', message, { field: 'host' });
  }

  async get(id: string): Promise<IncidentRecord> {
    const [view, row] = await Promise.all([
      this.reader.query<object>(incidentWorkflowId(id), 'view'),
      this.row(id).catch((error: unknown) => error as Error),
    ]);
    const live = incidentViewSchema.safeParse(view).data;
    const known = row instanceof Error ? null : row;
    // Temporal keeps an ended workflow for some days, the register for good.
    if (live !== undefined)
      return { view: live, description: known?.description ?? '', evidence: known?.evidence ?? {} };
    if (known !== null) return recordOf(known);
    if (row instanceof Error) throw row;
    throw unknownIncident(id);
  }

  async recorded(id: string): Promise<IncidentRecord> {
    const row = await this.must((register) => register.get(id));
    if (row === null) throw unknownIncident(id);
    return recordOf(row);
  }

  async list(filter: IncidentFilter): Promise<IncidentRecord[]> {
    return (await this.must((register) => register.list(filter))).map(recordOf);
  }

  stats(): Promise<IncidentStats> {
    return this.must((register) => register.stats());
  }

  playbook(): Promise<NamedPlaybook> {
    return Promise.resolve(this.named);
  }

  say(id: string, signal: IncidentSignal, said: IncidentSaid): Promise<void> {
    return this.signal(id, signal, [said]);
  }

  async bundle(id: string): Promise<string> {
    const sealed = await this.must((register) => register.bundle(id));
    if (sealed !== null) return sealed;
    const { view } = await this.get(id);
    throw new ResealError('bundle_not_ready', `${id} has no evidence bundle: it is ${view.state}`, {
      hint: `it is sealed when the incident is resolved: reseal incident watch ${id}`,
    });
  }

  reattest(id: string): Promise<void> {
    return this.signal(id, 'reattest', []);
  }

  private async signal(id: string, name: string, args: unknown[]): Promise<void> {
    const handle = this.reader.client.workflow.getHandle(incidentWorkflowId(id));
    try {
      await this.reader.bounded(() => handle.signal(name, ...args));
    } catch (error) {
      if (!isNotFound(error)) throw fromTemporal(error);
      // The server says the same of a workflow that ended and of one that never was.
      await this.get(id);
      throw new ResealError('ceremony_ended', `${id} is resolved: nothing more can be said of it`, { cause: error });
    }
  }

  private row(id: string): Promise<RegisteredIncident | null> {
    return this.register === null ? Promise.resolve(null) : this.must((register) => register.get(id));
  }

  private async must<T>(read: (register: IncidentRegister) => Promise<T>): Promise<T> {
    const { register } = this;
    if (register === null)
      throw new ResealError('needs_register', 'incidents are listed by the register, and none is configured here');
    return read(register).catch((cause: unknown) => {
      throw new ResealError('register_unreachable', 'the register cannot be reached', { cause });
    });
  }
}

const unknownIncident = (id: string): ResealError =>
  new ResealError('not_found', `there is no incident ${id}`, { hint: 'see `reseal incident list`' });
