import { entity, GraphFailure, type Answer } from './answer.js';
import type { GraphCall } from './call.js';
import { parseFilter, type FilterSpec } from './odata-filter.js';
import { page, readExpand, readQuery, selected } from './odata-query.js';
import { isOfGroup, over, stands, statusAt } from './model.js';
import type { Eligibility, PimRequest, Schedule, Tuple } from './model.js';
import { demand } from './permissions.js';
import { requestNotFound } from './pim-submit.js';
import { originId, scheduleStatus, wireAssignmentSchedule, wireEligibility } from './pim-views.js';
import { wireInstance, wireRequest } from './pim-views.js';
import type { Tenant } from './tenant.js';
import { wireRole } from './role-definitions.js';
import type { ReplicaView } from './versioned.js';

const OPTIONS = ['$filter', '$top', '$select', '$expand', '$skiptoken'] as const;
const EXPANDS = ['principal', 'roleDefinition'] as const;
const EQ_NE = ['eq', 'ne'] as const;
const DAY_MS = 24 * 3600_000;

const TUPLE_FILTERS = {
  principalId: { ops: EQ_NE, get: (t: Tuple) => t.principalId },
  roleDefinitionId: { ops: EQ_NE, get: (t: Tuple) => t.roleDefinitionId },
  directoryScopeId: { ops: EQ_NE, get: (t: Tuple) => t.directoryScopeId },
  appScopeId: { ops: EQ_NE, get: () => null },
} as const;

/** Requests, with their age judged: purged 45 days after they were made, 30 days after a cancel. */
export function seenRequest(request: PimRequest | null, now: number): PimRequest | null {
  if (request === null || now - request.createdAt > 45 * DAY_MS) return null;
  return request.canceledAt !== null && now - request.canceledAt > 30 * DAY_MS ? null : request;
}

export function listRequests(call: GraphCall): Answer {
  demand(call.caller, 'pimRead');
  const { tenant, now } = call;
  const view = tenant.nextView(now);
  const options = readQuery(call.query, OPTIONS);
  const expand = readExpand(options.expand, [...EXPANDS, 'targetSchedule']);
  const spec: FilterSpec<PimRequest> = {
    ...TUPLE_FILTERS,
    id: { ops: EQ_NE, get: (r) => r.id },
    status: { ops: EQ_NE, get: (r) => statusAt(r, now) },
    targetScheduleId: { ops: EQ_NE, get: (r) => r.targetScheduleId },
    'createdBy/application/id': { ops: EQ_NE, get: (r) => (r.createdBy.kind === 'app' ? r.createdBy.id : null) },
    'createdBy/user/id': { ops: EQ_NE, get: (r) => (r.createdBy.kind === 'user' ? r.createdBy.id : null) },
  };
  const filter = parseFilter(options.filter, spec, 'unifiedRoleAssignmentScheduleRequest');
  const rows: PimRequest[] = [];
  for (const cell of tenant.allRequests(filter.equals('principalId'))) {
    const request = seenRequest(cell.seenBy(view), now);
    if (request !== null && !isOfGroup(request) && filter.matches(request)) rows.push(request);
  }
  rows.reverse();
  return page(`${SET}/roleAssignmentScheduleRequests`, call.query, options, rows, (r) => ({
    ...wireRequest(r, now),
    ...expanded(tenant, r, expand, view),
  }));
}

export function getRequest(call: GraphCall, id: string): Answer {
  demand(call.caller, 'pimRead');
  const options = readQuery(call.query, ['$select', '$expand']);
  const view = call.tenant.nextView(call.now);
  const request = seenRequest(call.tenant.request(id.toLowerCase())?.seenBy(view) ?? null, call.now);
  if (request === null || isOfGroup(request)) throw requestNotFound();
  const expand = readExpand(options.expand, [...EXPANDS, 'targetSchedule']);
  const wire = { ...wireRequest(request, call.now), ...expanded(call.tenant, request, expand, view) };
  return entity(200, `${SET}/roleAssignmentScheduleRequests`, selected(wire, options.select));
}

const SET = 'roleManagement/directory';

/** What differs between the two resources that are made of schedules. */
interface ScheduleSet {
  readonly set: string;
  readonly resource: string;
  readonly idOf: (s: Schedule) => string;
  readonly shown: (s: Schedule, now: number) => boolean;
  readonly wire: (s: Schedule, now: number) => Record<string, unknown>;
  readonly filters: (now: number) => FilterSpec<Schedule>;
}

/** What is active now, assignments made outside PIM included. */
export const INSTANCES: ScheduleSet = {
  set: `${SET}/roleAssignmentScheduleInstances`,
  resource: 'unifiedRoleAssignmentScheduleInstance',
  idOf: originId,
  shown: stands,
  wire: wireInstance,
  filters: () => ({
    ...TUPLE_FILTERS,
    id: { ops: EQ_NE, get: originId },
    roleAssignmentScheduleId: { ops: EQ_NE, get: (s) => s.id },
    roleAssignmentOriginId: { ops: EQ_NE, get: originId },
  }),
};

/** The rules: also those whose start is still to come. */
export const SCHEDULES: ScheduleSet = {
  set: `${SET}/roleAssignmentSchedules`,
  resource: 'unifiedRoleAssignmentSchedule',
  idOf: (s) => s.id,
  shown: (s, now) => !over(s, now),
  wire: wireAssignmentSchedule,
  filters: (now) => ({
    ...TUPLE_FILTERS,
    id: { ops: EQ_NE, get: (s) => s.id },
    status: { ops: EQ_NE, get: (s) => scheduleStatus(s, now) },
    createdUsing: { ops: EQ_NE, get: (s) => s.createdUsing },
  }),
};

export function listSchedules(call: GraphCall, kind: ScheduleSet): Answer {
  demand(call.caller, 'pimRead');
  const view = call.tenant.nextView(call.now);
  const options = readQuery(call.query, OPTIONS);
  const expand = readExpand(options.expand, EXPANDS);
  const filter = parseFilter(options.filter, kind.filters(call.now), kind.resource);
  const rows: Schedule[] = [];
  for (const cell of call.tenant.allSchedules(filter.equals('principalId'))) {
    const schedule = cell.seenBy(view);
    if (schedule === null || isOfGroup(schedule)) continue;
    if (kind.shown(schedule, call.now) && filter.matches(schedule)) rows.push(schedule);
  }
  return page(kind.set, call.query, options, rows, (s) => ({
    ...kind.wire(s, call.now),
    ...expanded(call.tenant, s, expand, view),
  }));
}

export function getSchedule(call: GraphCall, kind: ScheduleSet, id: string): Answer {
  demand(call.caller, 'pimRead');
  const options = readQuery(call.query, ['$select', '$expand']);
  const expand = readExpand(options.expand, EXPANDS);
  const view = call.tenant.nextView(call.now);
  for (const cell of call.tenant.allSchedules(null)) {
    const schedule = cell.seenBy(view);
    if (schedule === null || isOfGroup(schedule) || kind.idOf(schedule) !== id || !kind.shown(schedule, call.now))
      continue;
    const wire = { ...kind.wire(schedule, call.now), ...expanded(call.tenant, schedule, expand, view) };
    return entity(200, kind.set, selected(wire, options.select));
  }
  throw new GraphFailure(404, 'Request_ResourceNotFound', `Resource '${id}' does not exist.`);
}

export function listEligibilities(call: GraphCall): Answer {
  demand(call.caller, 'eligibilityRead');
  const view = call.tenant.nextView(call.now);
  const options = readQuery(call.query, OPTIONS);
  const expand = readExpand(options.expand, EXPANDS);
  const spec: FilterSpec<Eligibility> = { ...TUPLE_FILTERS, id: { ops: EQ_NE, get: (e) => e.id } };
  const filter = parseFilter(options.filter, spec, 'unifiedRoleEligibilityScheduleInstance');
  const rows = call.tenant.eligibilities.filter((e) => !isOfGroup(e) && current(e, call.now) && filter.matches(e));
  return page(`${SET}/roleEligibilityScheduleInstances`, call.query, options, rows, (e) => ({
    ...wireEligibility(e),
    ...expanded(call.tenant, e, expand, view),
  }));
}

export function getEligibility(call: GraphCall, id: string): Answer {
  demand(call.caller, 'eligibilityRead');
  const options = readQuery(call.query, ['$select', '$expand']);
  const expand = readExpand(options.expand, EXPANDS);
  const found = call.tenant.eligibilities.find((e) => e.id === id && current(e, call.now));
  if (found === undefined) throw new GraphFailure(404, 'Request_ResourceNotFound', `Resource '${id}' does not exist.`);
  const wire = { ...wireEligibility(found), ...expanded(call.tenant, found, expand, call.tenant.nextView(call.now)) };
  return entity(200, `${SET}/roleEligibilityScheduleInstances`, selected(wire, options.select));
}

export const current = (e: Eligibility, now: number): boolean => e.endsAt === null || e.endsAt > now;

/** The navigation properties that were asked for; a target that this replica does not know is null. */
export function expanded(
  tenant: Tenant,
  row: Tuple & { readonly targetScheduleId?: string | null },
  names: readonly string[],
  view: ReplicaView,
): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  if (names.includes('principal')) {
    const user = tenant.user(row.principalId)?.seenBy(view) ?? null;
    found['principal'] =
      user === null
        ? null
        : {
            '@odata.type': '#microsoft.graph.user',
            id: user.id,
            displayName: user.displayName,
            userPrincipalName: user.userPrincipalName,
          };
  }
  if (names.includes('roleDefinition')) {
    const role = tenant.role(row.roleDefinitionId);
    found['roleDefinition'] = role === undefined ? null : wireRole(role);
  }
  if (names.includes('targetSchedule')) {
    const target = tenant.schedule(row.targetScheduleId ?? '')?.seenBy(view) ?? null;
    found['targetSchedule'] = target === null ? null : wireAssignmentSchedule(target, view.now);
  }
  return found;
}
