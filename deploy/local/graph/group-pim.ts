import { z } from 'zod';
import { refuse, type Answer } from './answer.js';
import type { GraphCall } from './call.js';
import { accessOf, GROUP_ELIGIBILITIES, GROUP_INSTANCES, GROUP_REQUESTS, GROUP_SCHEDULES } from './group-views.js';
import { wireGroupEligibility, wireGroupInstance, wireGroupRequest, wireGroupSchedule } from './group-views.js';
import { GROUP_SCOPE, isOfGroup, over, stands, statusAt } from './model.js';
import type { Eligibility, PimRequest, Schedule, Tuple } from './model.js';
import { parseFilter, type Filter, type FilterSpec } from './odata-filter.js';
import { page, readQuery } from './odata-query.js';
import { demand } from './permissions.js';
import { readPimInput } from './pim-input.js';
import { current, seenRequest } from './pim-reads.js';
import { submitPim } from './pim-submit.js';

const Body = z.looseObject({ accessId: z.enum(['member', 'owner']), groupId: z.string() });

/** POST assignmentScheduleRequests of PIM for Groups: judged by the same rules as a role's. */
export function submitGroupRequest(call: GraphCall): Answer {
  demand(call.caller, 'groupPimRemove');
  const parsed = Body.safeParse(call.body);
  if (!parsed.success) throw refuse('InvalidRoleAssignmentRequest', 'accessId and groupId are needed.');
  const { accessId, groupId, ...rest } = parsed.data;
  const input = readPimInput({ ...rest, roleDefinitionId: groupId, directoryScopeId: '/' });
  if (input.action !== 'adminRemove') demand(call.caller, 'groupPimWrite');
  return submitPim(call, { ...input, tuple: { ...input.tuple, directoryScopeId: `${GROUP_SCOPE}${accessId}` } });
}

const EQ = ['eq'] as const;
const OPTIONS = ['$filter', '$top', '$select', '$orderby', '$skiptoken'] as const;
const FILTERS = {
  groupId: { ops: EQ, get: (t: Tuple) => t.roleDefinitionId },
  principalId: { ops: EQ, get: (t: Tuple) => t.principalId },
  accessId: { ops: EQ, get: accessOf },
} as const;

/** These lists are never given whole: a filter must name the group or the principal. */
function narrowed<T extends Tuple>(text: string | null, more: FilterSpec<T>): Filter<T> {
  const filter = parseFilter(text, { ...FILTERS, ...more }, 'privilegedAccessGroup');
  if (filter.equals('groupId') === null && filter.equals('principalId') === null)
    throw refuse('BadRequest', 'The filter must name groupId or principalId.');
  return filter;
}

export function listGroupRequests(call: GraphCall): Answer {
  demand(call.caller, 'groupPimRead');
  const view = call.tenant.nextView(call.now);
  const options = readQuery(call.query, OPTIONS);
  const filter = narrowed<PimRequest>(options.filter, {
    status: { ops: EQ, get: (r) => statusAt(r, call.now) },
    targetScheduleId: { ops: EQ, get: (r) => r.targetScheduleId },
  });
  const rows = [...call.tenant.allRequests(filter.equals('principalId'))]
    .map((cell) => seenRequest(cell.seenBy(view), call.now))
    .filter((row) => row !== null && isOfGroup(row) && filter.matches(row))
    .filter((row) => row !== null)
    .reverse();
  return page(GROUP_REQUESTS, call.query, options, rows, (row) => wireGroupRequest(row, call.now));
}

function schedules(call: GraphCall, shown: (schedule: Schedule) => boolean) {
  demand(call.caller, 'groupPimRead');
  const view = call.tenant.nextView(call.now);
  const options = readQuery(call.query, OPTIONS);
  const filter = narrowed<Schedule>(options.filter, {});
  const rows = [...call.tenant.allSchedules(filter.equals('principalId'))]
    .map((cell) => cell.seenBy(view))
    .filter((row) => row !== null)
    .filter((row) => isOfGroup(row) && shown(row) && filter.matches(row));
  return { options, rows };
}

export function listGroupInstances(call: GraphCall): Answer {
  const { options, rows } = schedules(call, (row) => stands(row, call.now));
  return page(GROUP_INSTANCES, call.query, options, rows, wireGroupInstance);
}

export function listGroupSchedules(call: GraphCall): Answer {
  const { options, rows } = schedules(call, (row) => !over(row, call.now));
  return page(GROUP_SCHEDULES, call.query, options, rows, (row) => wireGroupSchedule(row, call.now));
}

export function listGroupEligibilities(call: GraphCall): Answer {
  demand(call.caller, 'groupEligibilityRead');
  const options = readQuery(call.query, OPTIONS);
  const filter = narrowed<Eligibility>(options.filter, {});
  const rows = call.tenant.eligibilities.filter((e) => isOfGroup(e) && current(e, call.now) && filter.matches(e));
  return page(GROUP_ELIGIBILITIES, call.query, options, rows, wireGroupEligibility);
}
