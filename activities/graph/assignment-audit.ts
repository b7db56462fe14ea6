import { z } from 'zod';

import { epochMs, instant } from '../../domain/identifiers.js';
import type { VerifierTasks } from '../../domain/tasks.js';
import { assignmentIntent } from './assignment-intent.js';
import { readMembershipChanges, type MembershipChange } from './assignment-log.js';
import { Attempt } from './attempt.js';
import { openSession, receiptOf, requireAuthentic, type GraphDeps } from './effect-deps.js';
import { backoffMs, toApplicationFailure, waitFor } from './graph-error.js';

/** The log is minutes late: earlier reads would only cost quota. */
const SETTLE_MS = 15 * 60_000;
const GIVE_UP_MS = 24 * 3_600_000;
const FIRST_AGAIN_MS = 10 * 60_000;
const LONGEST_AGAIN_MS = 60 * 60_000;
const MAX_OTHERS = 20;

const progressSchema = z.object({ reads: z.number().int(), client_request_ids: z.array(z.string()).max(64) });

/**
 * Minutes after the end: the directory's audit log has the role given by our application and, after it, taken away by
 * whomever; with them what others did with the same person and role meanwhile. `missing` after a day. It gates nothing.
 */
export function auditAssignment(deps: GraphDeps): VerifierTasks['audit'] {
  return ({ signed, ended_at }) =>
    Attempt.run(progressSchema, { reads: 0, client_request_ids: [] }, async (attempt) => {
      requireAuthentic(signed, deps);
      const intent = assignmentIntent(signed.intent);
      const settled = epochMs(ended_at) + SETTLE_MS;
      const begun = deps.clock.now();
      if (begun < settled) throw waitFor('audit_not_due', 'the audit log is minutes late', settled - begun);
      const graph = openSession(deps, intent.tuple.tenant_id, attempt);
      const ids = (): string[] => [...attempt.details.client_request_ids, ...graph.clientRequestIds].slice(-64);
      const changes = await readMembershipChanges(graph, intent, deps.assignmentWriterIds ?? new Set());
      const now = deps.clock.now();
      const reads = attempt.details.reads + 1;
      attempt.keep({ reads, client_request_ids: ids() });
      const expired = now >= epochMs(ended_at) + GIVE_UP_MS;
      if (!changes.ok && !expired)
        throw toApplicationFailure(changes.failure, Math.max(10_000, backoffMs(changes.failure, attempt.number)));
      const found = toldChanges(changes.ok ? changes.value : []);
      const complete = found.added !== null && found.removed !== null;
      const again = Math.min(LONGEST_AGAIN_MS, FIRST_AGAIN_MS * 2 ** Math.min(10, reads - 1));
      if (!complete && !expired) throw waitFor('audit_incomplete', 'rows are still missing', again);
      const outcome = complete ? ('audited' as const) : ('missing' as const);
      const data = { outcome, ended_at, ...found, log_readable: changes.ok, reads, client_request_ids: ids() };
      const receipt = receiptOf(deps, intent, { type: 'audited', transition: 'audited', data });
      return { outcome, at: instant(now), receipt };
    });
}

function toldChanges(changes: readonly MembershipChange[]) {
  const added = changes.find((change) => change.ours && change.added);
  const removed = changes.find((change) => added !== undefined && !change.added && change.at >= added.at);
  const others = changes.filter((change) => !change.ours && change !== removed);
  return {
    added: added === undefined ? null : told(added),
    removed: removed === undefined ? null : told(removed),
    others: others.slice(0, MAX_OTHERS).map(told),
  };
}

const told = ({ id, added, at, by }: MembershipChange) => ({
  id: id.slice(0, 100),
  activity: added ? 'Add member to role' : 'Remove member from role',
  at: instant(at),
  by,
});
