import { entity, GraphFailure, type Answer } from './answer.js';
import type { GraphCall } from './call.js';
import { parseFilter, type FilterSpec } from './odata-filter.js';
import { page, readQuery, selected } from './odata-query.js';
import { demand } from './permissions.js';
import type { SeedRole } from './seed.js';

type Role = Required<SeedRole>;

const SET = 'roleManagement/directory/roleDefinitions';

/** displayName is compared letter case included, as was measured of the service: resolve roles by templateId. */
const FILTERS: FilterSpec<Role> = {
  id: { ops: ['eq'], get: (r) => r.id },
  templateId: { ops: ['eq'], get: (r) => r.templateId },
  displayName: { ops: ['eq', 'startswith'], get: (r) => r.displayName },
  isBuiltIn: { ops: ['eq'], get: (r) => r.isBuiltIn },
};

/** unifiedRoleDefinition */
export function wireRole(role: Role): Record<string, unknown> {
  return {
    id: role.id,
    description: role.description,
    displayName: role.displayName,
    isBuiltIn: role.isBuiltIn,
    isEnabled: true,
    resourceScopes: ['/'],
    templateId: role.templateId,
    version: '1',
    rolePermissions: [{ allowedResourceActions: ['microsoft.directory/users/standard/read'], condition: null }],
  };
}

export function listRoles(call: GraphCall): Answer {
  demand(call.caller, 'roleRead');
  const options = readQuery(call.query, ['$filter', '$top', '$select', '$skiptoken']);
  const filter = parseFilter(options.filter, FILTERS, 'unifiedRoleDefinition');
  const rows = call.tenant.roles.filter((role) => filter.matches(role));
  return page(SET, call.query, options, rows, wireRole);
}

export function getRole(call: GraphCall, id: string): Answer {
  demand(call.caller, 'roleRead');
  const options = readQuery(call.query, ['$select']);
  const role = call.tenant.role(id.toLowerCase());
  if (role === undefined) throw new GraphFailure(404, 'Request_ResourceNotFound', `Resource '${id}' does not exist.`);
  return entity(200, SET, selected(wireRole(role), options.select));
}
