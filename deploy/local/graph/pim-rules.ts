import { GraphFailure, refuse } from './answer.js';
import { parseDuration } from './clock.js';
import { isOfGroup, over, statusAt, stands, type Tuple } from './model.js';
import { inFlight } from './pim-outcome.js';
import type { PimInput } from './pim-input.js';
import type { Window } from './schedule-info.js';
import type { Tenant } from './tenant.js';
import type { Caller } from './token.js';

/** An active assignment lasts at least this long, and is not removed sooner. */
export const FLOOR_MS = 5 * 60_000;

/** Licence, role, principal and lock: what every request needs before its rules are looked at. */
export function checkSubject(tenant: Tenant, tuple: Tuple): void {
  if (!tenant.premiumLicense) {
    throw refuse('AadPremiumLicenseRequired', 'The tenant needs a premium licence for this feature.');
  }
  checkObject(tenant, tuple);
  if ((tenant.user(tuple.principalId)?.current ?? null) === null) {
    throw new GraphFailure(404, 'SubjectNotFound', 'The subject is not found.');
  }
  if (tenant.policyOf(tuple.roleDefinitionId).resource_locked) {
    throw refuse('ResourceIsLocked', 'The resource is locked by another operation.');
  }
}

/** A group that its own rule or another directory fills is none of PIM's (Microsoft Learn, "Bring groups into PIM"). */
function checkObject(tenant: Tenant, tuple: Tuple): void {
  if (!isOfGroup(tuple)) {
    if (tenant.role(tuple.roleDefinitionId) !== undefined) return;
    throw new GraphFailure(404, 'RoleNotFound', 'The role is not found.');
  }
  const group = tenant.groups.get(tuple.roleDefinitionId);
  if (group === undefined) throw new GraphFailure(404, 'Request_ResourceNotFound', 'The group is not found.');
  if (group.dynamic || group.onPremisesSynced)
    throw refuse('InvalidRoleAssignmentRequest', 'The group cannot be managed in Privileged Identity Management.');
}

/** The role's rules for an assignment or activation with this window; all that fail are named. */
export function checkRules(tenant: Tenant, caller: Caller, input: PimInput, window: Window, now: number): void {
  if (window.endsAt !== null && window.endsAt - window.startsAt < FLOOR_MS) throw tooShort();
  const { tuple } = input;
  const policy = tenant.policyOf(tuple.roleDefinitionId);
  const activation = input.action.startsWith('self');
  const maximum = activation ? policy.max_activation_duration : policy.max_active_duration;
  const limit = maximum === null ? Infinity : (parseDuration(maximum) ?? 0);
  const failed: string[] = [];
  if ((window.endsAt ?? Infinity) - window.startsAt > limit) failed.push('ExpirationRule');
  if (policy.require_justification && (input.justification ?? '').trim() === '') failed.push('JustificationRule');
  if (policy.require_ticket && (input.ticketNumber ?? '').trim() === '') failed.push('TicketingRule');
  if (policy.require_mfa && !caller.mfa) failed.push('MfaRule');
  if (activation && !eligible(tenant, tuple, now)) failed.push('EligibilityRule');
  if (failed.length > 0) {
    throw refuse(
      'RoleAssignmentRequestPolicyValidationFailed',
      `The following policy rules failed: ${JSON.stringify(failed)}`,
    );
  }
  if (activation && policy.authentication_context !== null && !caller.acrs) {
    const claims = JSON.stringify({
      access_token: { acrs: { essential: true, value: policy.authentication_context } },
    });
    throw refuse('RoleAssignmentRequestAcrsValidationFailed', `&claims=${encodeURIComponent(claims)}`);
  }
}

function eligible(tenant: Tenant, tuple: Tuple, now: number): boolean {
  return tenant.eligibilities.some(
    (e) =>
      e.principalId === tuple.principalId &&
      e.roleDefinitionId === tuple.roleDefinitionId &&
      e.directoryScopeId === tuple.directoryScopeId &&
      (e.endsAt === null || e.endsAt > now),
  );
}

/** Refuses a grant for a tuple that has, or is about to have, an assignment of any kind. */
export function checkFree(tenant: Tenant, tuple: Tuple, now: number): void {
  const schedule = tenant.currentSchedule(tuple, now)?.current ?? null;
  if (schedule !== null && stands(schedule, now)) throw exists();
  checkNothingInFlight(tenant, tuple, now);
  if (schedule !== null && !over(schedule, now)) throw exists();
}

/** Refuses while an earlier request for the tuple is undecided or being carried out. */
export function checkNothingInFlight(tenant: Tenant, tuple: Tuple, now: number): void {
  const cells = tenant.requestsOfTuple(tuple);
  for (let i = cells.length - 1; i >= Math.max(0, cells.length - RECENT); i -= 1) {
    const request = cells[i]?.current ?? null;
    if (request !== null && inFlight(statusAt(request, now))) throw pending();
  }
}

const RECENT = 32;

const exists = (): Error => refuse('RoleAssignmentExists', 'The Role assignment already exists.');

export const pending = (): Error =>
  refuse('PendingRoleAssignmentRequest', 'There is already a pending Role assignment request.');

export const doesNotExist = (): Error => refuse('RoleAssignmentDoesNotExist', 'The Role assignment does not exist.');

/** The message is the service's own, with its spelling. */
export const tooShort = (): Error =>
  refuse('ActiveDurationTooShort', 'The Active duration is too short. Miniumum Required is 5 minutes.');
