import { z } from 'zod';

import { instant } from '../../../domain/identifiers.js';
import type { IntentOf } from '../../../domain/intent.js';
import type { Finding, RollbackOutcome } from '../../../domain/outcomes.js';
import type { EffectTasks } from '../../../domain/tasks.js';
import { assignmentIntent } from './assignment-intent.js';
import { assignmentPath, readStanding, type Assignment } from './assignments.js';
import { Attempt } from '../attempt.js';
import { disowned, openSession, receiptOf, type GraphDeps } from '../effect-deps.js';
import { backoffMs, toApplicationFailure, waitFor, type GraphFailure } from '../wire/graph-error.js';
import type { GraphSession } from '../wire/graph-session.js';
import { NEXT_READ_MS } from '../reading.js';

/** Reads, apart, that must show nothing before nothing is said to be there: a new assignment reaches replicas late. */
const ABSENT_READS = 3;

const progressSchema = z.object({
  absent_reads: z.number().int(),
  last_at: z.number().nullable(),
  /** A DELETE of this activity's was begun. */
  deleted: z.boolean(),
  client_request_ids: z.array(z.string()).max(64),
});
type Progress = z.output<typeof progressSchema>;
const NOTHING: Progress = { absent_reads: 0, last_at: null, deleted: false, client_request_ids: [] };

type Input = Parameters<EffectTasks['rollback']>[0];

/**
 * Deletes this intent's assignment, by its id, and nothing else; nothing in it is final but success.
 *
 * Graph keeps no mark of who made an assignment. What stands for the tuple is ours where the grant was made or may have been
 * made, since nothing stood at the survey and Graph refuses a second one. It is somebody else's, and stays, where every answer
 * to the grant was a refusal, and where it has another id than the one that Graph gave ours. That id comes as an argument,
 * which is anybody's: it can only narrow what is deleted, and counts in the first round alone, so that a wrong one cannot keep
 * ours standing once the verifier has seen it.
 */
export function rollbackAssignment(deps: GraphDeps): EffectTasks['rollback'] {
  return (input) =>
    Attempt.run(progressSchema, NOTHING, async (attempt) => {
      const none = disowned(input, deps, attempt.number);
      if (none !== undefined) return none;
      return new Rollback(deps, input, assignmentIntent(input.signed.intent), attempt).run();
    });
}

class Rollback {
  private readonly graph: GraphSession;

  constructor(
    private readonly deps: GraphDeps,
    private readonly input: Input,
    private readonly intent: IntentOf<'entra.role_assignment'>,
    private readonly attempt: Attempt<Progress>,
  ) {
    this.graph = openSession(deps, intent.tuple.tenant_id, attempt);
  }

  async run(): Promise<RollbackOutcome> {
    const { attempt, intent } = this;
    const read = await readStanding(this.graph, intent.tuple);
    if (!read.ok) throw this.failed(read.failure);
    const standing = read.value;
    if (standing === null) return this.absent();
    attempt.keep({ absent_reads: 0 });
    const left = this.whyLeft(standing);
    if (left !== undefined) return this.nothingSeen(standing, left);
    attempt.stopIfCancelled();
    attempt.keep({ deleted: true });
    const answer = await this.graph.remove(assignmentPath(standing.id));
    const assignment_id = standing.id;
    if (answer.ok) {
      const removal_request_id = this.graph.clientRequestIds.at(-1) ?? '';
      return this.removed('revoked', { assignment_id, removal_request_id });
    }
    if (answer.failure.kind === 'not_found') return this.removed('gone', { assignment_id, removal: 'did_not_exist' });
    throw this.failed(answer.failure);
  }

  /** Why what stands is not ours to delete. */
  private whyLeft({ id }: Assignment): string | undefined {
    const { refused, round, made_id } = this.input;
    if (this.deps.protectedIds.has(this.intent.tuple.principal_id)) return 'the principal is protected';
    if (refused === true) return 'nothing of ours was ever made: it is somebody else’s';
    if (round === 1 && made_id !== undefined && made_id !== id) return `ours was ${made_id.slice(0, 200)}`;
    return undefined;
  }

  private absent(): RollbackOutcome {
    const { attempt, deps } = this;
    const { details } = attempt;
    if (details.deleted) return this.removed('gone', { removal: 'seen' });
    const now = deps.clock.now();
    const isApart = details.last_at === null || now - details.last_at >= NEXT_READ_MS - 100;
    const absent_reads = details.absent_reads + Number(isApart || details.absent_reads === 0);
    attempt.keep({ absent_reads, last_at: isApart ? now : details.last_at });
    if (absent_reads < ABSENT_READS && this.input.refused !== true) {
      attempt.keep({ client_request_ids: this.clientRequestIds() });
      throw waitFor('assignment_not_seen', 'looking again before saying that nothing is there', NEXT_READ_MS);
    }
    return this.nothingSeen(null);
  }

  private nothingSeen(standing: Assignment | null, left = ''): RollbackOutcome {
    const { tuple } = this.intent;
    const what = `assignment ${standing?.id ?? ''} of ${tuple.principal_id} stands and is left alone: ${left}`;
    const findings: Finding[] = standing === null ? [] : [{ code: 'foreign_assignment', detail: what.slice(0, 500) }];
    const at = instant(this.deps.clock.now());
    return { outcome: 'nothing_seen', at, findings, receipt: this.receipt({ outcome: 'nothing_seen', findings }) };
  }

  private removed(word: 'revoked' | 'gone', how: Record<string, unknown>): RollbackOutcome {
    const at = instant(this.deps.clock.now());
    return { outcome: 'removed', word, at, receipt: this.receipt({ outcome: 'removed', word, ...how }) };
  }

  private receipt(data: Record<string, unknown>) {
    const calls = { attempt: this.attempt.number, client_request_ids: this.clientRequestIds() };
    const transition = `removal/${this.input.round}`;
    return receiptOf(this.deps, this.intent, { type: 'removal', transition, data: { ...data, ...calls } });
  }

  private failed(failure: GraphFailure): Error {
    this.attempt.keep({ client_request_ids: this.clientRequestIds() });
    return toApplicationFailure(failure, Math.max(1000, backoffMs(failure, Math.min(5, this.attempt.number))));
  }

  private clientRequestIds(): string[] {
    return [...this.attempt.details.client_request_ids, ...this.graph.clientRequestIds].slice(-64);
  }
}
