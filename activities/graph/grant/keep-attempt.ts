import type { ApplyOutcome } from '../../../domain/outcomes.js';
import type { EffectTasks } from '../../../domain/tasks.js';
import type { AdmittedGrant } from './admitted-grant.js';
import type { ApplyProgress } from './apply-progress.js';
import type { Attempt } from '../attempt.js';
import type { GraphDeps } from '../effect-deps.js';
import { GrantAttempt, UNKNOWN_READS } from './grant-attempt.js';
import { tooLateToExtend } from './late-extension.js';
import { NEXT_READ_MS } from '../reading.js';
import { clockRefusal } from '../wire/clock-check.js';
import { backoffMs, toApplicationFailure, waitFor } from '../wire/graph-error.js';
import type { GraphAnswer } from '../wire/graph-session.js';

type Input = Parameters<EffectTasks['apply']>[0];

/** What stands, by the provider's id, and what is told of it. */
export interface Kept {
  readonly id: string;
  readonly status: string;
  readonly told: Record<string, unknown>;
}

/**
 * One attempt to let a change stand for longer whose provider knows no end: nothing is called but a read. Only our own
 * deadline moves, and only over what stands: what is gone is not made again.
 */
export abstract class KeepAttempt extends GrantAttempt {
  constructor(
    deps: GraphDeps,
    protected readonly input: Input,
    attempt: Attempt<ApplyProgress>,
    admitted: AdmittedGrant,
  ) {
    super(deps, input.signed.intent, input.first, attempt, admitted);
  }

  /** What this identity may not touch, or undefined. */
  protected abstract untouchable(): { code: string; message: string } | undefined;
  /** What stands of the intent; null where this read shows nothing. */
  protected abstract look(): Promise<GraphAnswer<Kept | null>>;

  async run(): Promise<ApplyOutcome> {
    const { attempt, deps } = this;
    const untouchable = this.untouchable();
    if (untouchable !== undefined) return this.refuse(untouchable.code, untouchable.message);
    const late = tooLateToExtend(this.input.evidence, deps.clock.now());
    if (late !== undefined) return this.refuse(late.code, late.message);
    const read = await this.look();
    if (!read.ok) {
      const { failure } = read;
      if (failure.kind === 'denied' || failure.kind === 'refused') return this.refuse(failure.code, failure.said);
      throw this.later(toApplicationFailure(failure, backoffMs(failure, attempt.number)), true);
    }
    const kept = read.value;
    if (kept === null) return this.gone();
    const lateNow = tooLateToExtend(this.input.evidence, deps.clock.now());
    if (lateNow !== undefined) return this.refuse(lateNow.code, lateNow.message);
    const over = this.outOfWarrant();
    if (over !== undefined) return over;
    const off = clockRefusal(deps.clock.now(), this.graph.serviceTime);
    if (off !== undefined) return this.refuse(off.code, off.message);
    const data = { provider_request_id: kept.id, provider_status: kept.status, ends_at: null, adopted: true };
    return { outcome: 'granted', ...data, receipt: this.receipt('granted', { ...data, ...kept.told }) };
  }

  /** A late read may not show what stands: only said often enough is it so. */
  private gone(): ApplyOutcome {
    const message = 'nothing of this ceremony stands any more, so there is nothing to extend';
    const unknown_reads = this.attempt.details.unknown_reads + 1;
    if (unknown_reads >= UNKNOWN_READS) return this.refuse('already_removed', message);
    this.attempt.keep({ unknown_reads });
    throw this.later(waitFor('already_removed', message, NEXT_READ_MS), true);
  }
}
