import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { guidSchema } from '../domain/identifiers.js';
import { ROLES, type Role } from '../domain/roles.js';
import { noticeChannelsSchema } from './notice-settings.js';
import { importKeysSchema } from './import-keys.js';
import { SettingsError } from './settings-error.js';

const roleSchema = z.enum(ROLES as [Role, ...Role[]]);

const LOOPBACK_URL = /^http:\/\/(127\.0\.0\.1|\[::1\]):\d{1,5}$/;
const LOOPBACK_ADDRESS = /^(127\.0\.0\.1|localhost|\[::1\]):\d{1,5}$/;

/** Which registered application acts for which job: granter and remover, session ender, reader. */
export const applicationsSchema = z.strictObject({
  directory_role: guidSchema,
  sessions: guidSchema,
  verifier: guidSchema,
});

/**
 * What a worker process is told: which roles it plays, and where each role's own credentials are. JSON, snake_case. A
 * role that is not listed needs nothing of its own here.
 */
export const settingsSchema = z.strictObject({
  roles: z.array(roleSchema).min(1),
  temporal: z.strictObject({
    address: z.string().min(1),
    namespace: z.string().min(1),
    /** Base address of Temporal's Web UI, for the links in notices. */
    ui_url: z.url().optional(),
  }),
  payload_keyring_path: z.string(),
  role_keys_dir: z.string(),
  trust_path: z.string(),
  roster_path: z.string(),
  policy_path: z.string(),
  /** PostgreSQL. PGlite is opened by the local stack's own process alone: two processes on one folder corrupt it. */
  database_url: z.string().nullable(),
  graph: z.discriminatedUnion('mode', [
    z.strictObject({
      mode: z.literal('loopback'),
      url: z.string().regex(LOOPBACK_URL, 'expected http://127.0.0.1:PORT: a simulator runs on this machine'),
      applications: applicationsSchema,
    }),
    z.strictObject({
      mode: z.literal('entra'),
      applications: applicationsSchema,
      credential: z.enum(['workload_identity', 'managed_identity', 'client_certificate']),
      certificate_path: z.string().optional(),
    }),
  ]),
  protected_object_ids: z.array(guidSchema).default([]),
  clock: z.enum(['system', 'virtual']).default('system'),
  /** For the register role: where the channels that a policy names lead. */
  notice_channels: noticeChannelsSchema.optional(),
  /** For the register role: the HMAC secrets of Sentinel's logs that may be imported. */
  sentinel_import_keys: importKeysSchema.optional(),
  reconcile_seconds: z.number().int().min(1).max(3600).default(15),
});
export type WorkerSettings = z.output<typeof settingsSchema>;

/** Reads a settings file. Throws SettingsError naming the file, the member and what was expected. */
export async function readSettings(file: string): Promise<WorkerSettings> {
  const text = await readFile(file, 'utf8').catch(() => {
    throw new SettingsError('file_missing', `${file} cannot be read`);
  });
  return parseSettings(text, file);
}

export function parseSettings(text: string, file: string): WorkerSettings {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new SettingsError('settings_invalid', `${file} is not JSON`);
  }
  const parsed = settingsSchema.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new SettingsError(
      'settings_invalid',
      `${file}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not valid'}`,
    );
  }
  const { clock, graph, temporal } = parsed.data;
  if (clock === 'virtual' && (graph.mode !== 'loopback' || !LOOPBACK_ADDRESS.test(temporal.address))) {
    throw new SettingsError(
      'virtual_time_outside_the_local_stack',
      `${file}: clock "virtual" is for the local stack alone: use "system"`,
    );
  }
  return parsed.data;
}
