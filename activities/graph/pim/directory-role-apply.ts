import type { ApplyOutcome } from '../../../domain/outcomes.js';
import { epochMs, instant } from '../../../domain/identifiers.js';
import type { EffectTasks } from '../../../domain/tasks.js';
import { admittedGrant } from '../grant/admitted-grant.js';
import { applyProgressSchema, NOTHING_APPLIED } from '../grant/apply-progress.js';
import { Attempt } from '../attempt.js';
import { clockRefusal } from '../wire/clock-check.js';
import { RoleExtension } from './directory-role-extend.js';
import type { GraphDeps } from '../effect-deps.js';
import { backoffMs, toApplicationFailure, waitFor, type GraphFailure } from '../wire/graph-error.js';
import { RoleGrantAttempt } from './role-grant-attempt.js';
import { meaningOf } from './pim-status.js';
import { pimTuple } from './pim-family.js';
import type { ScheduleRequest } from './pim-wire.js';
import { historyOf } from './tuple-history.js';

/** An assignment cannot be removed in its first five minutes: one made later than this would outlive its deadline. */
const LAST_CALL_MS = 5 * 60_000;
/** Agreeing looks before a tuple that is taken counts as somebody else's. */
const TAKEN_READS = 12;

/**
 * Grants the role, once the gate (`grant-gate.ts`) has admitted the attempt: a dry run and then one POST. Whatever an earlier attempt may have left is looked for first
 * and adopted only with our marker, made by our application, ending no later than intended; the status decides, not 201.
 * Every answer that could still become a grant makes the outcome unclean for good. An intent of a later round extends what
 * stands instead (`directory-role-extend.ts`).
 */
export function applyDirectoryRole(deps: GraphDeps): EffectTasks['apply'] {
  return (input) =>
    Attempt.run(applyProgressSchema, NOTHING_APPLIED, (attempt) => {
      const Call = input.signed.intent.round === 1 ? Application : RoleExtension;
      return new Call(deps, input, attempt, admittedGrant()).run();
    });
}

class Application extends RoleGrantAttempt {
  async run(): Promise<ApplyOutcome> {
    const { deps, attempt, input, intent } = this;
    if (deps.protectedIds.has(intent.tuple.principal_id))
      return this.refuse('protected_principal', 'the principal is protected: no ceremony may touch it');
    if (attempt.number > 1 || !input.first) {
      const found = await this.lookForOurs();
      if (found !== undefined) return found;
    }
    const late = this.tooLate();
    if (late !== undefined) return late;
    if (attempt.details.taken_reads > 0) return this.taken();
    attempt.stopIfCancelled();
    const rehearsal = await this.graph.write(this.pim.requests, this.body(true), this.pim.requestSchema);
    if (!rehearsal.ok) return this.refused(rehearsal.failure, true);
    attempt.stopIfCancelled();
    const laterNow = this.tooLate() ?? this.outOfWarrant();
    if (laterNow !== undefined) return laterNow;
    const off = clockRefusal(deps.clock.now(), this.graph.serviceTime);
    if (off !== undefined) return this.refuse(off.code, off.message);
    attempt.keep({ posted: true });
    const answer = await this.graph.write(this.pim.requests, this.body(false), this.pim.requestSchema);
    if (!answer.ok) return this.refused(answer.failure, false);
    return this.judgeStatus(answer.value, false);
  }

  /** Something of ours, or undefined when none is visible, which proves nothing. */
  private async lookForOurs(): Promise<ApplyOutcome | undefined> {
    const { deps, intent } = this;
    const query = { $filter: this.pim.ofTuple(pimTuple(intent.tuple)) };
    const requests = await this.graph.readAll(this.pim.requests, this.pim.requestSchema, query);
    if (!requests.ok) throw this.later(toApplicationFailure(requests.failure, this.pause(requests.failure)), true);
    const by = { writerIds: deps.writerIds(intent.tuple.tenant_id), authorityKeys: deps.authorityKeys };
    const { own, grant, removed } = historyOf(requests.value, intent, by);
    if (grant === undefined) {
      const failed = own[0];
      return failed === undefined ? undefined : this.judgeStatus(failed, true);
    }
    if (removed !== undefined) return this.refuse('already_removed', 'this grant was made and removed before', false);
    return this.judgeStatus(grant, true);
  }

  private judgeStatus(request: ScheduleRequest, adopted: boolean): ApplyOutcome {
    const { intent } = this;
    switch (meaningOf(request.status)) {
      case 'failed':
      case 'revoked':
        return this.refuse('request_failed', `the provider took the request and then said ${request.status ?? ''}`);
      case 'undecided':
        throw this.later(waitFor('request_undecided', `status ${request.status ?? 'absent'}`, 5_000), false);
      case 'active': {
        const end = request.scheduleInfo?.expiration?.endDateTime ?? null;
        const ends_at = end === null || Number.isNaN(Date.parse(end)) ? null : instant(epochMs(end));
        const late = ends_at === null || epochMs(ends_at) > epochMs(intent.dead_man ?? intent.deadline);
        if (adopted && late)
          return this.refuse('ends_later_than_intended', `what stands ends ${ends_at ?? 'never'}`, false);
        const provider_status = request.status ?? '';
        const data = { provider_request_id: request.id, provider_status, ends_at, adopted };
        const receipt = this.receipt('granted', data);
        return { outcome: 'granted', ...data, receipt };
      }
    }
  }

  private refused(failure: GraphFailure, rehearsal: boolean): ApplyOutcome {
    const { attempt } = this;
    switch (failure.kind) {
      case 'exists':
      case 'pending':
        // Before any call of ours the tuple can only be taken by somebody else.
        if (rehearsal && this.chained && !attempt.details.posted) return this.foreign(failure.code);
        return this.taken(failure);
      case 'ambiguous':
        throw this.later(toApplicationFailure(failure, this.pause(failure)), rehearsal);
      case 'not_sent':
      case 'throttled':
      case 'conflict':
        throw this.later(toApplicationFailure(failure, backoffMs(failure, attempt.number)), true);
      case 'not_found':
      case 'unauthenticated':
        return this.unknown(failure, 5_000);
      default:
        return this.refuse(failure.code, failure.said);
    }
  }

  /** Taken, and nothing of ours visible: ours may still appear, so it takes many looks to call it somebody else's. */
  private taken(failure?: GraphFailure): ApplyOutcome {
    const taken_reads = this.attempt.details.taken_reads + 1;
    if (taken_reads > TAKEN_READS) return this.foreign('RoleAssignmentExists');
    this.attempt.keep({ taken_reads });
    const delay = this.pause();
    const why = waitFor('assignment_not_ours_yet', 'the tuple is taken, and no marker of ours is visible yet', delay);
    throw this.later(failure === undefined ? why : toApplicationFailure(failure, delay), true);
  }

  private foreign(code: string): ApplyOutcome {
    return this.refuse(
      'foreign_assignment',
      `somebody else's assignment stands for this principal and target (${code})`,
    );
  }

  private tooLate(): ApplyOutcome | undefined {
    const left = epochMs(this.intent.deadline) - this.deps.clock.now();
    if (left > LAST_CALL_MS) return undefined;
    return this.refuse('too_late', 'less than five minutes are left: a grant could not be removed at its deadline');
  }

  /** 5 s at first, then growing to 15 s; longer only where the service asks for it. */
  private pause(failure?: GraphFailure): number {
    const growing = Math.min(15_000, 5_000 + 1_000 * Math.max(0, this.attempt.number - 2));
    return Math.max(growing, failure?.retryAfterMs ?? 0);
  }

  private body(isValidationOnly: boolean): object {
    const { marker, dead_man, ...intent } = this.intent;
    return {
      action: 'adminAssign',
      ...(isValidationOnly ? { isValidationOnly } : {}),
      ...this.pim.bodyOf(pimTuple(intent.tuple)),
      justification: marker.justification,
      ticketInfo: { ticketNumber: marker.ticket_number, ticketSystem: marker.ticket_system },
      scheduleInfo: {
        startDateTime: instant(this.deps.clock.now()),
        expiration: { type: 'afterDateTime', endDateTime: dead_man },
      },
    };
  }
}
