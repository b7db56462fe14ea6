import type { KeyObject } from 'node:crypto';
import type { Clock } from '../activities/clock.js';
import { authorityKeyAmong } from '../activities/graph/effect-deps.js';
import { readKnownIntents } from '../activities/sweep/known-intents.js';
import type { SweepDeps, SweepSigner, UnmarkedDeps } from '../activities/sweep/sweep-deps.js';
import { pause } from '../activities/sweep/sweeper-tasks.js';
import type { RoleKey } from '../proofs/role-key.js';
import { signReceipt } from '../proofs/receipt.js';
import { signSweepReport } from '../proofs/sweep-report.js';
import { graphIdentity } from './graph-identity.js';
import type { Log } from './role-context.js';
import { SettingsError } from './settings-error.js';
import type { SweepSettings } from './sweep-settings.js';

/** What the sweeper's identity may do in Graph, and needs no more of: it reads, and removes; it can give nobody anything. */
export const SWEEPER_PERMISSIONS = [
  'RoleAssignmentSchedule.Remove.Directory',
  'RoleManagement.Read.Directory',
  'PrivilegedAssignmentSchedule.Remove.AzureADGroup',
  'PrivilegedAssignmentSchedule.Read.AzureADGroup',
] as const;

/** Everything a sweep is made from, whoever runs it. */
export function sweepDeps(input: {
  sweeper: Pick<SweepSettings['sweeper'], 'graph' | 'tenant_ids' | 'groups' | 'intents_path' | 'unmarked'>;
  applications: SweepSettings['applications'];
  protectedIds: readonly string[];
  authorityKeys: readonly KeyObject[];
  clock: Clock;
  signer: SweepSigner | null;
  log: Log;
}): SweepDeps {
  const { directory_role, group_membership } = input.applications;
  const writers = new Set([directory_role, group_membership ?? []].flat().map((id) => id.toLowerCase()));
  const { tenant_ids, groups, intents_path } = input.sweeper;
  const { authorityKeys } = input;
  return {
    // On the local stack the sweep tells the simulator no time: it asks what time it is there.
    access: graphIdentity('sweeper', input.sweeper.graph, { permissions: SWEEPER_PERMISSIONS, tells_time: false }),
    clock: input.clock,
    tenantIds: [...tenant_ids, ...groups.map(({ tenant_id }) => tenant_id)],
    groupIds: (tenantId) => [
      ...new Set(groups.flatMap(({ tenant_id, group_id }) => (tenant_id === tenantId ? [group_id] : []))),
    ],
    writerIds: () => writers,
    authorityKeys: input.authorityKeys,
    protectedIds: new Set(input.protectedIds.map((id) => id.toLowerCase())),
    signer: input.signer,
    ...(intents_path === undefined
      ? {}
      : { intents: () => readKnownIntents(intents_path, authorityKeyAmong(authorityKeys)) }),
    ...unmarkedDeps(input.sweeper, input.applications),
    log: input.log,
    pause,
  };
}

/** What it needs of Graph: to read, to see who did what, and to take back; with that it could also give. */
const UNMARKED_PERMISSIONS = [
  'RoleManagement.ReadWrite.Directory',
  'Policy.Read.All',
  'Policy.ReadWrite.ConditionalAccess',
  'AuditLog.Read.All',
  'Directory.Read.All',
] as const;

/** Throws SettingsError where it is not told what was intended, or under whose name it is to act. */
function unmarkedDeps(
  { unmarked, intents_path, graph }: Pick<SweepSettings['sweeper'], 'graph' | 'intents_path' | 'unmarked'>,
  applications: SweepSettings['applications'],
): { unmarked?: UnmarkedDeps } {
  if (unmarked === undefined) return {};
  if (intents_path === undefined)
    throw new SettingsError(
      'settings_invalid',
      'sweeper.unmarked: name sweeper.intents_path too: what carries no mark is known from the authority’s intents alone',
    );
  const { application_id } = unmarked.graph;
  if ([graph.application_id, ...Object.values(applications)].includes(application_id))
    throw new SettingsError(
      'settings_invalid',
      `sweeper.unmarked.graph.application_id: ${application_id} is another role's: it needs one of its own`,
    );
  const only = (id: string | undefined): ReadonlySet<string> => new Set(id === undefined ? [] : [id.toLowerCase()]);
  return {
    unmarked: {
      access: graphIdentity('sweeper', unmarked.graph, { permissions: UNMARKED_PERMISSIONS, tells_time: false }),
      tenantIds: unmarked.tenant_ids,
      assignmentWriterIds: only(applications.role_assignment),
      accessWriterIds: only(applications.conditional_access),
    },
  };
}

export const sweepSigner = (key: RoleKey): SweepSigner => ({
  entry: (payload) => signReceipt(payload, key),
  report: (report) => signSweepReport(report, key),
});
