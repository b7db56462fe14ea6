import { setTimeout as sleep } from 'node:timers/promises';

import { Context } from '@temporalio/activity';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';

import type { SweepAnswer, SweeperTasks, SweepReport } from '../../domain/sweep.js';
import { sweepOnce } from './sweep.js';
import type { SweepDeps, SweepSigner } from './sweep-deps.js';

const HEARTBEAT_MS = 5_000;

/** Waits in real time; rejects when the signal is aborted. */
export const pause: SweepDeps['pause'] = (ms, signal) => sleep(ms, undefined, { signal });

/**
 * The sweep as an activity. Whoever can write to the namespace can ask for as many as they like: those that come while one is
 * under way in this process get its answer, so that nobody can have Graph throttle us by asking.
 */
export function sweeperTasks(deps: SweepDeps & { signer: SweepSigner }): SweeperTasks {
  let running: Promise<SweepReport> | undefined;
  return {
    async sweep(): Promise<SweepAnswer> {
      const { cancellationSignal: signal, heartbeat } = contextOf();
      const timer = setInterval(heartbeat, HEARTBEAT_MS);
      try {
        running ??= sweepOnce(deps, { mode: 'sweep', signal }).finally(() => (running = undefined));
        const report = await running;
        const pages = report.found.some(({ verdict }) => verdict === 'compromise');
        const answer = { envelope: deps.signer.report(report), receipts: receiptsIn(report) };
        return pages ? { ...answer, pages } : answer;
      } catch (error) {
        if (signal.aborted) throw new CancelledFailure('the sweep was stopped');
        if (error instanceof CancelledFailure || (error instanceof Error && error.name === 'AbortError'))
          throw ApplicationFailure.retryable('the sweep that this one joined was stopped', 'sweep_stopped');
        throw error;
      } finally {
        clearInterval(timer);
      }
    },
  };
}

function contextOf(): { cancellationSignal: AbortSignal; heartbeat: () => void } {
  const context = Context.current();
  return { cancellationSignal: context.cancellationSignal, heartbeat: () => context.heartbeat() };
}

/** The sweeper's word for the ledgers of what it ended. */
export function receiptsIn({ found }: SweepReport): SweepAnswer['receipts'] {
  return found.flatMap(({ event_id, outcome }) => {
    const receipt = outcome?.receipt ?? null;
    return event_id === null || receipt === null ? [] : [{ event_id, receipt }];
  });
}
