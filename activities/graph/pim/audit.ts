import { z } from 'zod';

import { epochMs, instant } from '../../../domain/identifiers.js';
import type { Intent } from '../../../domain/intent.js';
import type { VerifierTasks } from '../../../domain/tasks.js';
import type { GraphDeps } from '../effect-deps.js';
import type { GraphAnswer, GraphSession } from '../wire/graph-session.js';
import { auditLog } from '../log-audit.js';
import { pimFamily, pimTuple } from './pim-family.js';
import { quoted } from './pim-wire.js';

const SKEW_MS = 5 * 60_000;

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
export const auditGrant = (deps: GraphDeps): VerifierTasks['audit'] =>
  auditLog(deps, (intent) => ({
    read: (graph) => readRows(graph, intent),
    tell: (found) => ({ added: told(found?.added), removed: told(found?.removed) }),
  }));

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
