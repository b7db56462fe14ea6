import { entity, GraphFailure, refuse, type Answer } from './answer.js';
import { happened, MS_PIM, type AuditRow } from './audit-log.js';
import type { GraphCall } from './call.js';
import { graphTime } from './clock.js';
import { parseFilter, type FilterSpec } from './odata-filter.js';
import { page, readQuery, selected } from './odata-query.js';
import { demand } from './permissions.js';
import type { Tenant } from './tenant.js';

const SET = 'auditLogs/directoryAudits';

function userOf(row: AuditRow): string | null {
  return row.by !== 'MS-PIM' && row.by.kind === 'user' ? row.by.id : null;
}

function appOf(row: AuditRow): string | null {
  if (row.by === 'MS-PIM') return MS_PIM.appId;
  return row.by.kind === 'app' ? row.by.id : null;
}

function filters(tenant: Tenant): FilterSpec<AuditRow> {
  return {
    activityDateTime: { ops: ['eq', 'ge', 'le'], get: (r) => r.at },
    activityDisplayName: { ops: ['eq', 'startswith'], get: (r) => r.activity },
    correlationId: { ops: ['eq'], get: (r) => r.correlationId },
    loggedByService: { ops: ['eq'], get: (r) => r.service },
    'initiatedBy/user/id': { ops: ['eq'], get: userOf },
    'initiatedBy/user/userPrincipalName': {
      ops: ['eq', 'startswith'],
      get: (r) => tenant.user(userOf(r) ?? '')?.current?.userPrincipalName ?? null,
    },
    'initiatedBy/app/appId': { ops: ['eq'], get: appOf },
    'initiatedBy/app/displayName': { ops: ['eq'], get: (r) => (r.by === 'MS-PIM' ? MS_PIM.displayName : null) },
  };
}

/** Rows that have come about and are old enough to have reached the log. */
function shown(call: GraphCall, row: AuditRow): boolean {
  return row.at + call.tenant.auditLatencyMs <= call.now && happened(call.tenant, row);
}

/** GET directoryAudits: newest first, or as $orderby=activityDateTime says. */
export function listAudits(call: GraphCall): Answer {
  demand(call.caller, 'auditRead');
  const options = readQuery(call.query, ['$filter', '$top', '$select', '$orderby', '$skiptoken']);
  const filter = parseFilter(options.filter, filters(call.tenant), 'directoryAudit');
  const order = /^activityDateTime(?: (asc|desc))?$/.exec(options.orderby ?? 'activityDateTime desc');
  if (order === null) throw refuse('BadRequest', `Ordering by '${options.orderby ?? ''}' is not supported.`);
  const sign = order[1] === 'desc' ? -1 : 1;
  const rows = call.tenant.audits
    .filter((row) => filter.matches(row) && shown(call, row))
    .sort((a, b) => sign * (a.at - b.at));
  return page(SET, call.query, options, rows, (row) => wireAudit(call.tenant, row));
}

export function getAudit(call: GraphCall, id: string): Answer {
  demand(call.caller, 'auditRead');
  const options = readQuery(call.query, ['$select']);
  const row = call.tenant.audits.find((r) => r.id === id && shown(call, r));
  if (row === undefined) throw new GraphFailure(404, 'Request_ResourceNotFound', `Resource '${id}' does not exist.`);
  return entity(200, SET, selected(wireAudit(call.tenant, row), options.select));
}

/** directoryAudit */
function wireAudit(tenant: Tenant, row: AuditRow): Record<string, unknown> {
  return {
    id: row.id,
    category: row.category,
    correlationId: row.correlationId,
    result: 'success',
    resultReason: row.reason ?? '',
    activityDisplayName: row.activity,
    activityDateTime: graphTime(row.at),
    loggedByService: row.service,
    operationType: row.operation,
    initiatedBy: initiatedBy(tenant, row),
    targetResources: row.targets.map((t) => ({ ...t, groupType: null, modifiedProperties: modifiedBy(row) })),
    additionalDetails: row.details.map(([key, value]) => ({ key, value })),
  };
}

const modifiedBy = (row: AuditRow): Record<string, unknown>[] =>
  (row.modified ?? []).map(({ name, oldValue, newValue }) => ({ displayName: name, oldValue, newValue }));

function initiatedBy(tenant: Tenant, row: AuditRow): Record<string, unknown> {
  const appId = appOf(row);
  if (appId !== null) {
    const displayName = row.by === 'MS-PIM' ? MS_PIM.displayName : null;
    return { app: { appId, displayName, servicePrincipalId: null, servicePrincipalName: null }, user: null };
  }
  const id = userOf(row);
  const user = tenant.user(id ?? '')?.current;
  return {
    app: null,
    user: {
      id,
      displayName: user?.displayName ?? null,
      userPrincipalName: user?.userPrincipalName ?? null,
      ipAddress: null,
    },
  };
}
