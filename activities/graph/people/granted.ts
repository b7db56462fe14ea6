import { z } from 'zod';

import { epochMs, instant } from '../../../domain/identifiers.js';
import type { Intent } from '../../../domain/intent.js';
import { MAX_GRANTED, type Granted } from '../../../domain/kill-state.js';
import type { VerifierTasks } from '../../../domain/tasks.js';
import { Attempt } from '../attempt.js';
import { openSession, receiptOf, requireAuthentic, type GraphDeps } from '../effect-deps.js';
import { waitFor } from '../wire/graph-error.js';
import type { GraphAnswer, GraphSession } from '../wire/graph-session.js';
import { meaningOf } from '../pim/pim-status.js';
import { INSTANCES, instanceSchema, quoted, REQUESTS, scheduleRequestSchema } from '../pim/pim-wire.js';
import { readFailed } from '../reading.js';
import { ASSIGNING, creatorOf, madeAt, scheduleOf } from '../pim/tuple-history.js';

/** The audit log, which alone names who did what outside PIM, is up to 15 minutes late. */
const SETTLE_MS = 15 * 60_000;
/** Graph's clock and ours may differ by this much. */
const SKEW_MS = 5 * 60_000;
/** So many people are looked up one by one; of the rest it is told what the log says of them. */
const MAX_LOOKED_UP = 20;

/** Activities of the audit log by which somebody gets something; the list of names is open, so it goes by their verbs. */
const GIVES = /^(Add|Consent|Create|Enable|Invite|Reset|Restore)\b/;

const actor = z.string().toLowerCase().nullish();
const rowSchema = z.object({
  activityDisplayName: z.string(),
  activityDateTime: z.string(),
  loggedByService: z.string().nullish(),
  targetResources: z.array(z.object({ id: actor, type: z.string().nullish() })).nullish(),
});
const assignmentSchema = z.object({
  id: z.string(),
  roleDefinitionId: z.string().toLowerCase(),
  directoryScopeId: z.string().nullish(),
});

/**
 * What the principal gave to others while the grant stood, by PIM's requests and the directory's audit log, and what of the
 * roles among it stands now. At once, for whoever must act; and once more when the log has had its time (`settled`). It
 * removes nothing, and what it cannot see it does not call absent.
 */
export function listGranted(deps: GraphDeps): VerifierTasks['listGranted'] {
  return ({ signed, until, settled }) =>
    Attempt.run(z.object({}), {}, async (attempt) => {
      requireAuthentic(signed, deps);
      const { intent } = signed;
      const due = settled ? epochMs(until) + SETTLE_MS : 0;
      const now = deps.clock.now();
      if (now < due) throw waitFor('audit_not_due', 'the audit log is minutes late', due - now);
      const graph = openSession(deps, intent.tuple.tenant_id, attempt);
      const window = { from: epochMs(intent.issued_at) - SKEW_MS, to: epochMs(until) + SKEW_MS };
      const [byPim, byLog] = await Promise.all([viaPim(graph, intent, window), viaLog(graph, intent, window)]);
      if (!byPim.ok) throw readFailed(byPim.failure, attempt);
      if (!byLog.ok) throw readFailed(byLog.failure, attempt);
      const direct = await lookedUp(graph, byLog.value);
      if (!direct.ok) throw readFailed(direct.failure, attempt);
      const all = [...byPim.value, ...direct.value];
      const granted = all.slice(0, MAX_GRANTED);
      const data = {
        until,
        settled,
        total: all.length,
        granted,
        client_request_ids: graph.clientRequestIds.slice(-64),
      };
      const transition = settled ? 'granted_listed/settled' : 'granted_listed';
      const receipt = receiptOf(deps, intent, { type: 'granted_listed', transition, data });
      return { result: 'done', code: null, at: instant(deps.clock.now()), granted, receipt };
    });
}

interface Window {
  from: number;
  to: number;
}

/** What the principal assigned through PIM to somebody else, and whether it stands. */
async function viaPim(graph: GraphSession, intent: Intent, window: Window): Promise<GraphAnswer<Granted[]>> {
  const { principal_id } = intent.tuple;
  const requests = await graph.readAll(REQUESTS, scheduleRequestSchema, {
    $filter: `createdBy/user/id eq ${quoted(principal_id)}`,
  });
  if (!requests.ok) return requests;
  const made = requests.value.filter(
    (request) =>
      creatorOf(request) === principal_id &&
      ASSIGNING.has(request.action ?? '') &&
      meaningOf(request.status) !== 'failed' &&
      typeof request.principalId === 'string' &&
      request.principalId !== principal_id &&
      madeAt(request) >= window.from &&
      madeAt(request) <= window.to,
  );
  const granted: Granted[] = [];
  for (const request of made.slice(0, MAX_GRANTED)) {
    const grantee = request.principalId ?? '';
    const instances = await graph.readAll(INSTANCES, instanceSchema, { $filter: `principalId eq ${quoted(grantee)}` });
    if (!instances.ok) return instances;
    const schedule = scheduleOf(request);
    granted.push({
      via: 'pim',
      at: madeAt(request) === 0 ? null : instant(madeAt(request)),
      activity: `PIM ${request.action ?? ''}`.slice(0, 200),
      principal_id: grantee,
      role_template_id: guidOrNull(request.roleDefinitionId),
      directory_scope_id: request.directoryScopeId?.slice(0, 200) ?? null,
      assignment_id: schedule.slice(0, 200),
      standing: instances.value.some(({ roleAssignmentScheduleId }) => roleAssignmentScheduleId === schedule),
    });
  }
  return { ok: true, value: granted };
}

type Row = z.output<typeof rowSchema>;

/** What the audit log says the principal gave; PIM's own rows tell what PIM's requests told already. */
async function viaLog(graph: GraphSession, { tuple }: Intent, window: Window): Promise<GraphAnswer<Granted[]>> {
  const $filter = [
    `activityDateTime ge ${instant(window.from)}`,
    `activityDateTime le ${instant(window.to)}`,
    `initiatedBy/user/id eq ${quoted(tuple.principal_id)}`,
  ].join(' and ');
  const rows = await graph.readAll('/auditLogs/directoryAudits', rowSchema, { $filter });
  if (!rows.ok) return rows;
  return {
    ok: true,
    value: rows.value
      .filter(
        ({ activityDisplayName, loggedByService }) => loggedByService !== 'PIM' && GIVES.test(activityDisplayName),
      )
      .map(grantedByRow)
      .filter(({ principal_id }) => principal_id !== tuple.principal_id),
  };
}

function grantedByRow({ activityDisplayName, activityDateTime, targetResources }: Row): Granted {
  const target = (type: string): string | null =>
    targetResources?.find((one) => one.type?.toLowerCase() === type)?.id?.slice(0, 200) ?? null;
  const ms = Date.parse(activityDateTime);
  return {
    via: 'other',
    at: Number.isNaN(ms) ? null : instant(ms),
    activity: activityDisplayName.slice(0, 200),
    principal_id: target('user') ?? targetResources?.[0]?.id?.slice(0, 200) ?? null,
    role_template_id: guidOrNull(target('role')),
    directory_scope_id: null,
    assignment_id: null,
    standing: null,
  };
}

/** A role that was assigned outside PIM: which assignment it is, so that it can be removed, and whether it stands. */
async function lookedUp(graph: GraphSession, rows: readonly Granted[]): Promise<GraphAnswer<Granted[]>> {
  const found: Granted[] = [];
  for (const [index, row] of rows.entries()) {
    const { principal_id, role_template_id } = row;
    if (principal_id === null || role_template_id === null || index >= MAX_LOOKED_UP) {
      found.push(row);
      continue;
    }
    const assignments = await graph.readAll('/roleManagement/directory/roleAssignments', assignmentSchema, {
      $filter: `principalId eq ${quoted(principal_id)}`,
    });
    if (!assignments.ok) return assignments;
    const standing = assignments.value.find(({ roleDefinitionId }) => roleDefinitionId === role_template_id);
    found.push({
      ...row,
      via: 'direct',
      directory_scope_id: standing?.directoryScopeId?.slice(0, 200) ?? null,
      assignment_id: standing?.id.slice(0, 200) ?? null,
      standing: standing !== undefined,
    });
  }
  return { ok: true, value: found };
}

const guidOrNull = (id: string | null | undefined): string | null =>
  typeof id === 'string' && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id) ? id : null;
