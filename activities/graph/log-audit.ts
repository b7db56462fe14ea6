import { z } from 'zod';

import { epochMs, instant } from '../../domain/identifiers.js';
import type { Intent } from '../../domain/intent.js';
import type { VerifierTasks } from '../../domain/tasks.js';
import { Attempt } from './attempt.js';
import { openSession, receiptOf, requireAuthentic, type GraphDeps } from './effect-deps.js';
import { backoffMs, toApplicationFailure, waitFor } from './wire/graph-error.js';
import type { GraphAnswer, GraphSession } from './wire/graph-session.js';

/** 99 % of audit rows were published to arrive within 5 minutes, others say 15: earlier reads would only cost quota. */
const SETTLE_MS = 15 * 60_000;
const GIVE_UP_MS = 24 * 3_600_000;
const FIRST_AGAIN_MS = 10 * 60_000;
const LONGEST_AGAIN_MS = 60 * 60_000;

const progressSchema = z.object({ reads: z.number().int(), client_request_ids: z.array(z.string()).max(64) });

/** How far the audit is. `ended_at` as in the task; `again` notes the attempt's calls and makes the wait for another. */
export interface AuditMoment {
  ended_at: string;
  attempt: number;
  /** A day after the end: this is the last read. */
  expired: boolean;
  again: (code: string, message: string, delayMs: number) => Error;
}

/** What one kind looks for. */
export interface LogAudit<Found> {
  read: (graph: GraphSession) => Promise<GraphAnswer<Found>>;
  /** What is told of it; of null, where the log cannot be read. Both changes are wanted. */
  tell: (found: Found | null) => { added: object | null; removed: object | null };
  /** What is read besides, once both are there or the day is over. */
  besides?: (graph: GraphSession, moment: AuditMoment) => Promise<Record<string, unknown>>;
}

/**
 * Minutes after the end: the directory's audit log has the change and, after it, that it was taken back. `missing` after a
 * day. It gates nothing.
 */
export function auditLog<Found>(deps: GraphDeps, lookFor: (intent: Intent) => LogAudit<Found>): VerifierTasks['audit'] {
  return ({ signed, ended_at }) =>
    Attempt.run(progressSchema, { reads: 0, client_request_ids: [] }, async (attempt) => {
      requireAuthentic(signed, deps);
      const { intent } = signed;
      const { read, tell, besides } = lookFor(intent);
      const settled = epochMs(ended_at) + SETTLE_MS;
      const begun = deps.clock.now();
      if (begun < settled) throw waitFor('audit_not_due', 'the audit log is minutes late', settled - begun);
      const graph = openSession(deps, intent.tuple.tenant_id, attempt);
      const ids = (): string[] => [...attempt.details.client_request_ids, ...graph.clientRequestIds].slice(-64);
      const found = await read(graph);
      const now = deps.clock.now();
      const reads = attempt.details.reads + 1;
      attempt.keep({ reads, client_request_ids: ids() });
      const expired = now >= epochMs(ended_at) + GIVE_UP_MS;
      if (!found.ok && !expired)
        throw toApplicationFailure(found.failure, Math.max(10_000, backoffMs(found.failure, attempt.number)));
      const told = tell(found.ok ? found.value : null);
      const complete = told.added !== null && told.removed !== null;
      const delayMs = Math.min(LONGEST_AGAIN_MS, FIRST_AGAIN_MS * 2 ** Math.min(10, reads - 1));
      if (!complete && !expired) throw waitFor('audit_incomplete', 'rows are still missing', delayMs);
      const again = (code: string, message: string, ms: number): Error => {
        attempt.keep({ client_request_ids: ids() });
        return waitFor(code, message, ms);
      };
      const more = await besides?.(graph, { ended_at, attempt: attempt.number, expired, again });
      const outcome = complete ? ('audited' as const) : ('missing' as const);
      const rest = { ...told, ...more, log_readable: found.ok };
      const data = { outcome, ended_at, ...rest, reads, client_request_ids: ids() };
      const receipt = receiptOf(deps, intent, { type: 'audited', transition: 'audited', data });
      return { outcome, at: instant(now), receipt };
    });
}
