import { GraphFailure, type Answer } from './answer.js';
import { addPassword, getApplication, listApplications, removePassword } from './applications.js';
import { getAudit, listAudits } from './audit-reads.js';
import type { GraphCall } from './call.js';
import { getAccessPolicy, listAccessPolicies, patchAccessPolicy } from './conditional-access.js';
import { listGroupEligibilities, listGroupInstances, listGroupRequests } from './group-pim.js';
import { listGroupSchedules, submitGroupRequest } from './group-pim.js';
import { getGroup, listMembers } from './groups.js';
import { getEligibility, getRequest, getSchedule, INSTANCES, listEligibilities } from './pim-reads.js';
import { listRequests, listSchedules, SCHEDULES } from './pim-reads.js';
import { cancelPimRequest, submitPimRequest } from './pim-submit.js';
import { createAssignment, deleteAssignment, getAssignment, listAssignments } from './role-assignments.js';
import { getRole, listRoles } from './role-definitions.js';
import { listPolicyAssignments } from './role-policies.js';
import { listSignIns } from './sign-ins.js';
import { getUser, patchUser, revokeSessions } from './users.js';

type Handler = (call: GraphCall, id: string) => Answer;

/** Paths in lower case, since the service takes any; `{id}` stands for one segment. */
const ROUTES: Readonly<Record<string, Readonly<Record<string, Handler>>>> = {
  '/rolemanagement/directory/roleassignmentschedulerequests': {
    GET: listRequests,
    POST: (call) => submitPimRequest(call, call.body),
  },
  '/rolemanagement/directory/roleassignmentschedulerequests/{id}': { GET: getRequest },
  '/rolemanagement/directory/roleassignmentschedulerequests/{id}/cancel': { POST: cancelPimRequest },
  '/rolemanagement/directory/roleassignmentschedules': { GET: (call) => listSchedules(call, SCHEDULES) },
  '/rolemanagement/directory/roleassignmentschedules/{id}': { GET: (call, id) => getSchedule(call, SCHEDULES, id) },
  '/rolemanagement/directory/roleassignmentscheduleinstances': { GET: (call) => listSchedules(call, INSTANCES) },
  '/rolemanagement/directory/roleassignmentscheduleinstances/{id}': {
    GET: (call, id) => getSchedule(call, INSTANCES, id),
  },
  '/rolemanagement/directory/roleeligibilityscheduleinstances': { GET: listEligibilities },
  '/rolemanagement/directory/roleeligibilityscheduleinstances/{id}': { GET: getEligibility },
  '/rolemanagement/directory/roleassignments': { GET: listAssignments, POST: createAssignment },
  '/rolemanagement/directory/roleassignments/{id}': { GET: getAssignment, DELETE: deleteAssignment },
  '/rolemanagement/directory/roledefinitions': { GET: listRoles },
  '/rolemanagement/directory/roledefinitions/{id}': { GET: getRole },
  '/policies/rolemanagementpolicyassignments': { GET: listPolicyAssignments },
  '/identitygovernance/privilegedaccess/group/assignmentschedulerequests': {
    GET: listGroupRequests,
    POST: submitGroupRequest,
  },
  '/identitygovernance/privilegedaccess/group/assignmentschedulerequests/{id}/cancel': { POST: cancelPimRequest },
  '/identitygovernance/privilegedaccess/group/assignmentscheduleinstances': { GET: listGroupInstances },
  '/identitygovernance/privilegedaccess/group/assignmentschedules': { GET: listGroupSchedules },
  '/identitygovernance/privilegedaccess/group/eligibilityscheduleinstances': { GET: listGroupEligibilities },
  '/groups/{id}': { GET: getGroup },
  '/groups/{id}/members': { GET: listMembers },
  '/users/{id}': { GET: getUser, PATCH: patchUser },
  '/users/{id}/revokesigninsessions': { POST: revokeSessions },
  '/applications': { GET: listApplications },
  '/applications/{id}': { GET: getApplication },
  '/applications/{id}/addpassword': { POST: addPassword },
  '/applications/{id}/removepassword': { POST: removePassword },
  '/auditlogs/directoryaudits': { GET: listAudits },
  '/auditlogs/directoryaudits/{id}': { GET: getAudit },
  '/auditlogs/signins': { GET: listSignIns },
  '/identity/conditionalaccess/policies': { GET: listAccessPolicies },
  '/identity/conditionalaccess/policies/{id}': { GET: getAccessPolicy, PATCH: patchAccessPolicy },
};

/** How many leading segments of a path name its collection; the next one is an id. */
const COLLECTION_SEGMENTS: Readonly<Record<string, number>> = {
  rolemanagement: 3,
  users: 1,
  groups: 1,
  identitygovernance: 4,
  applications: 1,
  auditlogs: 2,
  identity: 3,
  policies: 2,
};

/** Carries a request out. Throws `GraphFailure` for everything that the service refuses. */
export function dispatch(method: string, pathname: string, call: GraphCall): Answer {
  const segments = pathname.split('/').slice(1);
  if (segments.shift()?.toLowerCase() !== 'v1.0') throw new GraphFailure(400, 'BadRequest', 'Invalid version.');
  const idAt = COLLECTION_SEGMENTS[segments[0]?.toLowerCase() ?? ''] ?? segments.length;
  const id = decode(segments[idAt]);
  const key = segments.map((segment, i) => (i === idAt ? '{id}' : segment.toLowerCase())).join('/');
  const route = ROUTES[`/${key}`];
  if (route === undefined) {
    throw new GraphFailure(400, 'BadRequest', `Resource not found for the segment '${segments.at(-1) ?? ''}'.`);
  }
  const handler = route[method];
  if (handler === undefined) throw new GraphFailure(405, 'MethodNotAllowed', `${method} is not allowed here.`);
  return handler(call, id);
}

function decode(segment: string | undefined): string {
  try {
    return decodeURIComponent(segment ?? '');
  } catch {
    throw new GraphFailure(400, 'BadRequest', 'The request path is not valid.');
  }
}
