import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Policy } from '../../../domain/policy.js';
import { ROLES, type Role } from '../../../domain/roles.js';
import { fileNameOf, roleKeyPath } from '../../../workers/role-keys.js';
import type { GraphJob, WorkerSettings } from '../../../workers/settings.js';
import type { HostFiles } from '../host/hosts-file.js';
import type { TemporalServer } from '../temporal/start-temporal.js';
import type { Layout } from './layout.js';
import { LOCAL_SERIES } from './local-contract.js';
import { LOCAL_APPLICATIONS } from './local-world.js';
import type { StackOptions } from './stack.js';

/** How often enrolled hosts are asked; a stack whose host nobody enrolled asks nobody. */
const ATTESTED_EVERY_SECONDS = 60;

/** What the local stack's one process is told: every role's section, since it plays them all. */
export function workerSettings(
  layout: Layout,
  options: StackOptions,
  {
    temporal,
    graphUrl,
    inboxUrl,
    series,
    hostFiles = null,
  }: {
    temporal: Pick<TemporalServer, 'address' | 'namespace' | 'uiUrl'>;
    graphUrl: string;
    inboxUrl: string;
    /** Of the contracts, as the policy file names it. */
    series: string;
    /** Of the simulated host, where there is one. */
    hostFiles?: HostFiles | null;
  },
): WorkerSettings {
  const { address, namespace, uiUrl } = temporal;
  const key = (role: Role) => ({ signing_key_path: roleKeyPath(layout.roleKeys, role) });
  const graph = (job: GraphJob) => ({
    graph: { mode: 'loopback' as const, application_id: LOCAL_APPLICATIONS[job], url: graphUrl },
  });
  const hosts = (file: 'containment' | 'verifier') => (hostFiles === null ? {} : { hosts_path: hostFiles[file] });
  return {
    roles: [...ROLES],
    temporal: { address, namespace, ui_url: uiUrl },
    payload_keyring_path: layout.keyring,
    trust_path: layout.trust,
    attempts_dir: layout.attempts,
    contracts: {
      registry: layout.contracts,
      series,
      roster_series: LOCAL_SERIES,
      roots_path: layout.contractRoots,
      refresh_seconds: 1,
    },
    applications: LOCAL_APPLICATIONS,
    protected_object_ids: [...(options.protectedObjectIds ?? [])],
    clock: 'virtual',
    recovery: {
      ...{ compat_ack: options.compatAck ?? false, quorum: 2, former_playbooks_paths: [] },
      ...(options.playbooks === undefined ? {} : { playbooks_path: options.playbooks }),
    },
    ceremonies: {},
    register: {
      ...key('register'),
      notice_channels: {
        inbox: { kind: 'webhook', url: inboxUrl, secret_path: layout.inboxSecret },
        ...options.noticeChannels,
      },
      ...(options.jobRuntimes === undefined ? {} : { job_runtimes: options.jobRuntimes }),
      sentinel_import_keys: layout.importKeys,
      reconcile_seconds: options.reconcileSeconds ?? 5,
    },
    authority: { ...key('authority'), intents_dir: layout.intents },
    'effect:entra.directory_role': { ...key('effect:entra.directory_role'), ...graph('directory_role') },
    'effect:entra.group_membership': { ...key('effect:entra.group_membership'), ...graph('group_membership') },
    'effect:entra.sessions': { ...key('effect:entra.sessions'), ...graph('sessions') },
    'effect:entra.credentials': {
      ...key('effect:entra.credentials'),
      ...graph('credentials'),
      sinks: { local: { kind: 'file', directory: layout.rotated }, ...options.sinks },
    },
    'effect:entra.account': { ...key('effect:entra.account'), ...graph('account') },
    'effect:entra.conditional_access': {
      ...key('effect:entra.conditional_access'),
      ...graph('conditional_access'),
    },
    'effect:entra.role_assignment': { ...key('effect:entra.role_assignment'), ...graph('role_assignment') },
    'effect:containment': { ...key('effect:containment'), ...graph('containment'), ...hosts('containment') },
    verifier: {
      ...key('verifier'),
      ...graph('verifier'),
      ...hosts('verifier'),
      attestation: {
        references_path: layout.references,
        enrol: 1,
        quorum: 2,
        every_seconds: hostFiles === null ? null : (options.attestSeconds ?? ATTESTED_EVERY_SECONDS),
      },
    },
    sweeper: {
      ...key('sweeper'),
      ...graph('sweeper'),
      tenant_ids: [],
      groups: [],
      intents_path: layout.intents,
      every_seconds: options.sweepSeconds ?? null,
      report_path: layout.sweepReport,
    },
  };
}

/** Every tenant that a policy names. */
export const tenantsOf = ({ tenant_id, profiles }: Policy): string[] => [
  ...new Set([tenant_id, ...Object.values(profiles).map((profile) => profile.tenant_id ?? tenant_id)]),
];

/** Every group that a policy gives membership of. */
export const groupsOf = ({ tenant_id, profiles }: Policy): { tenant_id: string; group_id: string }[] =>
  Object.values(profiles).flatMap((profile) =>
    'group' in profile ? [{ tenant_id: profile.tenant_id ?? tenant_id, group_id: profile.group.id }] : [],
  );

/** The settings file of a process that plays these roles: their own sections, and none of another role's. */
export function settingsFileText({ roles: _, ...settings }: WorkerSettings, roles: readonly Role[]): string {
  const others = new Set<string>(ROLES.filter((role) => !roles.includes(role)));
  const own = Object.fromEntries(Object.entries(settings).filter(([member]) => !others.has(member)));
  return `${JSON.stringify(own, null, 2)}\n`;
}

/** Where a role's settings file lies. */
export const workerFile = (layout: Layout, role: Role): string => path.join(layout.workers, `${fileNameOf(role)}.json`);

/** Writes a settings file a role, each for `reseal worker --roles ROLE --config FILE`. */
export async function writeWorkerFiles(layout: Layout, settings: WorkerSettings): Promise<void> {
  await mkdir(layout.workers, { recursive: true, mode: 0o700 });
  for (const role of ROLES) await writeFile(workerFile(layout, role), settingsFileText(settings, [role]));
}
