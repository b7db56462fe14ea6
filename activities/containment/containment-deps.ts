import type { ContainmentTarget } from '../../domain/incidents/containment-targets.js';
import type { Host, Hosts } from '../../domain/incidents/host.js';
import type { IncidentEntryPayload, IncidentReceipt } from '../../domain/incidents/incident-entry.js';
import type { ContainedTarget, ReleaseEvidence } from '../../domain/incidents/tasks.js';
import type { Clock } from '../clock.js';
import { accountAdapter, type AccountAccess } from './account-adapter.js';
import { TargetFailure, type Adapter } from './adapter.js';
import { commandAdapter } from './command-adapter.js';
import type { ContainmentJournal } from './containment-journal.js';
import { httpAdapter } from './http-adapter.js';
import { roleAdapter } from './role-adapter.js';
import { pauseAdapter, signalAdapter, type TemporalAccess } from './temporal-adapter.js';

/** Whether the authority's warrant, and the evidence that it was given on, carry this release by this role's own roots. */
export type ReleaseJudge = (
  input: ContainedTarget & { warrant: string; evidence: ReleaseEvidence },
) => Promise<{ ok: true } | { ok: false; code: string; message: string }>;

/** What adapters reach their targets with, besides the hosts file: null where this role has no such identity. */
export interface AdapterAccess {
  temporal: TemporalAccess | null;
  account: AccountAccess | null;
}

/** What hosts are to a role, and what it signs about them. */
export interface HostDeps {
  hosts: Hosts;
  access: AdapterAccess;
  clock: Clock;
  sign(payload: IncidentEntryPayload): IncidentReceipt;
}

/** What the containment role holds. */
export interface ContainmentDeps extends HostDeps {
  journal: ContainmentJournal;
  judge: ReleaseJudge;
  /** A structured line, for `log` targets and nothing else. */
  log(message: string, fields: Record<string, unknown>): void;
}

/** The targets of an action on a host, in the order of the configuration. */
export type Targets = [name: string, target: ContainmentTarget][];

/** Of `log_alert` nothing needs to be configured: it is a line in the log. Null for what is not configured. */
export function targetsOf(
  hosts: Hosts,
  { host, action }: Pick<ContainedTarget, 'host' | 'action'>,
): { host: Host; targets: Targets } | { missing: 'host_not_configured' | 'action_not_configured' } {
  const found = Object.hasOwn(hosts, host) ? hosts[host] : undefined;
  if (found === undefined) return { missing: 'host_not_configured' };
  const targets = found.actions[action] ?? (action === 'log_alert' ? { log: { kind: 'log' as const } } : undefined);
  if (targets === undefined) return { missing: 'action_not_configured' };
  return { host: found, targets: Object.entries(targets) };
}

/** The way to one target; a `log` target has none. Throws TargetFailure `not_supported` where the role cannot reach it. */
export function adapterOf(
  host: Host,
  target: Exclude<ContainmentTarget, { kind: 'log' }>,
  access: AdapterAccess,
): Adapter {
  switch (target.kind) {
    case 'http': {
      const service = host.services[target.service];
      if (service === undefined) throw new TargetFailure('not_supported', `this host has no service ${target.service}`);
      return httpAdapter(service, target);
    }
    case 'command':
      return commandAdapter(target);
    case 'temporal_signal':
      if (access.temporal === null) throw new TargetFailure('not_supported', 'this role has no way to Temporal');
      return signalAdapter(access.temporal, target);
    case 'temporal_pause':
      if (access.temporal === null) throw new TargetFailure('not_supported', 'this role has no way to Temporal');
      return pauseAdapter(access.temporal, target);
    case 'graph_account':
      if (access.account === null) throw new TargetFailure('not_supported', 'this role has no Graph identity');
      return accountAdapter(access.account, target);
    case 'graph_role':
      if (access.account === null) throw new TargetFailure('not_supported', 'this role has no Graph identity');
      return roleAdapter(access.account, target);
  }
}
