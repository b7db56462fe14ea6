/** What has been started, stopped in the opposite order. */
export class Teardown {
  private readonly stops: (() => Promise<unknown>)[] = [];
  private running: Promise<void> | undefined;

  add(stop: () => Promise<unknown>): void {
    this.stops.unshift(stop);
  }

  /** Stops every part, also when one before it could not be. May be called again. */
  run(): Promise<void> {
    return (this.running ??= (async () => {
      for (const stop of this.stops) await stop().catch(() => undefined);
    })());
  }
}
