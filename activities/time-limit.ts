export interface TimeLimit {
  readonly signal: AbortSignal;
  /** Begins the time anew, with `ms` of it. */
  readonly restart: (ms: number) => void;
  /** To be called when the work is over, or the timer keeps the process until its time. */
  readonly clear: () => void;
}

/**
 * A signal that comes after `ms` as a `TimeoutError`, or with `stop` for its reason, whichever is first. The timer holds
 * it: Node.js 20 collects what `AbortSignal.any` and `AbortSignal.timeout` make together, and it then never comes.
 */
export function timeLimit(ms: number, stop?: AbortSignal): TimeLimit {
  const limit = new AbortController();
  const onStop = (): void => limit.abort(stop?.reason);
  const onTime = (): void => limit.abort(new DOMException('it took too long', 'TimeoutError'));
  let timer = setTimeout(onTime, ms);
  stop?.addEventListener('abort', onStop, { once: true });
  if (stop?.aborted === true) onStop();
  return {
    signal: limit.signal,
    restart: (anew) => {
      clearTimeout(timer);
      timer = setTimeout(onTime, anew);
    },
    clear: () => {
      clearTimeout(timer);
      stop?.removeEventListener('abort', onStop);
    },
  };
}
