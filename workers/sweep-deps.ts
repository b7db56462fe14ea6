import type { KeyObject } from 'node:crypto';
import type { Clock } from '../activities/clock.js';
import type { SweepDeps, SweepSigner } from '../activities/sweep/sweep-deps.js';
import { pause } from '../activities/sweep/sweeper-tasks.js';
import type { RoleKey } from '../proofs/role-key.js';
import { signReceipt } from '../proofs/receipt.js';
import { signSweepReport } from '../proofs/sweep-report.js';
import { graphIdentity } from './graph-identity.js';
import type { Log } from './role-context.js';
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
  sweeper: Pick<SweepSettings['sweeper'], 'graph' | 'tenant_ids' | 'groups'>;
  applications: { directory_role: string; group_membership?: string | undefined };
  protectedIds: readonly string[];
  authorityKeys: readonly KeyObject[];
  clock: Clock;
  signer: SweepSigner | null;
  log: Log;
}): SweepDeps {
  const { directory_role, group_membership } = input.applications;
  const writers = new Set([directory_role, group_membership ?? []].flat().map((id) => id.toLowerCase()));
  const { tenant_ids, groups } = input.sweeper;
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
    log: input.log,
    pause,
  };
}

export const sweepSigner = (key: RoleKey): SweepSigner => ({
  entry: (payload) => signReceipt(payload, key),
  report: (report) => signSweepReport(report, key),
});
