import type { Eligibility, PimRequest, Schedule, Tuple } from './model.js';
import { wireEligibility, wireInstance, wireAssignmentSchedule, wireRequest } from './pim-views.js';

type Wire = Record<string, unknown>;

const ROOT = 'identityGovernance/privilegedAccess/group';
export const GROUP_REQUESTS = `${ROOT}/assignmentScheduleRequests`;
export const GROUP_INSTANCES = `${ROOT}/assignmentScheduleInstances`;
export const GROUP_SCHEDULES = `${ROOT}/assignmentSchedules`;
export const GROUP_ELIGIBILITIES = `${ROOT}/eligibilityScheduleInstances`;

/** `member` or `owner`. */
export const accessOf = ({ directoryScopeId }: Tuple): string => directoryScopeId.slice(1);

/** The rows are those of roles, but for what says what they are about; words of PIM for Groups are in lower camel case. */
function ofGroup(tuple: Tuple, wire: Wire): Wire {
  const { roleDefinitionId: groupId, directoryScopeId: _, appScopeId: __, ...rest } = wire;
  return { ...rest, groupId, accessId: accessOf(tuple) };
}

/** privilegedAccessGroupAssignmentScheduleRequest */
export const wireGroupRequest = (request: PimRequest, now: number): Wire => ofGroup(request, wireRequest(request, now));

/** privilegedAccessGroupAssignmentScheduleInstance */
export function wireGroupInstance(schedule: Schedule): Wire {
  const { roleAssignmentOriginId: _, roleAssignmentScheduleId, ...wire } = wireInstance(schedule);
  return {
    ...ofGroup(schedule, wire),
    id: `${schedule.id}_i`,
    assignmentScheduleId: roleAssignmentScheduleId,
    assignmentType: schedule.assignmentType.toLowerCase(),
    memberType: 'direct',
  };
}

/** privilegedAccessGroupAssignmentSchedule */
export const wireGroupSchedule = (schedule: Schedule, now: number): Wire => ({
  ...ofGroup(schedule, wireAssignmentSchedule(schedule, now)),
  assignmentType: schedule.assignmentType.toLowerCase(),
  memberType: 'direct',
});

/** privilegedAccessGroupEligibilityScheduleInstance */
export function wireGroupEligibility(eligibility: Eligibility): Wire {
  const { roleEligibilityScheduleId, ...wire } = wireEligibility(eligibility);
  return { ...ofGroup(eligibility, wire), memberType: 'direct', eligibilityScheduleId: roleEligibilityScheduleId };
}
