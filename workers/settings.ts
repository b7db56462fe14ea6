import { z } from 'zod';
import { isRegistryUrl } from '../activities/contracts/http-registry.js';
import { seriesSchema } from '../domain/contract.js';
import { guidSchema } from '../domain/identifiers.js';
import { isSigning, type Role } from '../domain/roles.js';
import { modelReceiptKeySchema } from '../proofs/model-receipt.js';
import { attestationSettingsSchema } from './attestation-settings.js';
import { jobRuntimesSchema, noticeChannelsSchema } from './notice-settings.js';
import { importKeysSchema } from './import-keys.js';
import { SettingsError } from './settings-error.js';
import { sinksSchema } from './sink-settings.js';

const LOOPBACK_URL = /^http:\/\/(127\.0\.0\.1|\[::1\]):\d{1,5}$/;
const LOOPBACK_ADDRESS = /^(127\.0\.0\.1|localhost|\[::1\]):\d{1,5}$/;
const pathSchema = z.string().min(1);

/** Which registered application acts for which job: granter and remover, session ender, reader, sweeper. Public, and known to all roles. */
export const applicationsSchema = z.strictObject({
  directory_role: guidSchema,
  sessions: guidSchema,
  verifier: guidSchema,
  sweeper: guidSchema,
  /** Where no policy gives membership of a group, there need be none. */
  group_membership: guidSchema.optional(),
  /** Where nothing is rotated, and no account disabled, there need be none. */
  credentials: guidSchema.optional(),
  account: guidSchema.optional(),
  /** Where no Conditional Access policy is edited there need be none. */
  conditional_access: guidSchema.optional(),
  /** Where no role is given outside PIM there need be none. */
  role_assignment: guidSchema.optional(),
  /** Where containment touches no account there need be none. */
  containment: guidSchema.optional(),
});
export type GraphJob = keyof z.output<typeof applicationsSchema>;

const temporalSchema = z.strictObject({
  address: z.string().min(1),
  namespace: z.string().min(1),
  /** Base address of Temporal's Web UI, for the links in notices. */
  ui_url: z.url().optional(),
  /** TLS with the system's roots, or with files of your own; left out, it is on exactly where an API key is given. */
  tls: z
    .union([
      z.boolean(),
      z.strictObject({
        server_root_ca_path: pathSchema.optional(),
        client_cert_path: pathSchema.optional(),
        client_key_path: pathSchema.optional(),
        server_name: z.string().min(1).optional(),
      }),
    ])
    .optional(),
  /** A file with this role's API key or JWT; read again twice a minute. */
  api_key_path: pathSchema.optional(),
  /** Secret: from RESEAL_TEMPORAL_API_KEY alone. */
  api_key: z.string().min(1).optional(),
});
export type TemporalSettings = z.output<typeof temporalSchema>;

/** One role's own Graph identity. */
const graphSchema = z.discriminatedUnion('mode', [
  z.strictObject({
    mode: z.literal('loopback'),
    application_id: guidSchema,
    url: z.string().regex(LOOPBACK_URL, 'expected http://127.0.0.1:PORT: a simulator runs on this machine'),
  }),
  z.strictObject({
    mode: z.literal('entra'),
    application_id: guidSchema,
    credential: z.enum(['workload_identity', 'managed_identity', 'client_certificate']),
    certificate_path: pathSchema.optional(),
  }),
]);
export type GraphSettings = z.output<typeof graphSchema>;

const signing = { signing_key_path: pathSchema };
const withDatabase = {
  ...signing,
  /** A file that holds the URL of PostgreSQL for this role's own database user. */
  database_url_path: pathSchema.optional(),
  /** Secret: from RESEAL_REGISTER_DATABASE_URL or RESEAL_AUTHORITY_DATABASE_URL alone. */
  database_url: z.string().min(1).optional(),
};
const withGraph = { ...signing, graph: graphSchema };

/** What each role holds, and no other does. */
export const SECTIONS = {
  ceremonies: z.strictObject({}),
  register: z.strictObject({
    ...withDatabase,
    /** Where the channels that a policy names lead. */
    notice_channels: noticeChannelsSchema.optional(),
    /** Where foreign runtimes of jobs are told to halt them. */
    job_runtimes: jobRuntimesSchema.optional(),
    /** The HMAC secrets of Sentinel's logs that may be imported. */
    sentinel_import_keys: importKeysSchema.optional(),
    reconcile_seconds: z.number().int().min(1).max(3600).default(15),
  }),
  authority: z.strictObject({
    ...withDatabase,
    /** A directory in which it leaves a copy of each intent that Graph alone does not lead to, for the sweep. */
    intents_dir: pathSchema.optional(),
  }),
  'effect:entra.directory_role': z.strictObject(withGraph),
  'effect:entra.group_membership': z.strictObject(withGraph),
  'effect:entra.sessions': z.strictObject(withGraph),
  'effect:entra.credentials': z.strictObject({
    ...withGraph,
    /** Where new secrets go, by the names that policies use. */
    sinks: sinksSchema.default({}),
  }),
  'effect:entra.account': z.strictObject(withGraph),
  /** What it may contain, and with which tokens, is in its hosts file; without one every containment fails, loudly. */
  'effect:containment': z.strictObject({
    ...withDatabase,
    hosts_path: pathSchema.optional(),
    /** For accounts of the directory, where a host's actions name any. */
    graph: graphSchema.optional(),
  }),
  verifier: z.strictObject({
    ...withGraph,
    /** Gateways whose signed receipts of model calls jobs may hand in. */
    model_receipt_keys: z.array(modelReceiptKeySchema).max(64).optional(),
    /** The hosts it looks at, with tokens that can only read; without one it sees no host. */
    hosts_path: pathSchema.optional(),
    /** By what it judges hosts; without it no host is attested. */
    attestation: attestationSettingsSchema.optional(),
  }),
  /** Its database is the authority's journal, where it reads end marks. */
  'effect:entra.conditional_access': z.strictObject({ ...withDatabase, graph: graphSchema }),
  /** Its database is the authority's journal, where it reads end marks. */
  'effect:entra.role_assignment': z.strictObject({ ...withDatabase, graph: graphSchema }),
  sweeper: z.strictObject({
    ...withGraph,
    /** Where it looks. It asks no policy: what stands must be ended whatever a policy says today. */
    tenant_ids: z.array(guidSchema).min(1).max(1000),
    /** The groups at whose memberships it looks: PIM for Groups lists nothing unless it is told of which group. */
    groups: z
      .array(z.strictObject({ tenant_id: guidSchema, group_id: guidSchema }))
      .max(1000)
      .default([]),
    /** Where the authority leaves its intents: that directory, or a file with an envelope a line. */
    intents_path: pathSchema.optional(),
    /** What it takes to sweep what carries no mark: an identity of its own, and the tenants where such changes are made. */
    unmarked: z.strictObject({ graph: graphSchema, tenant_ids: z.array(guidSchema).min(1).max(1000) }).optional(),
    /** How often its schedule runs; null: by hand alone. */
    every_seconds: z.number().int().min(10).max(3600).nullable().default(60),
    /** Where a sweep from cron leaves its signed report, for `reseal sweep status --standalone`. */
    report_path: pathSchema.optional(),
  }),
} satisfies Record<Role, z.ZodObject>;

/** The job for which a role has a Graph identity. */
export const GRAPH_JOBS: Readonly<Partial<Record<Role, GraphJob>>> = {
  'effect:entra.directory_role': 'directory_role',
  'effect:entra.group_membership': 'group_membership',
  'effect:entra.sessions': 'sessions',
  'effect:entra.credentials': 'credentials',
  'effect:entra.account': 'account',
  'effect:entra.conditional_access': 'conditional_access',
  'effect:entra.role_assignment': 'role_assignment',
  'effect:containment': 'containment',
  verifier: 'verifier',
  sweeper: 'sweeper',
};

/**
 * Where the signed contracts and rosters are, and by whose word. The registry is untrusted; the roots file is this process's
 * own configuration.
 */
export const contractsSchema = z.strictObject({
  /** A directory, or the https address of a gateway. */
  registry: z
    .string()
    .min(1)
    .refine(
      (place) => !place.includes('://') || isRegistryUrl(place),
      'expected a directory, or the https address of a gateway, without a user or a password in it',
    ),
  /** Which series of contracts, and of rosters, this process follows. */
  series: seriesSchema,
  roster_series: seriesSchema,
  /** Who may sign. It may be missing or empty: then nothing is granted here, and everything that stands is still ended. */
  roots_path: pathSchema,
  /** How often all of it is read again: a revocation is heard within that. */
  refresh_seconds: z.number().int().min(1).max(3600).default(15),
});

/**
 * What a worker process is told: what every role needs to know, and a section for each role that it plays with what that
 * role alone holds. JSON, snake_case.
 */
export const settingsSchema = z.strictObject({
  temporal: temporalSchema,
  payload_keyring_path: pathSchema,
  trust_path: pathSchema,
  contracts: contractsSchema,
  applications: applicationsSchema,
  protected_object_ids: z.array(guidSchema).default([]),
  clock: z.enum(['system', 'virtual']).default('system'),
  /** How recoveries are judged; register, authority and containment each go by their own file's. */
  recovery: z
    .strictObject({
      /** A bearer token's word stands for a signed acknowledgement: for machines where no signature is to be had. */
      compat_ack: z.boolean().default(false),
      /** How many besides who acknowledged stand behind a baseline that is newer than the containment, or was waived. */
      quorum: z.number().int().min(1).max(8).default(2),
      /** A `reseal.playbooks.v1` file; the built-in playbook where it is left out. */
      playbooks_path: pathSchema.optional(),
      /** Those before it, by which incidents that they opened still end; `built-in` is the built-in one. */
      former_playbooks_paths: z.array(pathSchema).max(32).default([]),
    })
    .prefault({}),
  /** A directory of this process's own for what its roles refuse; left out, only the log tells of it. */
  attempts_dir: pathSchema.optional(),
  ceremonies: SECTIONS.ceremonies.optional(),
  register: SECTIONS.register.optional(),
  authority: SECTIONS.authority.optional(),
  'effect:entra.directory_role': SECTIONS['effect:entra.directory_role'].optional(),
  'effect:entra.group_membership': SECTIONS['effect:entra.group_membership'].optional(),
  'effect:entra.sessions': SECTIONS['effect:entra.sessions'].optional(),
  'effect:entra.credentials': SECTIONS['effect:entra.credentials'].optional(),
  'effect:entra.account': SECTIONS['effect:entra.account'].optional(),
  'effect:entra.conditional_access': SECTIONS['effect:entra.conditional_access'].optional(),
  'effect:entra.role_assignment': SECTIONS['effect:entra.role_assignment'].optional(),
  'effect:containment': SECTIONS['effect:containment'].optional(),
  verifier: SECTIONS.verifier.optional(),
  sweeper: SECTIONS.sweeper.optional(),
});

/** A process's settings, and the roles it plays. */
export type WorkerSettings = z.output<typeof settingsSchema> & { roles: Role[] };

type Section<R extends Role> = z.output<(typeof SECTIONS)[R]>;

/** A played role's section. Throws SettingsError `role_settings_missing` naming the role and what to write. */
export function sectionOf<R extends Role>(settings: WorkerSettings, role: R): Section<R> {
  const section = settings[role] as Section<R> | undefined;
  if (section !== undefined) return section;
  const members = Object.keys(SECTIONS[role].shape).join(', ');
  throw new SettingsError(
    'role_settings_missing',
    `role ${role} has no settings: add a section "${role}" with what it holds (${members})`,
  );
}

/** Where a role's signing key lies. The ceremonies role signs nothing. */
export function signingKeyPath(settings: WorkerSettings, role: Role): string | null {
  return isSigning(role) ? sectionOf(settings, role).signing_key_path : null;
}

/** The Graph identity of a role that has one. */
export function graphOf(settings: WorkerSettings, role: Role): GraphSettings | null {
  if (GRAPH_JOBS[role] === undefined) return null;
  return sectionOf(settings, role as 'effect:containment').graph ?? null;
}

/** The hosts file of a role that has one. */
export function hostsPathOf(settings: WorkerSettings, role: Role): string | null {
  if (!('hosts_path' in SECTIONS[role].shape)) return null;
  return sectionOf(settings, role as 'verifier').hosts_path ?? null;
}

/**
 * Checks what single members cannot say of themselves. Throws SettingsError naming `source`, the member and what to do.
 */
export function checkTogether(settings: WorkerSettings, source: string): void {
  const { clock, temporal } = settings;
  const graphs = settings.roles.flatMap((role) => graphOf(settings, role) ?? []);
  for (const role of settings.roles) {
    const graph = graphOf(settings, role);
    if (graph?.mode !== 'entra' || graph.credential !== 'client_certificate') continue;
    if (graph.certificate_path !== undefined) continue;
    const message = `${source}: ${role}.graph.certificate_path: credential client_certificate needs the path of a PEM file`;
    throw new SettingsError('settings_invalid', message);
  }
  const onLoopback = LOOPBACK_ADDRESS.test(temporal.address);
  if (clock === 'virtual' && (!onLoopback || graphs.some(({ mode }) => mode !== 'loopback'))) {
    throw new SettingsError(
      'virtual_time_outside_the_local_stack',
      `${source}: clock "virtual" is for the local stack alone: use "system"`,
    );
  }
  const hasKey = temporal.api_key !== undefined || temporal.api_key_path !== undefined;
  if (hasKey && temporal.tls === false && !onLoopback) {
    throw new SettingsError(
      'settings_invalid',
      `${source}: temporal.tls: an API key would travel in clear to ${temporal.address}: take "tls": false out`,
    );
  }
}
