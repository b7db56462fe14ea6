import { graphTime } from './clock.js';
import { statusAt, type Eligibility, type PimRequest, type Schedule, type WireSchedule } from './model.js';
import type { Actor } from './token.js';

type Wire = Record<string, unknown>;

/** createdBy of a request. */
function wireActor(actor: Actor): Wire {
  const identity = { displayName: null, id: actor.id };
  return {
    application: actor.kind === 'app' ? identity : null,
    device: null,
    user: actor.kind === 'user' ? identity : null,
  };
}

/** unifiedRoleAssignmentScheduleRequest */
export function wireRequest(r: PimRequest, now: number): Wire {
  return {
    id: r.id,
    status: statusAt(r, now),
    createdDateTime: graphTime(r.createdAt),
    completedDateTime: r.completedAt === null ? null : graphTime(r.completedAt),
    approvalId: null,
    customData: null,
    action: r.action,
    principalId: r.principalId,
    roleDefinitionId: r.roleDefinitionId,
    directoryScopeId: r.directoryScopeId,
    appScopeId: null,
    isValidationOnly: false,
    targetScheduleId: r.targetScheduleId,
    justification: r.justification,
    createdBy: wireActor(r.createdBy),
    scheduleInfo: r.scheduleInfo,
    ticketInfo: { ticketNumber: r.ticketNumber, ticketSystem: r.ticketSystem },
  };
}

/**
 * Id of a row under roleAssignments: role and principal as little-endian GUID bytes, then the scope. The service's
 * own ids look so; nothing may rely on it.
 */
export function originId(s: Pick<Schedule, 'principalId' | 'roleDefinitionId' | 'directoryScopeId'>): string {
  const bytes = Buffer.concat([guidBytes(s.roleDefinitionId), guidBytes(s.principalId)]);
  const scope = s.directoryScopeId === '/' ? '1' : s.directoryScopeId.slice(s.directoryScopeId.lastIndexOf('/') + 1);
  return `${bytes.toString('base64url')}-${scope}`;
}

function guidBytes(guid: string): Buffer {
  const raw = Buffer.from(guid.replaceAll('-', ''), 'hex');
  return Buffer.concat([
    raw.subarray(0, 4).reverse(),
    raw.subarray(4, 6).reverse(),
    raw.subarray(6, 8).reverse(),
    raw.subarray(8),
  ]);
}

/** unifiedRoleAssignmentScheduleInstance: direct assignments have no times. */
export function wireInstance(s: Schedule): Wire {
  const pim = s.origin === 'pim';
  return {
    id: originId(s),
    principalId: s.principalId,
    roleDefinitionId: s.roleDefinitionId,
    directoryScopeId: s.directoryScopeId,
    appScopeId: null,
    startDateTime: pim ? graphTime(s.startsAt) : null,
    endDateTime: pim && s.endsAt !== null ? graphTime(s.endsAt) : null,
    assignmentType: s.assignmentType,
    memberType: 'Direct',
    roleAssignmentOriginId: originId(s),
    roleAssignmentScheduleId: s.id,
  };
}

/** unifiedRoleAssignmentSchedule */
export function wireAssignmentSchedule(s: Schedule, now: number): Wire {
  return {
    id: s.id,
    principalId: s.principalId,
    roleDefinitionId: s.roleDefinitionId,
    directoryScopeId: s.directoryScopeId,
    appScopeId: null,
    createdUsing: s.createdUsing,
    createdDateTime: s.origin === 'pim' ? graphTime(s.createdAt) : null,
    modifiedDateTime: s.modifiedAt === null ? null : graphTime(s.modifiedAt),
    status: scheduleStatus(s, now),
    assignmentType: s.assignmentType,
    memberType: 'Direct',
    scheduleInfo: scheduleInfo(s),
  };
}

export function scheduleStatus(s: Schedule, now: number): string {
  return s.awaited && s.startsAt > now ? 'Granted' : 'Provisioned';
}

function scheduleInfo(s: Schedule): WireSchedule {
  if (s.endsAt === null) {
    const expiration = { type: 'noExpiration', endDateTime: null, duration: null } as const;
    return { startDateTime: s.origin === 'pim' ? graphTime(s.startsAt) : null, recurrence: null, expiration };
  }
  const expiration = { type: 'afterDateTime', endDateTime: graphTime(s.endsAt), duration: null } as const;
  return { startDateTime: graphTime(s.startsAt), recurrence: null, expiration };
}

/** unifiedRoleAssignment, with the `resourceScope` that the wire carries beside the documented properties. */
export function wireAssignment(s: Schedule): Wire {
  return {
    id: originId(s),
    principalId: s.principalId,
    resourceScope: s.directoryScopeId,
    directoryScopeId: s.directoryScopeId,
    roleDefinitionId: s.roleDefinitionId,
  };
}

/** unifiedRoleEligibilityScheduleInstance */
export function wireEligibility(e: Eligibility): Wire {
  return {
    id: e.id,
    principalId: e.principalId,
    roleDefinitionId: e.roleDefinitionId,
    directoryScopeId: e.directoryScopeId,
    appScopeId: null,
    startDateTime: graphTime(e.startsAt),
    endDateTime: e.endsAt === null ? null : graphTime(e.endsAt),
    memberType: 'Direct',
    roleEligibilityScheduleId: e.id,
  };
}
