import { z } from 'zod';

import { epochMs, instant } from '../../domain/identifiers.js';
import type { Intent } from '../../domain/intent.js';
import { findingSchema, type AbsenceOutcome, type Finding } from '../../domain/outcomes.js';
import { SETTLE_MS } from '../../domain/reseal.js';
import type { VerifierTasks } from '../../domain/tasks.js';
import { isNothingOnItsWay } from '../../proofs/nothing-on-its-way.js';
import type { RoleKeys } from '../../proofs/receipt.js';
import {
  ABSENT_READS,
  absenceRunSchema,
  believable,
  count,
  isConfirmed,
  nextReadIn,
  type AbsenceRun,
} from './absence-run.js';
import type { Attempt } from './attempt.js';
import { openSession, receiptOf, type GraphDeps } from './effect-deps.js';
import { NEXT_READ_MS, readFailed } from './reading.js';
import { waitFor, type GraphFailure } from './wire/graph-error.js';
import type { GraphSession } from './wire/graph-session.js';

/** What every kind carries from one look to the next. */
export const absenceProgress = {
  run: absenceRunSchema,
  findings: z.array(findingSchema).max(64),
  client_request_ids: z.array(z.string()).max(64),
};
type Progress = z.output<z.ZodObject<typeof absenceProgress>>;

export type AbsenceInput = Parameters<VerifierTasks['verifyRolledBack']>[0];

export interface AbsenceDeps extends GraphDeps {
  /** The roles' public keys, by which what an effect says of its own calls is believed. */
  readonly roleKeys: RoleKeys;
}

/** Known findings and more, each once; 64 at most. */
export function merged(known: readonly Finding[], more: readonly Finding[]): Finding[] {
  const fresh = more.filter((one) => !known.some(({ code, detail }) => code === one.code && detail === one.detail));
  return [...known, ...fresh].slice(0, 64);
}

/** One look of the second identity at what was removed: how looks are counted, and what is told of them, for every kind. */
export abstract class AbsenceLook<P extends Progress> {
  protected readonly graph: GraphSession;

  constructor(
    protected readonly deps: AbsenceDeps,
    protected readonly input: AbsenceInput,
    protected readonly attempt: Attempt<P>,
  ) {
    this.graph = openSession(deps, input.signed.intent.tuple.tenant_id, attempt);
  }

  /** What was read so far, and this read. */
  protected counted(present: boolean, now: number): AbsenceRun {
    const { details, number } = this.attempt;
    return count(believable(details.run, number), present, now);
  }

  /** Keeps the run, and says whether it is an answer. @throws the wait for the next look. */
  protected agreed(run: AbsenceRun, now: number): true {
    const { patience } = this.input;
    this.keep({ run, client_request_ids: this.clientRequestIds() });
    const { settleUntil } = this;
    if (isConfirmed(run, settleUntil, now)) return true;
    const word = run.present > 0 ? `present ${run.present} of ${patience}` : `absent ${run.absent} of ${ABSENT_READS}`;
    throw waitFor('not_yet_agreed', word, nextReadIn(run, settleUntil, now, NEXT_READ_MS));
  }

  protected confirmed(
    now: number,
    findings: Finding[],
    more: Record<string, unknown> = {},
  ): Extract<AbsenceOutcome, { outcome: 'absent' }> {
    const { run } = this.attempt.details;
    const { round } = this.input;
    const settle_until = this.settleUntil === null ? null : instant(this.settleUntil);
    const observed_at = instant(run.first_absent_at ?? now);
    const confirmed_at = instant(now);
    const reads = run.absent_at.map((at) => ({ at: instant(at), absent: true }));
    const times = { observed_at, confirmed_at, settle_until };
    const data = { ...times, round, reads, reads_agreeing: run.absent, findings, ...more, ...this.calls() };
    const receipt = receiptOf(this.deps, this.signedIntent, { type: 'confirmed', transition: 'confirmed', data });
    return { outcome: 'absent', observed_at, confirmed_at, findings, receipt };
  }

  protected present(now: number, reads: number): AbsenceOutcome {
    const { round } = this.input;
    const { findings } = this.attempt.details;
    const entry = { type: 'reappeared' as const, transition: `reappeared/${round}` };
    const data = { round, present_reads: reads, findings, ...this.calls() };
    const receipt = receiptOf(this.deps, this.signedIntent, { ...entry, data });
    return { outcome: 'present', at: instant(now), receipt };
  }

  protected failed(failure: GraphFailure): Error {
    this.keep({ client_request_ids: this.clientRequestIds() });
    return readFailed(failure, this.attempt);
  }

  protected clientRequestIds(): string[] {
    return [...this.attempt.details.client_request_ids, ...this.graph.clientRequestIds].slice(-64);
  }

  /**
   * Until when reads must go on, epoch ms; null where five are enough. That is what the workflow says, whose answers anybody can
   * make up who writes to the namespace: so it is believed only with what the role that granted signed, and else the window is
   * waited for from when this was first asked.
   */
  private get settleUntil(): number | null {
    const { settle_until, shown, round } = this.input;
    if (settle_until !== null) return epochMs(settle_until);
    const { runId, scheduledAtMs } = this.attempt;
    const intent = this.signedIntent;
    if (isNothingOnItsWay(shown, { intent, round, runId }, this.deps.roleKeys)) return null;
    const settled = scheduledAtMs + SETTLE_MS;
    return intent.dead_man === null ? settled : Math.min(settled, epochMs(intent.dead_man));
  }

  private calls(): Record<string, unknown> {
    return { attempt: this.attempt.number, client_request_ids: this.clientRequestIds() };
  }

  private keep(more: Partial<Progress>): void {
    this.attempt.keep(more as Partial<P>);
  }

  private get signedIntent(): Intent {
    return this.input.signed.intent;
  }
}
