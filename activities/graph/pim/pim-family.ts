import { z } from 'zod';

import type { RoleTuple } from '../../../domain/effects/directory-role.js';
import type { Tuple } from '../../../domain/intent.js';
import * as roles from './pim-wire.js';
import { quoted, type EligibilityInstance, type Instance, type ScheduleRequest } from './pim-wire.js';

/**
 * PIM grants roles and memberships of groups by requests of the same shape, under other paths and member names. Here both
 * are read into the names that roles have: of a membership `role_template_id` is the group, and `directory_scope_id` the
 * access (`member`). What is signed and told always has the kind's own tuple.
 */
export type PimTuple = RoleTuple;

export interface PimFamily {
  readonly kind: 'entra.directory_role' | 'entra.group_membership';
  readonly requests: string;
  readonly instances: string;
  readonly schedules: string;
  readonly eligibilities: string;
  readonly requestSchema: z.ZodType<ScheduleRequest>;
  readonly instanceSchema: z.ZodType<Instance>;
  readonly eligibilitySchema: z.ZodType<EligibilityInstance>;
  /** OData filters: of one tuple, of all who have the role or group, of all that one principal has. */
  readonly ofTuple: (tuple: Omit<PimTuple, 'tenant_id'>) => string;
  readonly ofObject: (id: string) => string;
  readonly ofPrincipal: (id: string) => string;
  /** The members of a request's body that say what it is about. */
  readonly bodyOf: (tuple: PimTuple) => object;
  /** The kind's own tuple, as markers and intents have it. */
  readonly tupleOf: (tuple: PimTuple) => Tuple;
  /** The request that made a schedule; roles alone give both the same id. */
  readonly requestOf: (scheduleId: string) => string | null;
  /** What the directory's audit log calls a change: PIM's own rows, and the Core Directory's. */
  readonly added: string;
  readonly removed: string;
}

export const ROLES: PimFamily = {
  kind: 'entra.directory_role',
  requests: roles.REQUESTS,
  instances: roles.INSTANCES,
  schedules: roles.SCHEDULES,
  eligibilities: roles.ELIGIBILITIES,
  requestSchema: roles.scheduleRequestSchema,
  instanceSchema: roles.instanceSchema,
  eligibilitySchema: roles.eligibilitySchema,
  ofTuple: roles.tupleFilter,
  ofObject: (id) => `roleDefinitionId eq ${quoted(id)}`,
  ofPrincipal: (id) => `principalId eq ${quoted(id)}`,
  bodyOf: ({ principal_id, role_template_id, directory_scope_id }) => ({
    principalId: principal_id,
    roleDefinitionId: role_template_id,
    directoryScopeId: directory_scope_id,
  }),
  tupleOf: (tuple) => tuple,
  requestOf: (scheduleId) => scheduleId,
  added: 'Add member to role',
  removed: 'Remove member from role',
};

const guid = z.string().toLowerCase();
const text = z.string().nullish();
const MEMBER = 'member';
const GROUPS_ROOT = '/identityGovernance/privilegedAccess/group';

/** Ownership of the same group is another matter: rows of it read as of another scope. */
const asRole = <Row extends { groupId?: string | null | undefined; accessId?: string | null | undefined }>(
  row: Row,
): Row & { roleDefinitionId: string; directoryScopeId: string } => ({
  ...row,
  roleDefinitionId: row.groupId ?? '',
  directoryScopeId: row.accessId ?? '',
});

const ofGroup = { principalId: guid, groupId: guid, accessId: guid };

export const GROUPS: PimFamily = {
  kind: 'entra.group_membership',
  requests: `${GROUPS_ROOT}/assignmentScheduleRequests`,
  instances: `${GROUPS_ROOT}/assignmentScheduleInstances`,
  schedules: `${GROUPS_ROOT}/assignmentSchedules`,
  eligibilities: `${GROUPS_ROOT}/eligibilityScheduleInstances`,
  requestSchema: roles.scheduleRequestSchema
    .omit({ roleDefinitionId: true, directoryScopeId: true })
    .extend({ groupId: guid.nullish(), accessId: guid.nullish() })
    .transform(asRole),
  instanceSchema: z
    .object({
      id: z.string().min(1),
      ...ofGroup,
      startDateTime: text,
      endDateTime: text,
      assignmentScheduleId: text,
      assignmentType: text,
      memberType: text,
    })
    .transform((row) => ({ ...asRole(row), roleAssignmentScheduleId: row.assignmentScheduleId })),
  eligibilitySchema: z
    .object({ id: z.string().min(1), ...ofGroup, eligibilityScheduleId: text })
    .transform((row) => ({ ...asRole(row), roleEligibilityScheduleId: row.eligibilityScheduleId })),
  ofTuple: ({ principal_id, role_template_id }) =>
    `groupId eq ${quoted(role_template_id)} and principalId eq ${quoted(principal_id)} and accessId eq ${quoted(MEMBER)}`,
  ofObject: (id) => `groupId eq ${quoted(id)}`,
  ofPrincipal: (id) => `principalId eq ${quoted(id)}`,
  bodyOf: ({ principal_id, role_template_id }) => ({
    accessId: MEMBER,
    principalId: principal_id,
    groupId: role_template_id,
  }),
  tupleOf: ({ tenant_id, principal_id, role_template_id, directory_scope_id }) =>
    // What is not about membership must never verify as ours: it keeps the shape of a role's.
    directory_scope_id === MEMBER
      ? { tenant_id, principal_id, group_id: role_template_id }
      : { tenant_id, principal_id, role_template_id, directory_scope_id },
  requestOf: () => null,
  added: 'Add member to group',
  removed: 'Remove member from group',
};

/** Where and how PIM is asked about such a tuple. */
export function pimFamily(tuple: Tuple): PimFamily {
  return 'group_id' in tuple ? GROUPS : ROLES;
}

/** A tuple in the names of roles. @throws {TypeError} for a kind that is not PIM's. */
export function pimTuple(tuple: Tuple): PimTuple {
  if ('role_template_id' in tuple) return tuple;
  if (!('group_id' in tuple)) throw new TypeError('not a tuple of PIM');
  const { tenant_id, principal_id, group_id } = tuple;
  return { tenant_id, principal_id, role_template_id: group_id, directory_scope_id: MEMBER };
}
