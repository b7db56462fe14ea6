import { GraphFailure } from './answer.js';
import type { Caller } from './token.js';

/** For each kind of access: any one of these groups suffices, and a group needs all of its permissions. */
const NEEDS = {
  pimRead: [
    ['RoleAssignmentSchedule.Read.Directory'],
    ['RoleAssignmentSchedule.ReadWrite.Directory'],
    ['RoleManagement.Read.Directory'],
    ['RoleManagement.Read.All'],
    ['RoleManagement.ReadWrite.Directory'],
  ],
  pimWrite: [['RoleAssignmentSchedule.ReadWrite.Directory'], ['RoleManagement.ReadWrite.Directory']],
  pimRemove: [
    ['RoleAssignmentSchedule.Remove.Directory'],
    ['RoleAssignmentSchedule.ReadWrite.Directory'],
    ['RoleManagement.ReadWrite.Directory'],
  ],
  groupPimRead: [
    ['PrivilegedAssignmentSchedule.Read.AzureADGroup'],
    ['PrivilegedAssignmentSchedule.ReadWrite.AzureADGroup'],
    ['PrivilegedAccess.Read.AzureADGroup'],
    ['PrivilegedAccess.ReadWrite.AzureADGroup'],
  ],
  groupPimWrite: [['PrivilegedAssignmentSchedule.ReadWrite.AzureADGroup'], ['PrivilegedAccess.ReadWrite.AzureADGroup']],
  groupPimRemove: [
    ['PrivilegedAssignmentSchedule.Remove.AzureADGroup'],
    ['PrivilegedAssignmentSchedule.ReadWrite.AzureADGroup'],
    ['PrivilegedAccess.ReadWrite.AzureADGroup'],
  ],
  groupEligibilityRead: [
    ['PrivilegedEligibilitySchedule.Read.AzureADGroup'],
    ['PrivilegedEligibilitySchedule.ReadWrite.AzureADGroup'],
    ['PrivilegedAccess.Read.AzureADGroup'],
    ['PrivilegedAccess.ReadWrite.AzureADGroup'],
  ],
  groupPolicyRead: [
    ['RoleManagementPolicy.Read.AzureADGroup'],
    ['RoleManagementPolicy.ReadWrite.AzureADGroup'],
    ['PrivilegedAccess.Read.AzureADGroup'],
    ['PrivilegedAccess.ReadWrite.AzureADGroup'],
  ],
  groupRead: [['Group.Read.All'], ['Group.ReadWrite.All'], ['Directory.Read.All'], ['Directory.ReadWrite.All']],
  eligibilityRead: [
    ['RoleEligibilitySchedule.Read.Directory'],
    ['RoleEligibilitySchedule.ReadWrite.Directory'],
    ['RoleManagement.Read.Directory'],
    ['RoleManagement.Read.All'],
    ['RoleManagement.ReadWrite.Directory'],
  ],
  roleRead: [
    ['RoleManagement.Read.Directory'],
    ['RoleManagement.Read.All'],
    ['RoleManagement.ReadWrite.Directory'],
    ['Directory.Read.All'],
  ],
  roleWrite: [['RoleManagement.ReadWrite.Directory']],
  policyRead: [
    ['RoleManagementPolicy.Read.Directory'],
    ['RoleManagementPolicy.ReadWrite.Directory'],
    ['RoleManagement.Read.Directory'],
    ['RoleManagement.Read.All'],
    ['RoleManagement.ReadWrite.Directory'],
  ],
  userRead: [['User.Read.All'], ['User.ReadWrite.All'], ['Directory.Read.All'], ['Directory.ReadWrite.All']],
  userEnable: [['User.EnableDisableAccount.All', 'User.Read.All'], ['User.ReadWrite.All'], ['Directory.ReadWrite.All']],
  userPassword: [['User-PasswordProfile.ReadWrite.All'], ['User.ReadWrite.All']],
  userRevoke: [['User.RevokeSessions.All'], ['User.ReadWrite.All'], ['Directory.ReadWrite.All']],
  accessPolicyRead: [['Policy.Read.All']],
  accessPolicyWrite: [['Policy.Read.All', 'Policy.ReadWrite.ConditionalAccess']],
  signInRead: [['AuditLog.Read.All']],
  auditRead: [['AuditLog.Read.All', 'Directory.Read.All']],
  applicationRead: [
    ['Application.Read.All'],
    ['Application.ReadWrite.OwnedBy'],
    ['Application.ReadWrite.All'],
    ['Directory.Read.All'],
    ['Directory.ReadWrite.All'],
  ],
  applicationWrite: [['Application.ReadWrite.OwnedBy'], ['Application.ReadWrite.All']],
} as const satisfies Record<string, readonly (readonly string[])[]>;

export type Access = keyof typeof NEEDS;

/** Refuses with 403 `Authorization_RequestDenied` unless the token carries what the access needs. */
export function demand(caller: Caller, access: Access): void {
  const held = caller.permissions;
  if (held === null) return;
  const groups: readonly (readonly string[])[] = NEEDS[access];
  if (groups.some((group) => group.every((permission) => held.has(permission)))) return;
  throw new GraphFailure(403, 'Authorization_RequestDenied', 'Insufficient privileges to complete the operation.');
}
