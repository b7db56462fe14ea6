import { z } from 'zod';

import { instant } from '../../domain/identifiers.js';
import type { Finding, RollbackOutcome } from '../../domain/outcomes.js';
import type { DirectoryRoleTasks } from '../../domain/tasks.js';
import { Attempt } from './attempt.js';
import { disowned, openSession, receiptOf, type GraphDeps } from './effect-deps.js';
import { backoffMs, toApplicationFailure, waitFor, type GraphFailure } from './graph-error.js';
import type { GraphSession } from './graph-session.js';
import { meaningOf } from './pim-status.js';
import { INSTANCES, instanceSchema, isPim, REQUESTS, scheduleRequestSchema, tupleFilter } from './pim-wire.js';
import type { Instance, ScheduleRequest } from './pim-wire.js';
import { creatorOf, historyOf, scheduleOf, type TupleHistory } from './tuple-history.js';

/** Graph removes nothing in an assignment's first five minutes; a few seconds more were needed in practice. */
const FLOOR_MS = 305_000;
const AGAIN_MS = 5_000;
/** Looks at an assignment whose request is not visible yet, before it counts as not ours. */
const UNATTRIBUTED_READS = 6;

const progressSchema = z.object({
  unattributed_reads: z.number().int(),
  client_request_ids: z.array(z.string()).max(64),
});
type Progress = z.output<typeof progressSchema>;

type Input = Parameters<DirectoryRoleTasks['rollback']>[0];

/**
 * Removes this intent's assignment, and nothing else: Graph's adminRemove addresses the tuple, so before each removal our
 * marker is looked for among the requests, and what stands must not be another's. Two reads side by side and one POST when
 * all goes well. Nothing in it is final but success.
 */
export function rollbackDirectoryRole(deps: GraphDeps): DirectoryRoleTasks['rollback'] {
  return (input) =>
    Attempt.run(progressSchema, { unattributed_reads: 0, client_request_ids: [] }, (attempt) =>
      new Rollback(deps, input, attempt).run(),
    );
}

class Rollback {
  private readonly graph: GraphSession;

  constructor(
    private readonly deps: GraphDeps,
    private readonly input: Input,
    private readonly attempt: Attempt<Progress>,
  ) {
    this.graph = openSession(deps, input.signed.intent.tuple.tenant_id, attempt);
  }

  async run(): Promise<RollbackOutcome> {
    const none = disowned(this.input, this.deps, this.attempt.number);
    if (none !== undefined) return none;
    const query = { $filter: tupleFilter(this.intent.tuple) };
    const [requests, instances] = await Promise.all([
      this.graph.readAll(REQUESTS, scheduleRequestSchema, query),
      this.graph.readAll(INSTANCES, instanceSchema, query),
    ]);
    if (!requests.ok) throw this.failed(requests.failure);
    const history = this.read(requests.value);
    // A grant of ours is ended also where what stands cannot be read: that must not keep it standing.
    if (history.grant !== undefined) return this.end(history.grant, history, instances.ok ? instances.value : []);
    if (!instances.ok) throw this.failed(instances.failure);
    return this.lookAtInstances(requests.value, instances.value);
  }

  private async end(
    grant: ScheduleRequest,
    { removed, taken }: TupleHistory,
    standing: readonly Instance[],
  ): Promise<RollbackOutcome> {
    if (removed !== undefined) return this.removed(removed, grant, { removal: 'seen' });
    if (taken !== undefined) return this.removed('gone', grant, { taken_by: creatorOf(taken) ?? null });
    // Ours was ended by the provider, or outside PIM, and somebody gave the role again outside PIM, of which its requests
    // do not tell. Another's made through PIM is `taken` above.
    const [other] = standing;
    if (other !== undefined && !standing.some(isPim))
      return this.removed('gone', grant, { replaced_outside_pim_by: other.id });
    this.attempt.stopIfCancelled();
    const answer = await this.graph.write(REQUESTS, this.body(), scheduleRequestSchema);
    if (answer.ok) {
      if (meaningOf(answer.value.status) === 'revoked')
        return this.removed('revoked', grant, { removal_request_id: answer.value.id });
      throw this.again('removal_undecided', `status ${answer.value.status ?? 'absent'}`);
    }
    switch (answer.failure.kind) {
      case 'too_short':
        return this.tooShort(grant);
      case 'does_not_exist':
        return this.checkGone(grant);
      case 'pending':
        return this.cancel(grant, answer.failure);
      default:
        throw this.failed(answer.failure);
    }
  }

  /** "Does not exist" is also said of a removal that was carried out a moment ago, and of one that was never needed. */
  private async checkGone(grant: ScheduleRequest): Promise<RollbackOutcome> {
    const instances = await this.instances();
    if (!instances.some((instance) => instance.roleAssignmentScheduleId === scheduleOf(grant)))
      return this.removed('gone', grant, { removal: 'did_not_exist' });
    throw this.again('removal_not_seen', 'the provider says it does not exist, and still shows it');
  }

  /** A grant that has not begun cannot be removed, only cancelled (204); one that is being carried out, neither. */
  private async cancel(grant: ScheduleRequest, failure: GraphFailure): Promise<RollbackOutcome> {
    if (meaningOf(grant.status) !== 'undecided') throw this.failed(failure);
    const answer = await this.graph.write(`${REQUESTS}/${encodeURIComponent(grant.id)}/cancel`, {}, z.unknown());
    if (answer.ok) return this.removed('revoked', grant, { removal: 'cancelled' });
    throw this.failed(answer.failure);
  }

  /** Nothing of ours among the requests. What stands there all the same is somebody else's, or ours and not listed yet. */
  private async lookAtInstances(
    requests: readonly ScheduleRequest[],
    instances: readonly Instance[],
  ): Promise<RollbackOutcome> {
    const findings: Finding[] = [];
    for (const instance of instances) {
      const request = await this.requestOf(instance, requests);
      if (request === 'unlisted') {
        const unattributed_reads = this.attempt.details.unattributed_reads + 1;
        this.attempt.keep({ unattributed_reads });
        if (unattributed_reads < UNATTRIBUTED_READS)
          throw this.again('assignment_unattributed', 'an assignment stands whose request is not visible yet');
      } else if (request !== undefined) {
        const history = this.read([...requests, request]);
        if (history.grant !== undefined) return this.end(history.grant, history, instances);
      }
      findings.push({ code: 'foreign_assignment', detail: describe(instance, request) });
    }
    const seen = { outcome: 'nothing_seen' as const, at: instant(this.deps.clock.now()), findings };
    return { ...seen, receipt: this.receipt({ outcome: seen.outcome, findings }) };
  }

  /** The request that made an instance; undefined for an assignment made outside PIM. */
  private async requestOf(
    instance: Instance,
    requests: readonly ScheduleRequest[],
  ): Promise<ScheduleRequest | 'unlisted' | undefined> {
    const schedule = instance.roleAssignmentScheduleId;
    if (!isPim(instance) || schedule === undefined || schedule === null) return undefined;
    const listed = requests.find((request) => scheduleOf(request) === schedule);
    if (listed !== undefined) return listed;
    // A filtered list of requests has been seen to miss some; for adminAssign the ids are the same.
    const answer = await this.graph.read(`${REQUESTS}/${encodeURIComponent(schedule)}`, scheduleRequestSchema);
    if (answer.ok) return answer.value;
    if (answer.failure.kind === 'not_found') return 'unlisted';
    throw this.failed(answer.failure);
  }

  private async instances(): Promise<Instance[]> {
    const query = { $filter: tupleFilter(this.intent.tuple) };
    const answer = await this.graph.readAll(INSTANCES, instanceSchema, query);
    if (!answer.ok) throw this.failed(answer.failure);
    return answer.value;
  }

  private tooShort(grant: ScheduleRequest): RollbackOutcome {
    const now = this.deps.clock.now();
    const start = Date.parse(grant.scheduleInfo?.startDateTime ?? grant.createdDateTime ?? '');
    const floor = Number.isNaN(start) ? 0 : start + FLOOR_MS;
    const retry_at = instant(floor > now ? floor : now + 60_000);
    const at = instant(now);
    return { outcome: 'too_short', retry_at, at, receipt: this.receipt({ outcome: 'too_short', retry_at }) };
  }

  private removed(word: 'revoked' | 'gone', grant: ScheduleRequest, how: Record<string, unknown>): RollbackOutcome {
    const at = instant(this.deps.clock.now());
    const data = { outcome: 'removed', word, provider_request_id: grant.id, ...how };
    return { outcome: 'removed', word, at, receipt: this.receipt(data) };
  }

  private receipt(data: Record<string, unknown>) {
    const calls = { attempt: this.attempt.number, client_request_ids: this.clientRequestIds() };
    const transition = `removal/${this.input.round}`;
    return receiptOf(this.deps, this.intent, { type: 'removal', transition, data: { ...data, ...calls } });
  }

  private read(requests: readonly ScheduleRequest[]): TupleHistory {
    const writerIds = this.deps.writerIds(this.intent.tuple.tenant_id);
    return historyOf(requests, this.intent, { writerIds, authorityKeys: this.deps.authorityKeys });
  }

  private failed(failure: GraphFailure): Error {
    this.attempt.keep({ client_request_ids: this.clientRequestIds() });
    return toApplicationFailure(failure, backoffMs(failure, this.attempt.number));
  }

  private again(type: string, message: string): Error {
    this.attempt.keep({ client_request_ids: this.clientRequestIds() });
    return waitFor(type, message, AGAIN_MS);
  }

  private clientRequestIds(): string[] {
    return [...this.attempt.details.client_request_ids, ...this.graph.clientRequestIds].slice(-64);
  }

  private get intent() {
    return this.input.signed.intent;
  }

  private body(): object {
    const { event_id, tuple, marker } = this.intent;
    return {
      action: 'adminRemove',
      principalId: tuple.principal_id,
      roleDefinitionId: tuple.role_template_id,
      directoryScopeId: tuple.directory_scope_id,
      justification: `Reseal ends break-glass ${event_id}, round ${this.input.round}`,
      ticketInfo: { ticketNumber: marker.ticket_number, ticketSystem: marker.ticket_system },
    };
  }
}

function describe(instance: Instance, request: ScheduleRequest | 'unlisted' | undefined): string {
  const what = `assignment ${instance.roleAssignmentScheduleId ?? instance.id} stands and is left alone`;
  if (request === undefined) return `${what}: made outside PIM`;
  if (request === 'unlisted') return `${what}: its request cannot be found`;
  return `${what}: requested by ${creatorOf(request) ?? 'somebody unknown'}`;
}
