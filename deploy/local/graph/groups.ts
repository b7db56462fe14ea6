import { entity, GraphFailure, type Answer } from './answer.js';
import type { GraphCall } from './call.js';
import { GROUP_SCOPE, stands, type Group } from './model.js';
import { page, readQuery, selected } from './odata-query.js';
import { demand } from './permissions.js';

/** group, as far as Reseal reads it. */
export const wireGroup = (group: Group): Record<string, unknown> => ({
  id: group.id,
  displayName: group.displayName,
  groupTypes: group.dynamic ? ['DynamicMembership'] : [],
  isAssignableToRole: group.isAssignableToRole,
  onPremisesSyncEnabled: group.onPremisesSynced ? true : null,
  securityEnabled: true,
  mailEnabled: false,
});

export function getGroup(call: GraphCall, id: string): Answer {
  demand(call.caller, 'groupRead');
  const options = readQuery(call.query, ['$select']);
  return entity(200, 'groups', selected(wireGroup(find(call, id)), options.select));
}

/** GET …/members: whoever is a member now, by whatever way. */
export function listMembers(call: GraphCall, id: string): Answer {
  demand(call.caller, 'groupRead');
  const group = find(call, id);
  const view = call.tenant.nextView(call.now);
  const options = readQuery(call.query, ['$select', '$top', '$skiptoken']);
  const rows = [...call.tenant.allSchedules(null)]
    .map((cell) => cell.seenBy(view))
    .filter((row) => row !== null)
    .filter((row) => row.roleDefinitionId === group.id && row.directoryScopeId === `${GROUP_SCOPE}member`)
    .filter((row) => stands(row, call.now));
  return page(`groups/${group.id}/members`, call.query, options, rows, ({ principalId }) => ({
    '@odata.type': '#microsoft.graph.user',
    id: principalId,
  }));
}

function find(call: GraphCall, id: string): Group {
  const group = call.tenant.groups.get(id.toLowerCase());
  if (group !== undefined) return group;
  throw new GraphFailure(404, 'Request_ResourceNotFound', `Resource '${id}' does not exist.`);
}
