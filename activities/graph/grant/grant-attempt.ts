import { instant } from '../../../domain/identifiers.js';
import type { Intent } from '../../../domain/intent.js';
import type { Receipt } from '../../../domain/entry.js';
import type { ApplyOutcome } from '../../../domain/outcomes.js';
import type { AdmittedGrant } from './admitted-grant.js';
import type { ApplyProgress } from './apply-progress.js';
import type { Attempt } from '../attempt.js';
import { openSession, type GraphDeps } from '../effect-deps.js';
import { toApplicationFailure, type GraphFailure } from '../wire/graph-error.js';
import { grantReceipt, isChained } from './grant-receipt.js';
import type { GraphSession } from '../wire/graph-session.js';

/** What Graph does not know, or a token that it refuses, so often in a row is final. */
export const UNKNOWN_READS = 5;

/**
 * One attempt to make or extend what an intent says, of whatever kind, once the gate has admitted it: what it sends, what it
 * leaves to the next attempt, and what it says of itself.
 */
export abstract class GrantAttempt {
  protected readonly graph: GraphSession;
  /** No attempt before this one left anything that could take effect. */
  protected readonly chained: boolean;

  constructor(
    protected readonly deps: GraphDeps,
    protected readonly intent: Intent,
    first: boolean,
    protected readonly attempt: Attempt<ApplyProgress>,
    private readonly admitted: AdmittedGrant,
  ) {
    this.graph = openSession(deps, intent.tuple.tenant_id, attempt);
    this.chained = isChained(first, attempt.number, attempt);
  }

  /** This process may have stood still since the gate. */
  protected outOfWarrant(): ApplyOutcome | undefined {
    const now = this.deps.clock.now();
    return now < this.admitted.warrant.exp * 1000 ? undefined : { outcome: 'warrant_expired', at: instant(now) };
  }

  /** What Graph does not know may still be on its way to the replica: only said often enough is it so. */
  protected unknown(failure: GraphFailure, delayMs: number): ApplyOutcome {
    const unknown_reads = this.attempt.details.unknown_reads + 1;
    if (unknown_reads >= UNKNOWN_READS) return this.refuse(failure.code, failure.said);
    this.attempt.keep({ unknown_reads });
    throw this.later(toApplicationFailure(failure, delayMs), true);
  }

  /** Ends this attempt, noting for the next whether it left nothing behind. */
  protected later(failure: Error, leftNothing: boolean): Error {
    const clean_through = this.chained && leftNothing ? this.attempt.number : 0;
    this.attempt.keep({ clean_through, client_request_ids: this.clientRequestIds() });
    return failure;
  }

  protected refuse(code: string, message: string, clean = this.chained): ApplyOutcome {
    const said = { code, message: message.slice(0, 500), clean };
    return { outcome: 'refused', ...said, receipt: this.receipt('not_granted', said) };
  }

  protected receipt(word: 'granted' | 'not_granted', data: Record<string, unknown>): Receipt {
    const { attempt, admitted } = this;
    const calls = { attempt: attempt.number, client_request_ids: this.clientRequestIds(), admitted };
    return grantReceipt(this.deps, this.intent, word, data, calls);
  }

  private clientRequestIds(): string[] {
    return [...this.attempt.details.client_request_ids, ...this.graph.clientRequestIds].slice(-64);
  }
}
