import { z } from 'zod';

import { instant } from '../../../domain/identifiers.js';
import type { Finding, RollbackOutcome } from '../../../domain/outcomes.js';
import type { EffectTasks } from '../../../domain/tasks.js';
import { protectedTarget, toldPolicy, turnOf, type AccessDeps } from './access-deps.js';
import { accessOf, type AccessIntent } from './access-intent.js';
import { ACCESS_POLICIES, readAccessPolicy, type AccessPolicy } from './access-policy.js';
import { Attempt } from '../attempt.js';
import { disowned, openSession, receiptOf } from '../effect-deps.js';
import { backoffMs, toApplicationFailure, waitFor, type GraphFailure } from '../wire/graph-error.js';
import type { GraphSession } from '../wire/graph-session.js';
import { NEXT_READ_MS } from '../reading.js';
import { isSettled, NO_READS, reads, readsSchema } from '../settled-read.js';

/** Reads that do not find the policy before it counts as deleted. */
const MISSING_READS = 6;

const progressSchema = z.object({
  reads: readsSchema,
  missing_reads: z.number().int(),
  /** A write of this activity's was begun. */
  written: z.boolean(),
  client_request_ids: z.array(z.string()).max(64),
});
type Progress = z.output<typeof progressSchema>;
const NOTHING: Progress = { reads: NO_READS, missing_reads: 0, written: false, client_request_ids: [] };

type Input = Parameters<EffectTasks['rollback']>[0];

/**
 * Takes back the one member that this intent changed, and nothing else: the policy is read until it has come to rest, and
 * sent back as it stands but for that. What others changed since stays. Nothing in it is final but success.
 *
 * Graph has no mark on a member of a policy. So what stands is ours where the grant was made or may have been made; where
 * every answer to the grant was a refusal, what stands is somebody else's and stays.
 */
export function rollbackAccess(deps: AccessDeps): EffectTasks['rollback'] {
  return (input) =>
    Attempt.run(progressSchema, NOTHING, async (attempt) => {
      const none = disowned(input, deps, attempt.number);
      if (none !== undefined) return none;
      const intent = accessOf(input.signed.intent);
      return deps.turns.take(turnOf(intent.tuple), () => new Rollback(deps, input, intent, attempt).run());
    });
}

class Rollback {
  private readonly graph: GraphSession;

  constructor(
    private readonly deps: AccessDeps,
    private readonly input: Input,
    private readonly intent: AccessIntent,
    private readonly attempt: Attempt<Progress>,
  ) {
    this.graph = openSession(deps, intent.tuple.tenant_id, attempt);
  }

  async run(): Promise<RollbackOutcome> {
    const { attempt, intent, deps } = this;
    const read = await readAccessPolicy(this.graph, intent.tuple.policy_id);
    if (!read.ok) return this.unread(read.failure);
    const policy = read.value;
    const now = deps.clock.now();
    const seen = reads(attempt.details.reads, policy, now);
    attempt.keep({ reads: seen, missing_reads: 0 });
    if (!isSettled(seen, policy, now))
      throw this.again('policy_read_once', 'a policy is read twice before it is written', NEXT_READ_MS);
    const { stands, undo } = intent.toggle;
    if (!stands(policy))
      return attempt.details.written ? this.removed('gone', policy, { removal: 'seen' }) : this.nothingSeen(policy);
    const untouchable = protectedTarget(deps, intent.tuple);
    if (untouchable !== undefined) return this.nothingSeen(policy, untouchable.message);
    if (this.input.refused === true)
      return this.nothingSeen(policy, 'nothing of ours was ever made: it is somebody else’s');
    attempt.stopIfCancelled();
    attempt.keep({ written: true });
    const path = `${ACCESS_POLICIES}/${encodeURIComponent(intent.tuple.policy_id)}`;
    const answer = await this.graph.amend(path, undo(policy));
    if (!answer.ok) throw this.failed(answer.failure);
    return this.removed('revoked', policy, { removal_request_id: this.graph.clientRequestIds.at(-1) ?? '' });
  }

  private unread(failure: GraphFailure): RollbackOutcome {
    const missing_reads = failure.kind === 'not_found' ? this.attempt.details.missing_reads + 1 : 0;
    this.attempt.keep({ missing_reads });
    if (missing_reads < MISSING_READS) throw this.failed(failure);
    // A policy that was deleted leaves out nobody; that it holds for nobody either is for the verifier to say.
    return this.removed('gone', null, { removal: 'policy_deleted' });
  }

  private nothingSeen(policy: AccessPolicy, left?: string): RollbackOutcome {
    const what = `policy ${policy.id} ${this.intent.toggle.wanted}, and is left alone: ${left ?? ''}`;
    const findings: Finding[] = left === undefined ? [] : [{ code: 'foreign_assignment', detail: what.slice(0, 500) }];
    const data = { outcome: 'nothing_seen', findings, policy: toldPolicy(policy) };
    const at = instant(this.deps.clock.now());
    return { outcome: 'nothing_seen', at, findings, receipt: this.receipt(data) };
  }

  private removed(
    word: 'revoked' | 'gone',
    policy: AccessPolicy | null,
    how: Record<string, unknown>,
  ): RollbackOutcome {
    const at = instant(this.deps.clock.now());
    // What was read right before the write: all of it but ours is what was sent back.
    const told = policy === null ? {} : { policy_before: toldPolicy(policy) };
    return { outcome: 'removed', word, at, receipt: this.receipt({ outcome: 'removed', word, ...how, ...told }) };
  }

  private receipt(data: Record<string, unknown>) {
    const calls = { attempt: this.attempt.number, client_request_ids: this.clientRequestIds() };
    const transition = `removal/${this.input.round}`;
    return receiptOf(this.deps, this.intent.intent, { type: 'removal', transition, data: { ...data, ...calls } });
  }

  private failed(failure: GraphFailure): Error {
    this.attempt.keep({ client_request_ids: this.clientRequestIds() });
    return toApplicationFailure(failure, Math.max(1000, backoffMs(failure, Math.min(5, this.attempt.number))));
  }

  private again(type: string, message: string, delayMs: number): Error {
    this.attempt.keep({ client_request_ids: this.clientRequestIds() });
    return waitFor(type, message, delayMs);
  }

  private clientRequestIds(): string[] {
    return [...this.attempt.details.client_request_ids, ...this.graph.clientRequestIds].slice(-64);
  }
}
