/**
 * The time of the latest thing that the history tells: a signal, a timer, an activity's answer. Every decision is made at
 * this time and never at `Date.now()`, which right after a local activity is not the same on replay (19 ms apart were
 * measured): a deadline between the two would be judged differently, and the workflow could not go on.
 */
export class HistoryClock {
  private latest = Date.now();

  /** Epoch milliseconds. */
  get now(): number {
    return this.latest;
  }

  /** To be called where a signal, a timer or an activity's answer comes in, and nowhere else. */
  tick(): void {
    this.latest = Math.max(this.latest, Date.now());
  }
}
