import { CancellationScope, sleep } from '@temporalio/workflow';

/** One timer, moved only when the time it stands for changes. */
export class Alarm {
  private at: number | undefined;
  private scope: CancellationScope | undefined;
  private fired = false;

  setFor(at: number | undefined, what: string): void {
    // A timer may fire a hair before the time it was set for: then it is set once more.
    if (at === this.at && !this.fired) return;
    this.scope?.cancel();
    this.at = at;
    this.scope = undefined;
    this.fired = false;
    if (at === undefined) return;
    const scope = new CancellationScope();
    this.scope = scope;
    const summary = `${what} at ${new Date(at).toISOString().slice(0, 19)}Z`;
    void scope
      .run(() => sleep(Math.max(1, at - Date.now()), { summary }))
      .then(
        () => {
          if (this.scope === scope) this.fired = true;
        },
        () => undefined,
      );
  }

  isDue(): boolean {
    return this.fired || (this.at !== undefined && Date.now() >= this.at);
  }
}
