import { CancellationScope, isCancellation, log, sleep } from '@temporalio/workflow';

/** One piece of work that is under way for as long as its key is wanted. */
export interface Work {
  key: string;
}

/**
 * Keeps under way exactly what the machine wants: starts what is missing, cancels what is no longer wanted. An answer is
 * handed over even when it arrives after the cancel, because an effect that was already under way may have taken effect.
 */
export class Conductor<W extends Work> {
  private readonly running = new Map<string, CancellationScope>();

  /** `perform` hands over what it learns by itself; it may run again whenever it throws. */
  constructor(private readonly perform: (work: W) => Promise<void>) {}

  reconcile(wanted: readonly W[]): void {
    const keys = new Set(wanted.map(({ key }) => key));
    for (const [key, scope] of this.running) {
      if (keys.has(key)) continue;
      this.running.delete(key);
      scope.cancel();
    }
    for (const work of wanted) {
      if (!this.running.has(work.key)) this.begin(work);
    }
  }

  private begin(work: W): void {
    const scope = new CancellationScope();
    this.running.set(work.key, scope);
    void scope
      .run(() => this.keepTrying(work))
      .then(
        () => this.forget(work.key, scope),
        () => this.forget(work.key, scope),
      );
  }

  private forget(key: string, scope: CancellationScope): void {
    if (this.running.get(key) === scope) this.running.delete(key);
  }

  /** Activities retry without limit by themselves; what reaches here is a forged or garbled answer, or a refusal to try. */
  private async keepTrying(work: W): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.perform(work);
        return;
      } catch (error) {
        if (isCancellation(error)) throw error;
        log.warn('work will be tried again', {
          key: work.key,
          attempt,
          error: error instanceof Error ? error.name : 'unknown',
        });
        await sleep(Math.min(60_000, 2_000 * 2 ** Math.min(attempt, 5)), { summary: `try again: ${work.key}` });
      }
    }
  }
}
