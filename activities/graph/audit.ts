import { z } from 'zod';

import { epochMs, instant } from '../../domain/identifiers.js';
import type { Intent } from '../../domain/intent.js';
import type { VerifierTasks } from '../../domain/tasks.js';
import { Attempt } from './attempt.js';
import { openSession, receiptOf, requireAuthentic, type GraphDeps } from './effect-deps.js';
import { backoffMs, toApplicationFailure, waitFor } from './graph-error.js';
import type { GraphAnswer, GraphSession } from './graph-session.js';
import { pimFamily, pimTuple } from './pim-family.js';
import { quoted } from './pim-wire.js';

/** 99 % of audit rows were published to arrive within 5 minutes, others say 15: earlier reads would only cost quota. */
const SETTLE_MS = 15 * 60_000;
const GIVE_UP_MS = 24 * 3_600_000;
const FIRST_AGAIN_MS = 10 * 60_000;
const LONGEST_AGAIN_MS = 60 * 60_000;
const SKEW_MS = 5 * 60_000;

const progressSchema = z.object({ reads: z.number().int(), client_request_ids: z.array(z.string()).max(64) });

/** directoryAudit, as PIM writes it. On its success rows resultReason is the requester's justification. */
const rowSchema = z.object({
  id: z.string(),
  activityDisplayName: z.string(),
  activityDateTime: z.string(),
  resultReason: z.string().nullish(),
  targetResources: z.array(z.object({ id: z.string().toLowerCase().nullish() })).nullish(),
  additionalDetails: z.array(z.object({ key: z.string().nullish(), value: z.string().nullish() })).nullish(),
});
type Row = z.output<typeof rowSchema>;

/**
 * Minutes after the end: PIM's own audit log has the completed grant, known by the marker in its justification, and after
 * it the completed removal or expiry of the same principal and role. `missing` after a day. It gates nothing.
 */
export function auditGrant(deps: GraphDeps): VerifierTasks['audit'] {
  return ({ signed, ended_at }) =>
    Attempt.run(progressSchema, { reads: 0, client_request_ids: [] }, async (attempt) => {
      requireAuthentic(signed, deps);
      const { intent } = signed;
      const settled = epochMs(ended_at) + SETTLE_MS;
      const begun = deps.clock.now();
      if (begun < settled) throw waitFor('audit_not_due', 'the audit log is minutes late', settled - begun);
      const graph = openSession(deps, intent.tuple.tenant_id, attempt);
      const ids = (): string[] => [...attempt.details.client_request_ids, ...graph.clientRequestIds].slice(-64);
      const found = await readRows(graph, intent);
      const now = deps.clock.now();
      const reads = attempt.details.reads + 1;
      attempt.keep({ reads, client_request_ids: ids() });
      const expired = now >= epochMs(ended_at) + GIVE_UP_MS;
      const again = Math.min(LONGEST_AGAIN_MS, FIRST_AGAIN_MS * 2 ** Math.min(10, reads - 1));
      if (!found.ok && !expired)
        throw toApplicationFailure(found.failure, Math.max(10_000, backoffMs(found.failure, attempt.number)));
      const { added, removed } = found.ok ? found.value : { added: undefined, removed: undefined };
      const complete = added !== undefined && removed !== undefined;
      if (!complete && !expired) throw waitFor('audit_incomplete', 'rows are still missing', again);
      const outcome = complete ? ('audited' as const) : ('missing' as const);
      const rows = { added: told(added), removed: told(removed), log_readable: found.ok };
      const data = { outcome, ended_at, ...rows, reads, client_request_ids: ids() };
      const receipt = receiptOf(deps, intent, { type: 'audited', transition: 'audited', data });
      return { outcome, at: instant(now), receipt };
    });
}

/** Two requests, since the log allows five in ten seconds and each narrows the rows to one verb. */
async function readRows(
  graph: GraphSession,
  intent: Intent,
): Promise<GraphAnswer<{ added: Row | undefined; removed: Row | undefined }>> {
  const since = instant(epochMs(intent.issued_at) - SKEW_MS);
  const rowsOf = (verb: string): Promise<GraphAnswer<Row[]>> =>
    graph.readAll('/auditLogs/directoryAudits', rowSchema, {
      $filter: `activityDateTime ge ${since} and loggedByService eq ${quoted('PIM')} and startswith(activityDisplayName,${quoted(verb)})`,
    });
  const adds = await rowsOf(pimFamily(intent.tuple).added);
  if (!adds.ok) return adds;
  const { tuple, marker } = intent;
  const ours = adds.value.filter((row) => concerns(row, tuple) && isCompleted(row));
  const added = ours.find((row) => justificationsOf(row).includes(marker.justification));
  if (added === undefined) return { ok: true, value: { added, removed: undefined } };
  const removals = await rowsOf(pimFamily(intent.tuple).removed);
  if (!removals.ok) return removals;
  const removed = removals.value.find(
    (row) =>
      concerns(row, tuple) &&
      (isCompleted(row) || row.activityDisplayName.endsWith('expired)')) &&
      Date.parse(row.activityDateTime) >= Date.parse(added.activityDateTime),
  );
  return { ok: true, value: { added, removed } };
}

const isCompleted = ({ activityDisplayName }: Row): boolean => /\bcompleted\b/.test(activityDisplayName);

function concerns({ targetResources }: Row, tuple: Intent['tuple']): boolean {
  const targets = (targetResources ?? []).map(({ id }) => id);
  return targets.includes(tuple.principal_id) && targets.includes(pimTuple(tuple).role_template_id);
}

function justificationsOf({ resultReason, additionalDetails }: Row): string[] {
  const details = (additionalDetails ?? []).filter(({ key }) => key === 'Justification');
  return [resultReason, ...details.map(({ value }) => value)].filter((text) => typeof text === 'string');
}

function told(row: Row | undefined): Record<string, unknown> | null {
  if (row === undefined) return null;
  const detail = row.additionalDetails?.find(({ key }) => key === 'RoleAssignmentRequestId');
  return {
    id: row.id,
    activity: row.activityDisplayName,
    at: row.activityDateTime,
    request_id: detail?.value ?? null,
  };
}
