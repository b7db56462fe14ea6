import { setTimeout as sleep } from 'node:timers/promises';
import { EXIT } from '../api/exit-status.js';
import type { IncidentClient, IncidentRecord } from '../api/incident-api.js';
import { ResealError } from '../api/reseal-error.js';
import { Interrupted } from './interrupted.js';
import type { Session } from './session.js';

const POLL_MS = 500;

/**
 * Reads an incident until `done` says something of it; undefined when `timeoutMs` is over. A gateway that is away is waited
 * for. Throws `Interrupted`, and what `done` throws.
 */
export async function awaitIncident<T>(
  session: Session,
  incidents: IncidentClient,
  id: string,
  { text, timeoutMs, done }: { text: string; timeoutMs: number; done: (record: IncidentRecord) => T | undefined },
): Promise<T | undefined> {
  const { signal } = session.io;
  const end = performance.now() + timeoutMs;
  const over = session.status.begin(text);
  try {
    for (;;) {
      const record = await incidents.get(id).catch((error: unknown) => {
        if (error instanceof ResealError && error.exit === EXIT.unreachable) return undefined;
        throw error;
      });
      const said = record === undefined ? undefined : done(record);
      if (said !== undefined || performance.now() >= end) return said;
      await sleep(POLL_MS, undefined, signal ? { signal } : {}).catch(() => undefined);
      if (signal?.aborted === true)
        throw new Interrupted('stopped waiting: it goes on without you', `reseal incident watch ${id}`);
    }
  } finally {
    over();
  }
}
