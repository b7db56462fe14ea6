import { Context } from '@temporalio/activity';
import { CancelledFailure } from '@temporalio/common';
import type { z } from 'zod';

/** A lost worker is noticed within the heartbeat timeout of 5 to 10 s. */
const HEARTBEAT_MS = 1500;

/**
 * One attempt of an activity that may be tried for days: what earlier attempts left in the heartbeat details, and the
 * heartbeat that carries it on. What an attempt means to leave to the next one it must `keep` before it fails.
 */
export class Attempt<Details extends object> {
  private constructor(
    private readonly context: Context,
    /** Whether any earlier attempt of this activity left details. */
    readonly resumed: boolean,
    private current: Details,
  ) {}

  /**
   * Runs one attempt with a heartbeat. Details come back from the server, where others can write: those that do not parse
   * are as good as none.
   */
  static async run<Details extends object, Result>(
    schema: z.ZodType<Details>,
    initial: Details,
    work: (attempt: Attempt<Details>) => Promise<Result>,
  ): Promise<Result> {
    const context = Context.current();
    const left: unknown = context.info.heartbeatDetails;
    const parsed = schema.safeParse(left);
    const attempt = new Attempt(context, left !== undefined && left !== null, parsed.success ? parsed.data : initial);
    const timer = setInterval(() => context.heartbeat(attempt.current), HEARTBEAT_MS);
    try {
      return await work(attempt);
    } finally {
      clearInterval(timer);
    }
  }

  get number(): number {
    return this.context.info.attempt;
  }

  /** When the server scheduled the first attempt, epoch ms; no argument and no heartbeat can name another time. */
  get scheduledAtMs(): number {
    return this.context.info.scheduledTimestampMs;
  }

  /** The run of the workflow that asks, as the server names it; empty where no workflow does. */
  get runId(): string {
    return this.context.info.workflowExecution?.runId ?? '';
  }

  get details(): Readonly<Details> {
    return this.current;
  }

  get cancellation(): AbortSignal {
    return this.context.cancellationSignal;
  }

  /** Replaces these members and sends them at once. */
  keep(change: Partial<Details>): void {
    this.current = { ...this.current, ...change };
    this.context.heartbeat(this.current);
  }

  /** Throws CancelledFailure once the activity was asked to stop. */
  stopIfCancelled(): void {
    if (this.cancellation.aborted) throw new CancelledFailure('cancelled before the call');
  }
}
