import { z } from 'zod';
import { entity, GraphFailure, refuse, type Answer } from './answer.js';
import { logCoreMembership, logOutsidePim } from './audit-log.js';
import type { GraphCall } from './call.js';
import { parseFilter, type FilterSpec } from './odata-filter.js';
import { page, readExpand, readQuery, selected } from './odata-query.js';
import { isOfGroup, stands, type Schedule, type Tuple } from './model.js';
import { demand } from './permissions.js';
import { readScope } from './pim-input.js';
import { expanded } from './pim-reads.js';
import { originId, wireAssignment } from './pim-views.js';
import type { Tenant } from './tenant.js';
import { GUID_PATTERN, type Actor } from './token.js';

const SET = 'roleManagement/directory/roleAssignments';

const FILTERS: FilterSpec<Schedule> = {
  principalId: { ops: ['eq'], get: (s) => s.principalId },
  roleDefinitionId: { ops: ['eq'], get: (s) => s.roleDefinitionId },
  directoryScopeId: { ops: ['eq'], get: (s) => s.directoryScopeId },
  id: { ops: ['eq'], get: originId },
};

/** Every standing assignment is a row here, PIM's too. Only one property can be expanded at a time. */
export function listAssignments(call: GraphCall): Answer {
  demand(call.caller, 'roleRead');
  const view = call.tenant.nextView(call.now);
  const options = readQuery(call.query, ['$filter', '$top', '$select', '$expand', '$skiptoken']);
  const expand = oneExpand(options.expand);
  const filter = parseFilter(options.filter, FILTERS, 'unifiedRoleAssignment');
  const rows: Schedule[] = [];
  for (const cell of call.tenant.allSchedules(filter.equals('principalId'))) {
    const schedule = cell.seenBy(view);
    if (schedule === null || isOfGroup(schedule)) continue;
    if (stands(schedule, call.now) && filter.matches(schedule)) rows.push(schedule);
  }
  return page(SET, call.query, options, rows, (s) => ({
    ...wireAssignment(s),
    ...expanded(call.tenant, s, expand, view),
  }));
}

export function getAssignment(call: GraphCall, id: string): Answer {
  demand(call.caller, 'roleRead');
  const view = call.tenant.nextView(call.now);
  const options = readQuery(call.query, ['$select', '$expand']);
  const expand = oneExpand(options.expand);
  for (const cell of call.tenant.allSchedules(null)) {
    const schedule = cell.seenBy(view);
    if (schedule === null || isOfGroup(schedule) || originId(schedule) !== id || !stands(schedule, call.now)) continue;
    const wire = { ...wireAssignment(schedule), ...expanded(call.tenant, schedule, expand, view) };
    return entity(200, SET, selected(wire, options.select));
  }
  throw notFound(id);
}

function oneExpand(expand: string | null): readonly string[] {
  const names = readExpand(expand, ['principal', 'roleDefinition']);
  if (names.length > 1) throw refuse('BadRequest', 'Only one property can be expanded in a single request.');
  return names;
}

const guid = z.string().regex(GUID_PATTERN);
const Body = z.strictObject({
  '@odata.type': z.string().optional(),
  principalId: guid,
  roleDefinitionId: guid,
  directoryScopeId: z.string(),
});

/** POST: a permanent assignment outside PIM. A duplicate, PIM's included, is a broad 400. */
export function createAssignment(call: GraphCall): Answer {
  demand(call.caller, 'roleWrite');
  const parsed = Body.safeParse(call.body);
  if (!parsed.success) throw refuse('Request_BadRequest', parsed.error.issues[0]?.message ?? 'Invalid body.');
  const role = call.tenant.role(parsed.data.roleDefinitionId.toLowerCase());
  const tuple: Tuple = {
    principalId: parsed.data.principalId.toLowerCase(),
    roleDefinitionId: role?.id ?? '',
    directoryScopeId: readScope(parsed.data.directoryScopeId),
  };
  if (role === undefined) throw notFound(parsed.data.roleDefinitionId);
  if ((call.tenant.user(tuple.principalId)?.current ?? null) === null) throw notFound(tuple.principalId);
  const existing = call.tenant.currentSchedule(tuple, call.now)?.current ?? null;
  if (existing !== null && stands(existing, call.now)) {
    throw refuse(
      'Request_BadRequest',
      'A conflicting object with one or more of the specified property values is present in the directory.',
    );
  }
  const schedule = directSchedule(tuple, call.caller.actor, call.now);
  assignDirectly(call.tenant, schedule);
  const { resourceScope: _, ...wire } = wireAssignment(schedule);
  return entity(201, SET, wire);
}

/** A plain assignment: permanent, and known to no schedule request. */
export function directSchedule(tuple: Tuple, by: Actor, now: number): Schedule {
  return {
    ...tuple,
    id: originId(tuple),
    origin: 'direct',
    assignmentType: 'Assigned',
    createdUsing: null,
    createdAt: now,
    modifiedAt: null,
    createdBy: by,
    startsAt: now,
    awaited: false,
    endsAt: null,
    removesAt: null,
    justification: null,
    ticketNumber: null,
    ticketSystem: null,
  };
}

/** Writes a plain assignment with the audit rows that one leaves in a tenant with PIM. */
export function assignDirectly(tenant: Tenant, schedule: Schedule): void {
  tenant.putSchedule(schedule.createdAt, schedule);
  logCoreMembership(tenant, schedule, 'add', schedule.createdBy, schedule.createdAt);
  logOutsidePim(tenant, schedule, schedule.createdBy, schedule.createdAt);
}

/**
 * DELETE: plain assignments only. Deleting PIM's rows here is not documented; the conservative reading is a refusal,
 * so that no client comes to rely on a way around the 5-minute floor.
 */
export function deleteAssignment(call: GraphCall, id: string): Answer {
  demand(call.caller, 'roleWrite');
  for (const cell of call.tenant.allSchedules(null)) {
    const schedule = cell.current;
    if (schedule === null || isOfGroup(schedule) || originId(schedule) !== id || !stands(schedule, call.now)) continue;
    if (schedule.origin === 'pim') {
      throw refuse('Request_BadRequest', 'The assignment is managed by Privileged Identity Management.');
    }
    cell.put(call.now, null);
    logCoreMembership(call.tenant, schedule, 'remove', call.caller.actor, call.now);
    return { status: 204 };
  }
  throw notFound(id);
}

function notFound(id: string): GraphFailure {
  return new GraphFailure(
    404,
    'Request_ResourceNotFound',
    `Resource '${id}' does not exist or one of its queried reference-property objects are not present.`,
  );
}
