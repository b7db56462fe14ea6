import { ContainmentJournal } from '../activities/containment/containment-journal.js';
import type { AdapterAccess, ReleaseJudge } from '../activities/containment/containment-deps.js';
import { containmentTasks } from '../activities/containment/containment-tasks.js';
import { hostTasks, type HostTasks } from '../activities/containment/host-tasks.js';
import { unconfiguredContainment } from '../activities/containment/unconfigured.js';
import type { GraphAccess } from '../activities/graph/wire/graph-access.js';
import { instant } from '../domain/identifiers.js';
import type { Role } from '../domain/roles.js';
import { signIncidentReceipt } from '../proofs/incidents/incident-receipt.js';
import { databaseOf, keyOf, type RoleContext } from './role-context.js';
import { SettingsError } from './settings-error.js';

/** The activities of the containment role. Without a hosts file everything that is asked of it is asked again. */
export function containmentRole(context: RoleContext, graph: GraphAccess | null, judge: ReleaseJudge): object {
  const role = 'effect:containment';
  const hosts = context.hosts.get(role);
  if (hosts === undefined) return unconfiguredContainment();
  const { clock, log } = context;
  const key = keyOf(context, role);
  return containmentTasks({
    hosts,
    access: accessOf(context, graph),
    clock,
    sign: (payload) => signIncidentReceipt(payload, key),
    journal: new ContainmentJournal(databaseOf(context, role), () => instant(clock.now())),
    judge,
    log,
  });
}

/** What the verifier sees of hosts, with identities and tokens of its own. */
export function hostsSeen(context: RoleContext, graph: GraphAccess | null): HostTasks {
  const key = keyOf(context, 'verifier' satisfies Role);
  return hostTasks({
    hosts: context.hosts.get('verifier') ?? {},
    access: accessOf(context, graph),
    clock: context.clock,
    sign: (payload) => signIncidentReceipt(payload, key),
  });
}

function accessOf(context: RoleContext, graph: GraphAccess | null): AdapterAccess {
  const { clock, settings } = context;
  const protectedIds = new Set(settings.protected_object_ids);
  return {
    temporal: { connection: () => connectionOf(context), namespace: settings.temporal.namespace },
    account: graph === null ? null : { graph, clock, protectedIds },
  };
}

function connectionOf({ temporal }: RoleContext) {
  if (temporal === undefined) throw new SettingsError('temporal_unreachable', 'no worker of this process has started');
  return temporal();
}
