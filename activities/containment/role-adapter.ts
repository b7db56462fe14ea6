import type { TargetOf } from '../../domain/incidents/containment-targets.js';
import { meaningOf } from '../graph/pim/pim-status.js';
import {
  INSTANCES,
  instanceSchema,
  isPim,
  REQUESTS,
  scheduleRequestSchema,
  tupleFilter,
} from '../graph/pim/pim-wire.js';
import type { Instance } from '../graph/pim/pim-wire.js';
import { GraphSession } from '../graph/wire/graph-session.js';
import { failureOf, type AccountAccess } from './account-adapter.js';
import { TargetFailure, type Adapter, type Cause } from './adapter.js';

const MAX_REVISION = 128;

/**
 * A directory role of an account: taken away, whoever gave it, by PIM's `adminRemove`, which addresses account, role and scope.
 * What was taken stands as `revision` in the journal and in the signed entry: its schedule and its end.
 *
 * It is not given back. To give a role takes a quorum and a contract, with an end that a warrant names; a release has none of
 * these, and an identity that could give roles back could give any. `RoleAssignmentSchedule.Remove.Directory` is all that
 * this one needs to write with, so that a forged release gives nothing either.
 */
export function roleAdapter(access: AccountAccess, target: TargetOf<'graph_role'>): Adapter {
  const { tenant_id, user_id, role_template_id, directory_scope_id } = target;
  const tuple = { principal_id: user_id, role_template_id, directory_scope_id };
  const session = (): GraphSession =>
    new GraphSession(access.graph.clientFor(tenant_id), access.clock, new AbortController().signal);
  const standing = async (): Promise<Instance[]> => {
    const answer = await session().readAll(INSTANCES, instanceSchema, { $filter: tupleFilter(tuple) });
    if (answer.ok) return answer.value;
    throw failureOf(answer.failure);
  };
  return {
    leaves: 'not_given_back',
    async observe() {
      const rows = await standing();
      if (rows.length === 0) return { state: 'contained', revision: null };
      return { state: 'released', revision: rows.map(wordOf).sort().join('; ').slice(0, MAX_REVISION) };
    },
    async contain(cause) {
      if (access.protectedIds.has(user_id))
        throw new TargetFailure('protected_target', `account ${user_id} is protected: no write may touch it`);
      const rows = await standing();
      // Also where none is shown: reads are behind, and a role that was given a moment ago is the one to take.
      if (rows.length > 0 && rows.every(isThroughGroup))
        throw new TargetFailure('not_supported', 'the role is held through a group: take the membership away');
      const answer = await session().write(REQUESTS, removal(tuple, cause), scheduleRequestSchema);
      if (answer.ok) {
        // Anything undecided is what `observe` tells, now or on the next attempt.
        if (meaningOf(answer.value.status) !== 'failed') return;
        throw new TargetFailure('not_contained_yet', `PIM answered ${wordIn(answer.value.status)}`);
      }
      const { failure } = answer;
      // Also said of a removal that was carried out a moment ago.
      if (failure.kind === 'does_not_exist') return;
      if (failure.kind === 'too_short')
        throw new TargetFailure('not_contained_yet', 'Graph takes no assignment away in its first five minutes');
      throw failureOf(failure);
    },
    release: () => Promise.reject(new TargetFailure('not_supported', 'a role is given back by nobody here')),
  };
}

const removal = (
  of: { principal_id: string; role_template_id: string; directory_scope_id: string },
  { incident_id, host }: Cause,
): object => ({
  action: 'adminRemove',
  principalId: of.principal_id,
  roleDefinitionId: of.role_template_id,
  directoryScopeId: of.directory_scope_id,
  justification: `Reseal contains ${host}: ${incident_id}`,
});

/** How an assignment stands in the journal. */
const wordOf = (row: Instance): string =>
  `${isPim(row) ? 'pim' : 'plain'} ${row.roleAssignmentScheduleId ?? row.id} until ${row.endDateTime ?? 'removed'}`;

const isThroughGroup = ({ memberType }: Instance): boolean => memberType === 'Group' || memberType === 'Inherited';

const wordIn = (status: string | null | undefined): string =>
  /^[A-Za-z]{1,40}$/.exec(status ?? '')?.[0] ?? 'something else';
