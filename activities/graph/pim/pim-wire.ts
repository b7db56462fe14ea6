import { z } from 'zod';

import type { RoleTuple } from '../../../domain/effects/directory-role.js';
import type { Tuple } from '../../../domain/intent.js';

/**
 * What is read of Graph's resources (v1.0). Everything that the metadata calls nullable is taken as such, and unknown
 * members are passed over: an answer must not be refused for saying more.
 */
const id = z.string().min(1);
const guid = z.string().toLowerCase();
const text = z.string().nullish();

const identity = z.object({ id: z.string().toLowerCase().nullish() }).nullish();

/** unifiedRoleAssignmentScheduleRequest: the only resource that carries justification and ticket. */
export const scheduleRequestSchema = z.object({
  id,
  status: text,
  action: text,
  createdDateTime: text,
  principalId: guid.nullish(),
  roleDefinitionId: guid.nullish(),
  directoryScopeId: text,
  targetScheduleId: text,
  justification: text,
  createdBy: z.object({ user: identity, application: identity }).nullish(),
  scheduleInfo: z
    .object({ startDateTime: text, expiration: z.object({ type: text, endDateTime: text }).nullish() })
    .nullish(),
  ticketInfo: z.object({ ticketNumber: text, ticketSystem: text }).nullish(),
});
export type ScheduleRequest = z.output<typeof scheduleRequestSchema>;

/** unifiedRoleAssignmentScheduleInstance: what is active now. Assignments made outside PIM have no start. */
export const instanceSchema = z.object({
  id,
  principalId: guid,
  roleDefinitionId: guid,
  directoryScopeId: z.string(),
  startDateTime: text,
  endDateTime: text,
  roleAssignmentScheduleId: text,
  /** Assigned or Activated: PIM's own word for a standing assignment and a user's activation of an eligible one. */
  assignmentType: text,
  /** Direct, Group or Inherited. */
  memberType: text,
});
export type Instance = z.output<typeof instanceSchema>;

/** Made through PIM, so that a schedule request stands behind it. */
export const isPim = ({ startDateTime }: Instance): boolean => startDateTime !== undefined && startDateTime !== null;

/** unifiedRoleEligibilityScheduleInstance */
export const eligibilitySchema = z.object({
  id,
  principalId: guid,
  roleDefinitionId: guid,
  directoryScopeId: z.string(),
  roleEligibilityScheduleId: text,
});
export type EligibilityInstance = z.output<typeof eligibilitySchema>;

/** unifiedRoleAssignmentSchedule: also what is still to come. */
export const scheduleSchema = z.object({ id, status: text, createdUsing: text });

const ROLE_MANAGEMENT = '/roleManagement/directory';
export const REQUESTS = `${ROLE_MANAGEMENT}/roleAssignmentScheduleRequests`;
export const INSTANCES = `${ROLE_MANAGEMENT}/roleAssignmentScheduleInstances`;
export const SCHEDULES = `${ROLE_MANAGEMENT}/roleAssignmentSchedules`;
export const ELIGIBILITIES = `${ROLE_MANAGEMENT}/roleEligibilityScheduleInstances`;
export const ROLE_DEFINITIONS = `${ROLE_MANAGEMENT}/roleDefinitions`;

/** An OData string literal. */
export const quoted = (value: string): string => `'${value.replaceAll("'", "''")}'`;

/** The tuple of a directory role. @throws {TypeError} for that of another kind. */
export function roleTuple(tuple: Tuple): RoleTuple {
  if ('role_template_id' in tuple) return tuple;
  throw new TypeError('not the tuple of a directory role');
}

/** The filter of one tuple. Ids are lower case, as Graph compares them. */
export function tupleFilter(tuple: {
  principal_id: string;
  role_template_id: string;
  directory_scope_id: string;
}): string {
  const terms = [
    `principalId eq ${quoted(tuple.principal_id)}`,
    `roleDefinitionId eq ${quoted(tuple.role_template_id)}`,
    `directoryScopeId eq ${quoted(tuple.directory_scope_id)}`,
  ];
  return terms.join(' and ');
}
