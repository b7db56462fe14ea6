import { z } from 'zod';

import type { IntentOf } from '../../../domain/intent.js';
import { epochMs } from '../../../domain/identifiers.js';
import type { ApplyOutcome } from '../../../domain/outcomes.js';
import type { EffectTasks } from '../../../domain/tasks.js';
import { admittedGrant, type AdmittedGrant } from '../grant/admitted-grant.js';
import { applyProgressSchema, NOTHING_APPLIED } from '../grant/apply-progress.js';
import { assignmentIntent } from './assignment-intent.js';
import { KeptAssignment } from './assignment-keep.js';
import {
  assignmentBody,
  ASSIGNMENTS,
  assignmentSchema,
  isOfTuple,
  readStanding,
  type Assignment,
} from './assignments.js';
import { Attempt } from '../attempt.js';
import { clockRefusal } from '../wire/clock-check.js';
import type { GraphDeps } from '../effect-deps.js';
import { backoffMs, toApplicationFailure, waitFor, type GraphFailure } from '../wire/graph-error.js';
import { GrantAttempt } from '../grant/grant-attempt.js';
import { NEXT_READ_MS } from '../reading.js';

/** An assignment that is made later than this before its deadline would be taken back at once. */
const LAST_CALL_MS = 60_000;
/** Reads, apart, that must agree on what a call left whose answer nobody has. */
const AGREEING = 2;
/** Reads that do not show what Graph said is in the way. */
const CONFLICT_READS = 12;

const progressSchema = applyProgressSchema.extend({
  /** Reads in a row that agree, and on what: an assignment's id, or null for none. */
  agreeing: z.number().int().default(0),
  shown: z.string().nullable().default(null),
  last_at: z.number().nullable().default(null),
});
type Progress = z.output<typeof progressSchema>;

type Input = Parameters<EffectTasks['apply']>[0];

/**
 * Assigns the role, once the gate has admitted the attempt: one read, and one POST. Graph refuses a second assignment of the
 * same tuple, and keeps no mark of who made one: what stands before any call of ours is somebody else's, and refuses; what
 * stands after a call whose answer was lost is adopted, since nothing stood at the survey. An intent of a later round calls
 * for nothing: Graph keeps no end that could be moved (`assignment-keep.ts`).
 */
export function applyAssignment(deps: GraphDeps): EffectTasks['apply'] {
  const nothing: Progress = { ...NOTHING_APPLIED, agreeing: 0, shown: null, last_at: null };
  return (input) =>
    Attempt.run(progressSchema, nothing, (attempt) => {
      const intent = assignmentIntent(input.signed.intent);
      if (intent.round > 1) return new KeptAssignment(deps, input, attempt, admittedGrant()).run();
      return new Application(deps, input, intent, attempt, admittedGrant()).run();
    });
}

class Application extends GrantAttempt {
  constructor(
    deps: GraphDeps,
    input: Input,
    protected override readonly intent: IntentOf<'entra.role_assignment'>,
    protected override readonly attempt: Attempt<Progress>,
    admitted: AdmittedGrant,
  ) {
    super(deps, intent, input.first, attempt, admitted);
  }

  async run(): Promise<ApplyOutcome> {
    const { attempt, intent, deps } = this;
    const { tuple } = intent;
    if (deps.protectedIds.has(tuple.principal_id))
      return this.refuse('protected_principal', 'the principal is protected: no ceremony may touch it');
    const read = await readStanding(this.graph, tuple);
    if (!read.ok) return this.unread(read.failure);
    const standing = read.value;
    if (standing !== null) return this.standing(standing);
    if (!this.chained) this.agree(null);
    const conflicts = attempt.details.taken_reads;
    if (conflicts > CONFLICT_READS)
      return this.refuse('assignment_conflict', 'Graph says that it conflicts with another, and shows none');
    const late = this.tooLate() ?? this.outOfWarrant();
    if (late !== undefined) return late;
    attempt.stopIfCancelled();
    const off = clockRefusal(deps.clock.now(), this.graph.serviceTime);
    if (off !== undefined) return this.refuse(off.code, off.message);
    attempt.keep({ posted: true, agreeing: 0 });
    const answer = await this.graph.write(ASSIGNMENTS, assignmentBody(tuple), assignmentSchema);
    if (!answer.ok) return this.refused(answer.failure);
    // An answer about something else says nothing about ours.
    if (!isOfTuple(answer.value, tuple))
      throw this.later(waitFor('answer_of_another', 'Graph answered about another assignment', NEXT_READ_MS), false);
    return this.granted(answer.value, false);
  }

  /** One stands: of somebody else before any call of ours, and ours once reads agree after one. */
  private standing(assignment: Assignment): ApplyOutcome {
    if (this.chained) {
      const message = `somebody else's assignment stands for this principal, role and scope (${assignment.id})`;
      return this.refuse('foreign_assignment', message);
    }
    this.agree(assignment.id);
    return this.granted(assignment, true);
  }

  /** Ends the attempt unless reads that lie apart have shown the same. */
  private agree(shown: string | null): void {
    const { details } = this.attempt;
    const now = this.deps.clock.now();
    const isSame = details.agreeing > 0 && details.shown === shown;
    const isApart = details.last_at === null || now - details.last_at >= NEXT_READ_MS - 100;
    const agreeing = isSame ? details.agreeing + Number(isApart) : 1;
    const last_at = isSame && !isApart ? details.last_at : now;
    this.attempt.keep({ agreeing, shown, last_at });
    if (agreeing >= AGREEING) return;
    throw this.later(
      waitFor('assignment_read_once', 'looking again at what an earlier call left', NEXT_READ_MS),
      false,
    );
  }

  private granted({ id }: Assignment, adopted: boolean): ApplyOutcome {
    const data = { provider_request_id: id, provider_status: 'Assigned', ends_at: null, adopted };
    const receipt = this.receipt('granted', { ...data, assignment_id: id });
    return { outcome: 'granted', ...data, receipt };
  }

  /** A read that failed left nothing, and says nothing. */
  private unread(failure: GraphFailure): ApplyOutcome {
    if (failure.kind === 'denied' || failure.kind === 'refused') return this.refuse(failure.code, failure.said);
    throw this.later(toApplicationFailure(failure, backoffMs(failure, this.attempt.number)), true);
  }

  private refused(failure: GraphFailure): ApplyOutcome {
    const { attempt } = this;
    const again = (delayMs: number, leftNothing: boolean): Error =>
      this.later(toApplicationFailure(failure, delayMs), leftNothing);
    switch (failure.kind) {
      case 'ambiguous':
        throw again(Math.max(NEXT_READ_MS, backoffMs(failure, attempt.number)), false);
      case 'not_sent':
      case 'throttled':
        throw again(backoffMs(failure, attempt.number), true);
      case 'conflict':
        throw this.conflict(failure);
      case 'not_found':
      case 'unauthenticated':
        return this.unknown(failure, NEXT_READ_MS);
      default:
        // Graph's code for a duplicate is the one for any bad request: what stands is looked for, and decides.
        if (failure.status === 400 && failure.code === 'Request_BadRequest') throw this.conflict(failure);
        return this.refuse(failure.code, failure.said);
    }
  }

  /** Something may be in the way that this read did not show: it is looked for before anything is said. */
  private conflict(failure: GraphFailure): Error {
    this.attempt.keep({ taken_reads: this.attempt.details.taken_reads + 1 });
    const delay = Math.max(NEXT_READ_MS, failure.retryAfterMs ?? 0);
    return this.later(toApplicationFailure(failure, delay), true);
  }

  private tooLate(): ApplyOutcome | undefined {
    const left = epochMs(this.intent.deadline) - this.deps.clock.now();
    if (left > LAST_CALL_MS) return undefined;
    return this.refuse('too_late', 'less than a minute is left: it would be taken back at once');
  }
}
