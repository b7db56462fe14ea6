import type { GraphDeps } from '../activities/graph/effect-deps.js';
import type { GraphAccess } from '../activities/graph/wire/graph-access.js';
import type { Role } from '../domain/roles.js';
import { signReceipt } from '../proofs/receipt.js';
import { graphIdentity } from './graph-identity.js';
import { keyOf, type RoleContext } from './role-context.js';
import { SettingsError } from './settings-error.js';
import { graphOf, type GraphJob } from './settings.js';
import { SWEEPER_PERMISSIONS } from './sweep-deps.js';

/** The application permissions each Graph identity has, and needs no more of (Microsoft's permission reference). */
const PERMISSIONS = {
  directory_role: ['RoleAssignmentSchedule.ReadWrite.Directory'],
  group_membership: ['PrivilegedAssignmentSchedule.ReadWrite.AzureADGroup'],
  sessions: ['User.RevokeSessions.All', 'User.Read.All'],
  credentials: ['Application.ReadWrite.OwnedBy', 'User-PasswordProfile.ReadWrite.All', 'User.Read.All'],
  account: ['User.EnableDisableAccount.All', 'User.Read.All'],
  role_assignment: ['RoleManagement.ReadWrite.Directory'],
  // Roles it can take away, and none it can give.
  containment: [
    'User.EnableDisableAccount.All',
    'User.RevokeSessions.All',
    'User.Read.All',
    'RoleAssignmentSchedule.Remove.Directory',
    'RoleAssignmentSchedule.Read.Directory',
  ],
  conditional_access: ['Policy.Read.All', 'Policy.ReadWrite.ConditionalAccess'],
  verifier: [
    'RoleAssignmentSchedule.Read.Directory',
    'RoleEligibilitySchedule.Read.Directory',
    'RoleManagement.Read.Directory',
    'RoleManagementPolicy.Read.Directory',
    'User.Read.All',
    'Directory.Read.All',
    'AuditLog.Read.All',
    'Policy.Read.All',
    'Group.Read.All',
    'PrivilegedAssignmentSchedule.Read.AzureADGroup',
    'PrivilegedEligibilitySchedule.Read.AzureADGroup',
    'RoleManagementPolicy.Read.AzureADGroup',
  ],
  sweeper: SWEEPER_PERMISSIONS,
} as const satisfies Record<GraphJob, readonly string[]>;

/** What a role that works on Graph is given. Throws `SettingsError` where it has no identity or key. */
export function graphDeps(context: RoleContext, role: Role, job: GraphJob): GraphDeps {
  const key = keyOf(context, role);
  const { directory_role, group_membership } = context.settings.applications;
  const writers = new Set([directory_role, ...(group_membership === undefined ? [] : [group_membership])]);
  return {
    access: accessFor(context, role, job),
    clock: context.clock,
    sign: (payload) => signReceipt(payload, key),
    authorityKeys: context.authorityKeys,
    writerIds: () => writers,
    accessWriterIds: new Set([context.settings.applications.conditional_access ?? []].flat()),
    assignmentWriterIds: new Set([context.settings.applications.role_assignment ?? []].flat()),
    ownIds: new Set(Object.values(context.settings.applications).filter((id) => id !== undefined)),
    protectedIds: new Set(context.settings.protected_object_ids),
  };
}

/** Graph, under the identity of this role's job. Throws `SettingsError` `role_settings_missing` where it has none. */
export function accessFor({ settings }: RoleContext, role: Role, job: GraphJob): GraphAccess {
  const graph = graphOf(settings, role);
  if (graph === null) throw new SettingsError('role_settings_missing', `role ${role} has no Graph identity`);
  return graphIdentity(role, graph, { permissions: PERMISSIONS[job] });
}
