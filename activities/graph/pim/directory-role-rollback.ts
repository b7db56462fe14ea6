import { z } from 'zod';

import { instant } from '../../../domain/identifiers.js';
import type { Finding, RollbackOutcome } from '../../../domain/outcomes.js';
import type { EffectTasks } from '../../../domain/tasks.js';
import { Attempt } from '../attempt.js';
import { disowned, openSession, receiptOf, type GraphDeps } from '../effect-deps.js';
import { backoffMs, toApplicationFailure, waitFor, type GraphFailure } from '../wire/graph-error.js';
import type { GraphSession } from '../wire/graph-session.js';
import { pimFamily, pimTuple, type PimFamily } from './pim-family.js';
import { isPim } from './pim-wire.js';
import type { Instance, ScheduleRequest } from './pim-wire.js';
import { removeOwn } from './remove-own.js';
import { creatorOf, historyOf, scheduleOf, type TupleHistory } from './tuple-history.js';

const AGAIN_MS = 5_000;
/** Looks at an assignment whose request is not visible yet, before it counts as not ours. */
const UNATTRIBUTED_READS = 6;

const progressSchema = z.object({
  unattributed_reads: z.number().int(),
  client_request_ids: z.array(z.string()).max(64),
});
type Progress = z.output<typeof progressSchema>;

type Input = Parameters<EffectTasks['rollback']>[0];

/**
 * Removes this intent's assignment, and nothing else: Graph's adminRemove addresses the tuple, so before each removal our
 * marker is looked for among the requests, and what stands must not be another's. Two reads side by side and one POST when
 * all goes well. Nothing in it is final but success.
 */
export function rollbackDirectoryRole(deps: GraphDeps): EffectTasks['rollback'] {
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
    const query = { $filter: this.pim.ofTuple(pimTuple(this.intent.tuple)) };
    const [requests, instances] = await Promise.all([
      this.graph.readAll(this.pim.requests, this.pim.requestSchema, query),
      this.graph.readAll(this.pim.instances, this.pim.instanceSchema, query),
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
    history: TupleHistory,
    standing: readonly Instance[],
  ): Promise<RollbackOutcome> {
    const now = this.deps.clock.now();
    const justification = `Reseal ends break-glass ${this.intent.event_id}, round ${this.input.round}`;
    const beforeWrite = (): void => this.attempt.stopIfCancelled();
    const own = { granted: this.intent, grant, history, standing, justification, beforeWrite };
    const removal = await removeOwn(this.graph, own, now);
    switch (removal.kind) {
      case 'removed':
        return this.removed(removal.word, grant, removal.how);
      case 'too_short':
        return this.tooShort(removal.retryAtMs);
      case 'again':
        throw this.again(removal.code, removal.message);
      case 'failed':
        throw this.failed(removal.failure);
    }
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
    const made = this.pim.requestOf(schedule);
    if (made === null) return 'unlisted';
    const { requests: path, requestSchema } = this.pim;
    const answer = await this.graph.read(`${path}/${encodeURIComponent(made)}`, requestSchema);
    if (answer.ok) return answer.value;
    if (answer.failure.kind === 'not_found') return 'unlisted';
    throw this.failed(answer.failure);
  }

  private tooShort(retryAtMs: number): RollbackOutcome {
    const retry_at = instant(retryAtMs);
    const at = instant(this.deps.clock.now());
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

  private get pim(): PimFamily {
    return pimFamily(this.intent.tuple);
  }
}

function describe(instance: Instance, request: ScheduleRequest | 'unlisted' | undefined): string {
  const what = `assignment ${instance.roleAssignmentScheduleId ?? instance.id} stands and is left alone`;
  if (request === undefined) return `${what}: made outside PIM`;
  if (request === 'unlisted') return `${what}: its request cannot be found`;
  return `${what}: requested by ${creatorOf(request) ?? 'somebody unknown'}`;
}
