import { randomUUID } from 'node:crypto';
import { isOfGroup, type Schedule, type Tuple } from './model.js';
import type { Tenant } from './tenant.js';
import type { Actor } from './token.js';
import type { Versioned } from './versioned.js';

/** The directory's name for PIM itself, which carries out each PIM change in the Core Directory. */
export const MS_PIM = { appId: '01fc33a7-78ba-4d2f-a4b7-768e336e890e', displayName: 'MS-PIM' } as const;

export interface AuditTarget {
  readonly type: 'Role' | 'Group' | 'User' | 'Application' | 'Request' | 'Directory' | 'Policy';
  readonly id: string | null;
  readonly displayName: string | null;
  readonly userPrincipalName: string | null;
}

export interface AuditRow {
  readonly id: string;
  readonly at: number;
  readonly service: 'PIM' | 'Core Directory' | 'Conditional Access';
  readonly category: 'RoleManagement' | 'ApplicationManagement' | 'UserManagement' | 'Policy';
  readonly activity: string;
  readonly operation: string;
  readonly reason: string | null;
  readonly correlationId: string;
  readonly by: Actor | 'MS-PIM';
  readonly targets: readonly AuditTarget[];
  readonly details: readonly (readonly [key: string, value: string])[];
  /** The row stands only if this version of the schedule was still the newest at the row's time. */
  readonly unlessChanged: { readonly scheduleId: string; readonly revision: number } | null;
  /** What was changed on the target, each value as JSON text. */
  readonly modified?: readonly { readonly name: string; readonly oldValue: string; readonly newValue: string }[];
}

/** Whether what the row tells has come about: an expiry that a removal forestalled never happens. */
export function happened(tenant: Tenant, row: AuditRow): boolean {
  if (row.unlessChanged === null) return true;
  const cell = tenant.schedule(row.unlessChanged.scheduleId);
  return cell === undefined || cell.wasCurrent(row.unlessChanged.revision, row.at);
}

type Kind = 'timebound' | 'permanent';

const kindOf = (s: Schedule): Kind => (s.endsAt === null ? 'permanent' : 'timebound');

/** Names as in the service's list of audit activities. */
const ACTIVITY = {
  grantRequested: (s: Schedule) =>
    s.assignmentType === 'Activated'
      ? 'Add member to role requested (PIM activation)'
      : `Add member to role in PIM requested (${kindOf(s)})`,
  grantCompleted: (s: Schedule) =>
    s.assignmentType === 'Activated'
      ? 'Add member to role completed (PIM activation)'
      : `Add member to role in PIM completed (${kindOf(s)})`,
  grantCanceled: (s: Schedule) => `Add member to role in PIM canceled (${kindOf(s)})`,
  removeRequested: (s: Schedule) =>
    s.assignmentType === 'Activated'
      ? 'Remove member from role requested (PIM deactivate)'
      : `Remove member from role in PIM requested (${kindOf(s)})`,
  removeCompleted: (s: Schedule) =>
    s.assignmentType === 'Activated'
      ? 'Remove member from role completed (PIM deactivate)'
      : `Remove member from role in PIM completed (${kindOf(s)})`,
  expired: (s: Schedule) =>
    s.assignmentType === 'Activated'
      ? 'Remove member from role (PIM activation expired)'
      : 'Remove member from role in PIM completed (timebound)',
} as const;

/** One PIM change, from which its rows of both families are written. */
export interface PimChange {
  readonly tenant: Tenant;
  readonly schedule: Schedule;
  readonly requestId: string;
  readonly justification: string | null;
  readonly by: Actor;
  readonly now: number;
}

/** PIM's own row about a step of a change. */
export function logPimStep(change: PimChange, step: keyof typeof ACTIVITY, at = change.now, guard?: Guard): void {
  const { tenant, schedule, requestId, justification } = change;
  tenant.log({
    ...base(at, 'PIM', 'RoleManagement', guard),
    activity: named(ACTIVITY[step](schedule), schedule),
    operation: step === 'grantRequested' || step === 'removeRequested' ? 'CreateRequest' : 'ActivateRole',
    reason: justification,
    correlationId: requestId,
    by: step === 'expired' ? 'MS-PIM' : change.by,
    targets: [...tupleTargets(tenant, schedule), { ...NO_NAME, type: 'Request', id: requestId }],
    details: pimDetails(change),
  });
}

/** The Core Directory's copy of a PIM change, whose initiator is PIM and never the requester. */
export function logCoreCopy(change: PimChange, verb: 'add' | 'remove', at = change.now, guard?: Guard): void {
  logCoreMembership(change.tenant, change.schedule, verb, 'MS-PIM', at, guard);
}

/** The Core Directory's row about a membership; `by` is a real initiator where PIM was not asked. */
export function logCoreMembership(
  tenant: Tenant,
  tuple: Tuple,
  verb: 'add' | 'remove',
  by: Actor | 'MS-PIM',
  at: number,
  guard?: Guard,
): void {
  tenant.log({
    ...base(at, 'Core Directory', 'RoleManagement', guard),
    activity: named(verb === 'add' ? 'Add member to role' : 'Remove member from role', tuple),
    operation: verb === 'add' ? 'Assign' : 'Unassign',
    reason: null,
    correlationId: randomUUID(),
    by,
    targets: tupleTargets(tenant, tuple).reverse(),
    details: [],
  });
}

/** PIM's row about a grant that went past it. */
export function logOutsidePim(tenant: Tenant, tuple: Tuple, by: Actor, at: number): void {
  tenant.log({
    ...base(at, 'PIM', 'RoleManagement'),
    activity: 'Add member to role outside of PIM (permanent)',
    operation: 'Assign',
    reason: null,
    correlationId: randomUUID(),
    by,
    targets: tupleTargets(tenant, tuple),
    details: [],
  });
}

/** The Core Directory's row about a user. */
export function logUserChange(tenant: Tenant, principalId: string, activity: string, by: Actor, at: number): void {
  tenant.log({
    ...base(at, 'Core Directory', 'UserManagement'),
    activity,
    operation: 'Update',
    reason: null,
    correlationId: randomUUID(),
    by,
    targets: [userTarget(tenant, principalId)],
    details: [],
  });
}

/** Conditional Access's row about a policy: both texts whole, as the service gives them. */
export function logPolicyChange(
  tenant: Tenant,
  policy: { id: string; displayName: string; before: object; after: object },
  by: Actor,
  at: number,
): void {
  const { id, displayName, before, after } = policy;
  const values = { oldValue: JSON.stringify(before), newValue: JSON.stringify(after) };
  tenant.log({
    ...base(at, 'Conditional Access', 'Policy'),
    activity: 'Update conditional access policy',
    operation: 'Update',
    reason: null,
    correlationId: randomUUID(),
    by,
    targets: [{ ...NO_NAME, type: 'Policy', id, displayName }],
    details: [],
    modified: [{ name: 'ConditionalAccessPolicy', ...values }],
  });
}

/** The Core Directory's row about an application's secrets. The service's own spelling of the activity ends in a space. */
export function logApplicationChange(
  tenant: Tenant,
  application: { id: string; displayName: string },
  by: Actor,
  at: number,
): void {
  tenant.log({
    ...base(at, 'Core Directory', 'ApplicationManagement'),
    activity: 'Update application – Certificates and secrets management ',
    operation: 'Update',
    reason: null,
    correlationId: randomUUID(),
    by,
    targets: [{ ...NO_NAME, type: 'Application', id: application.id, displayName: application.displayName }],
    details: [],
  });
}

export interface Guard {
  readonly cell: Versioned<Schedule>;
  readonly scheduleId: string;
}

/** Of a group the rows say so in the place of the role. */
const named = (activity: string, tuple: Tuple): string =>
  isOfGroup(tuple) ? activity.replace(/ (to|from) role\b/, ' $1 group') : activity;

const NO_NAME = { displayName: null, userPrincipalName: null } as const;

function base(at: number, service: AuditRow['service'], category: AuditRow['category'], guard?: Guard) {
  const unlessChanged = guard === undefined ? null : { scheduleId: guard.scheduleId, revision: guard.cell.revision };
  const id = `${service === 'PIM' ? 'PIM' : 'Directory'}_${randomUUID()}`;
  return { id, at, service, category, unlessChanged };
}

function tupleTargets(tenant: Tenant, tuple: Tuple): AuditTarget[] {
  const { roleDefinitionId: id } = tuple;
  if (isOfGroup(tuple)) {
    const displayName = tenant.groups.get(id)?.displayName ?? null;
    return [{ ...NO_NAME, type: 'Group', id, displayName }, userTarget(tenant, tuple.principalId)];
  }
  return [
    { ...NO_NAME, type: 'Role', id, displayName: tenant.role(id)?.displayName ?? null },
    userTarget(tenant, tuple.principalId),
  ];
}

function userTarget(tenant: Tenant, id: string): AuditTarget {
  const user = tenant.user(id)?.current;
  const { displayName, userPrincipalName } = user ?? NO_NAME;
  return { type: 'User', id, displayName, userPrincipalName };
}

function pimDetails({ schedule, requestId, justification }: PimChange): [string, string][] {
  const iso = (ms: number | null): string => (ms === null ? '' : new Date(ms).toISOString());
  return [
    ['RoleAssignmentRequestId', requestId],
    ['StartTime', iso(schedule.startsAt)],
    ['ExpirationTime', iso(schedule.endsAt)],
    ['Justification', justification ?? ''],
    ['TicketNumber', schedule.ticketNumber ?? ''],
    ['TicketSystem', schedule.ticketSystem ?? ''],
  ];
}
