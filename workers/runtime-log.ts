import { DefaultLogger, Runtime, type LogEntry } from '@temporalio/worker';
import type { Log } from './role-context.js';

let installed = false;

/**
 * Sends what the SDK has to say, from WARN on, to the process's own log, and leaves signals to the process: its parts stop
 * in an order of its own. The SDK allows this once a process; later calls change nothing.
 */
export function installRuntimeLog(log: Log): void {
  if (installed) return;
  installed = true;
  const logger = new DefaultLogger('WARN', ({ level, message, meta }: LogEntry) => {
    // An activity that fails in order to be tried again is the ordinary way to wait here.
    if (message === 'Activity failed' || message.startsWith('No workflows registered')) return;
    const { workflowId, taskQueue, activityType, attempt, error } = meta ?? {};
    log(message, {
      level,
      workflowId,
      taskQueue,
      activityType,
      attempt,
      error: error instanceof Error ? error.message : undefined,
    });
  });
  // What its native part has to say goes the same way, or it would write to the terminal by itself.
  const logging = { filter: { core: 'WARN', other: 'ERROR' } as const, forward: {} };
  Runtime.install({ logger, shutdownSignals: [], telemetryOptions: { logging } });
}
