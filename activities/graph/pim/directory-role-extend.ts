import { epochMs, instant } from '../../../domain/identifiers.js';
import type { ApplyOutcome } from '../../../domain/outcomes.js';
import { clockRefusal } from '../wire/clock-check.js';
import { backoffMs, toApplicationFailure, waitFor, type GraphFailure } from '../wire/graph-error.js';
import { UNKNOWN_READS } from '../grant/grant-attempt.js';
import { RoleGrantAttempt } from './role-grant-attempt.js';
import { tooLateToExtend } from '../grant/late-extension.js';
import { meaningOf } from './pim-status.js';
import { pimTuple } from './pim-family.js';
import type { ScheduleRequest } from './pim-wire.js';
import { historyOf, isOwnGrant, markOn, type TupleHistory } from './tuple-history.js';

const AGAIN_MS = 5_000;

/**
 * Gives our own assignment a later end, once the gate has admitted the attempt: Graph's adminUpdate addresses the tuple, so
 * what stands must be ours, not removed, and not somebody else's since. The same update twice is one: what an earlier attempt
 * left is adopted by the marker of this round, and where none shows the call is made again. Nothing is called in the last
 * minute before the deadline that holds: the ceremony ends there, whatever Graph would say.
 */
export class RoleExtension extends RoleGrantAttempt {
  async run(): Promise<ApplyOutcome> {
    const { deps, attempt } = this;
    if (deps.protectedIds.has(this.intent.tuple.principal_id))
      return this.refuse('protected_principal', 'the principal is protected: no ceremony may touch it');
    const { pim } = this;
    const query = { $filter: pim.ofTuple(pimTuple(this.intent.tuple)) };
    const requests = await this.graph.readAll(pim.requests, pim.requestSchema, query);
    if (!requests.ok) throw this.later(toApplicationFailure(requests.failure, this.pause(requests.failure)), true);
    const by = { writerIds: deps.writerIds(this.intent.tuple.tenant_id), authorityKeys: deps.authorityKeys };
    const history = historyOf(requests.value, this.intent, by);
    const { grant } = history;
    if (grant === undefined) return this.unseen('request_not_visible', 'no grant of this ceremony is visible');
    const lost = whyNotOurs(history);
    if (lost !== undefined) return this.refuse(...lost);
    const made = requests.value.find((request) => this.isThisRound(request, by));
    if (made !== undefined) return this.judgeStatus(made, true);
    const late = this.tooLate();
    if (late !== undefined) return late;
    attempt.stopIfCancelled();
    const rehearsal = await this.graph.write(pim.requests, this.body(grant, true), pim.requestSchema);
    if (!rehearsal.ok) return this.refused(rehearsal.failure, true);
    attempt.stopIfCancelled();
    const lateNow = this.tooLate() ?? this.outOfWarrant();
    if (lateNow !== undefined) return lateNow;
    const off = clockRefusal(deps.clock.now(), this.graph.serviceTime);
    if (off !== undefined) return this.refuse(off.code, off.message);
    attempt.keep({ posted: true });
    const answer = await this.graph.write(pim.requests, this.body(grant, false), pim.requestSchema);
    if (!answer.ok) return this.refused(answer.failure, false);
    return this.judgeStatus(answer.value, false);
  }

  /** Our own update under the marker of this round, whatever became of it; one that failed may be tried again. */
  private isThisRound(request: ScheduleRequest, by: Parameters<typeof isOwnGrant>[2]): boolean {
    if (request.action !== 'adminUpdate' || !isOwnGrant(request, this.intent, by)) return false;
    const marked = markOn(request, this.intent.tuple, by.authorityKeys);
    return marked?.deadline === this.intent.deadline && meaningOf(request.status) !== 'failed';
  }

  private judgeStatus(request: ScheduleRequest, adopted: boolean): ApplyOutcome {
    switch (meaningOf(request.status)) {
      case 'failed':
      case 'revoked':
        return this.refuse('request_failed', `the provider took the request and then said ${request.status ?? ''}`);
      case 'undecided':
        throw this.later(waitFor('request_undecided', `status ${request.status ?? 'absent'}`, AGAIN_MS), false);
      case 'active': {
        const end = request.scheduleInfo?.expiration?.endDateTime ?? null;
        const ends_at = end === null || Number.isNaN(Date.parse(end)) ? null : instant(epochMs(end));
        const provider_status = request.status ?? '';
        const data = { provider_request_id: request.id, provider_status, ends_at, adopted };
        return { outcome: 'granted', ...data, receipt: this.receipt('granted', data) };
      }
    }
  }

  private refused(failure: GraphFailure, rehearsal: boolean): ApplyOutcome {
    const { attempt } = this;
    switch (failure.kind) {
      case 'ambiguous':
        throw this.later(toApplicationFailure(failure, this.pause(failure)), rehearsal);
      case 'not_sent':
      case 'throttled':
      case 'conflict':
      case 'pending':
        throw this.later(toApplicationFailure(failure, backoffMs(failure, attempt.number)), true);
      case 'does_not_exist':
      case 'not_found':
      case 'unauthenticated':
        return this.unseen(failure.code, failure.said, failure);
      default:
        return this.refuse(failure.code, failure.said);
    }
  }

  /** What a late read may say of something that stands: only said often enough is it so. */
  private unseen(code: string, message: string, failure?: GraphFailure): ApplyOutcome {
    const late = this.tooLate();
    if (late !== undefined) return late;
    const unknown_reads = this.attempt.details.unknown_reads + 1;
    if (unknown_reads >= UNKNOWN_READS) return this.refuse(code, message);
    this.attempt.keep({ unknown_reads });
    const why = failure === undefined ? waitFor(code, message, AGAIN_MS) : toApplicationFailure(failure, AGAIN_MS);
    throw this.later(why, true);
  }

  private tooLate(): ApplyOutcome | undefined {
    const late = tooLateToExtend(this.input.evidence, this.deps.clock.now());
    return late === undefined ? undefined : this.refuse(late.code, late.message);
  }

  private pause(failure: GraphFailure): number {
    return Math.max(AGAIN_MS, failure.retryAfterMs ?? 0);
  }

  private body(grant: ScheduleRequest, isValidationOnly: boolean): object {
    const { marker, dead_man } = this.intent;
    return {
      action: 'adminUpdate',
      ...(isValidationOnly ? { isValidationOnly } : {}),
      ...this.pim.bodyOf(pimTuple(this.intent.tuple)),
      justification: marker.justification,
      ticketInfo: { ticketNumber: marker.ticket_number, ticketSystem: marker.ticket_system },
      scheduleInfo: {
        startDateTime: grant.scheduleInfo?.startDateTime ?? instant(this.deps.clock.now()),
        expiration: { type: 'afterDateTime', endDateTime: dead_man },
      },
    };
  }
}

/** Why what stands for the tuple is not, or no longer, this ceremony's to extend. */
function whyNotOurs({ grant, removed, taken }: TupleHistory): [code: string, message: string] | undefined {
  if (removed !== undefined) return ['already_removed', 'the grant was removed, so there is nothing to extend'];
  if (taken !== undefined) return ['taken_over', 'somebody else has changed the assignment since: it is theirs now'];
  if (meaningOf(grant?.status) !== 'active') return ['grant_undecided', `the grant is ${grant?.status ?? 'undecided'}`];
  return undefined;
}
