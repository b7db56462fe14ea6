import { createHash } from 'node:crypto';
import { refuse, type Answer } from './answer.js';
import type { GraphCall } from './call.js';
import type { RolePolicy } from './model.js';
import { parseFilter, type FilterSpec } from './odata-filter.js';
import { page, readQuery } from './odata-query.js';
import { demand } from './permissions.js';
import type { Tenant } from './tenant.js';

const SET = 'policies/roleManagementPolicyAssignments';
const EXPANSIONS: Readonly<Record<string, boolean>> = {
  policy: false,
  'policy($expand=rules)': true,
  'policy($expand=effectiveRules)': true,
};

/** The policy of one role; `scopeType` is what the caller asked for, since the service knows two names. */
interface Row {
  readonly roleId: string;
  readonly policyId: string;
  readonly scopeType: string;
  readonly scopeId: string;
}

/**
 * GET policies/roleManagementPolicyAssignments. The filter must name scopeId and scopeType, the latter
 * `DirectoryRole` or `Directory`.
 */
export function listPolicyAssignments(call: GraphCall): Answer {
  const options = readQuery(call.query, ['$filter', '$top', '$select', '$expand', '$skiptoken']);
  const spec: FilterSpec<Row> = {
    scopeId: { ops: ['eq'], get: (row) => row.scopeId },
    scopeType: { ops: ['eq'], get: (row) => row.scopeType },
    roleDefinitionId: { ops: ['eq'], get: (row) => row.roleId },
    policyId: { ops: ['eq'], get: (row) => row.policyId },
  };
  const filter = parseFilter(options.filter, spec, 'unifiedRoleManagementPolicyAssignment');
  const scopeType = filter.equals('scopeType');
  demand(call.caller, scopeType === 'Group' ? 'groupPolicyRead' : 'policyRead');
  if (filter.equals('scopeId') === null || scopeType === null || !SCOPE_TYPES.has(scopeType)) {
    throw refuse('BadRequest', 'The filter must name scopeId and a scopeType of DirectoryRole, Directory or Group.');
  }
  const expand = options.expand?.replaceAll(' ', '') ?? null;
  const withRules = expand === null ? null : EXPANSIONS[expand];
  if (withRules === undefined) throw refuse('BadRequest', `Parsing OData Select and Expand failed: '${expand ?? ''}'.`);
  const rows = rowsOf(call.tenant, scopeType).filter((row) => filter.matches(row));
  return page(SET, call.query, options, rows, (row) => ({
    id: `${row.policyId}_${row.roleId}`,
    policyId: row.policyId,
    scopeId: row.scopeId,
    scopeType: row.scopeType,
    roleDefinitionId: row.roleId,
    ...(withRules === null
      ? {}
      : { policy: wirePolicy(row, withRules, call.tenant.policyOf(row.scopeId === '/' ? row.roleId : row.scopeId)) }),
  }));
}

const SCOPE_TYPES: ReadonlySet<string> = new Set(['DirectoryRole', 'Directory', 'Group']);

function rowsOf(tenant: Tenant, scopeType: string): Row[] {
  if (scopeType !== 'Group')
    return tenant.roles.map(({ id }) => ({ roleId: id, policyId: policyId(tenant.id, id), scopeType, scopeId: '/' }));
  return [...tenant.groups.keys()].flatMap((scopeId) =>
    ['member', 'owner'].map((roleId) => ({
      roleId,
      policyId: `Group_${scopeId}_${policyId(tenant.id, `${scopeId}/${roleId}`).slice(-36)}`,
      scopeType,
      scopeId,
    })),
  );
}

/** `Directory_{tenant}_{guid}`; the guid is the same at every start. */
function policyId(tenantId: string, roleId: string): string {
  const hex = createHash('sha256').update(`${tenantId}/${roleId}`).digest('hex');
  const guid = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-');
  return `Directory_${tenantId}_${guid}`;
}

function wirePolicy(row: Row, withRules: boolean, policy: RolePolicy): Record<string, unknown> {
  return {
    id: row.policyId,
    displayName: row.scopeType,
    description: row.scopeType,
    isOrganizationDefault: false,
    scopeId: row.scopeId,
    scopeType: row.scopeType,
    lastModifiedDateTime: null,
    lastModifiedBy: { displayName: null, id: null },
    ...(withRules ? { rules: wireRules(policy) } : {}),
  };
}

function wireRules(policy: RolePolicy): Record<string, unknown>[] {
  const enabled = [
    ...(policy.require_mfa ? ['MultiFactorAuthentication'] : []),
    ...(policy.require_justification ? ['Justification'] : []),
    ...(policy.require_ticket ? ['Ticketing'] : []),
  ];
  const expiration = (maximum: string | null): Record<string, unknown> => ({
    isExpirationRequired: maximum !== null,
    maximumDuration: maximum ?? 'P180D',
  });
  return [
    rule('Expiration', 'Admin', 'Eligibility', expiration(null)),
    rule('Enablement', 'Admin', 'Eligibility', { enabledRules: [] }),
    rule('Expiration', 'Admin', 'Assignment', expiration(policy.max_active_duration)),
    rule('Enablement', 'Admin', 'Assignment', { enabledRules: enabled }),
    rule('Expiration', 'EndUser', 'Assignment', expiration(policy.max_activation_duration)),
    rule('Enablement', 'EndUser', 'Assignment', { enabledRules: enabled }),
    rule('Approval', 'EndUser', 'Assignment', {
      setting: {
        isApprovalRequired: false,
        isApprovalRequiredForExtension: false,
        isRequestorJustificationRequired: true,
        approvalMode: 'SingleStage',
        approvalStages: [],
      },
    }),
    rule('AuthenticationContext', 'EndUser', 'Assignment', {
      isEnabled: policy.authentication_context !== null,
      claimValue: policy.authentication_context ?? '',
    }),
  ];
}

function rule(
  kind: 'Expiration' | 'Enablement' | 'Approval' | 'AuthenticationContext',
  caller: 'Admin' | 'EndUser',
  level: 'Assignment' | 'Eligibility',
  body: Record<string, unknown>,
): Record<string, unknown> {
  return {
    '@odata.type': `#microsoft.graph.unifiedRoleManagementPolicy${kind}Rule`,
    id: `${kind}_${caller}_${level}`,
    ...body,
    target: { caller, operations: ['all'], level, inheritableSettings: [], enforcedSettings: [] },
  };
}
