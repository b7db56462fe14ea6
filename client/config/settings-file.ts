import { dirname, isAbsolute, join, resolve } from 'node:path';
import { z } from 'zod';
import { upwards } from './dev-file.js';
import { faulty } from './policy-file.js';
import { readText, readTextIfThere } from './read-text.js';
import { readYaml } from '../../proofs/yaml-document.js';

/** `reseal.yaml`: all of it optional; paths are relative to the file. */
export const settingsFileSchema = z
  .strictObject({
    gateway: z.url({ protocol: /^https?$/ }).optional(),
    as: z.string().min(1).max(256).optional(),
    key: z.string().min(1).optional(),
    trust: z.string().min(1).optional(),
    roster: z.string().min(1).optional(),
    policy: z.string().min(1).optional(),
    contract_roots: z.string().min(1).optional(),
    /** A directory, or an address. */
    registry: z.string().min(1).optional(),
    payload_keyring: z.string().min(1).optional(),
    /** Where agents of hosts are (`reseal.hosts.v1`), and the folder with the hosts' references. */
    hosts: z.string().min(1).optional(),
    references: z.string().min(1).optional(),
    database_url: z.string().min(1).optional(),
    identities: z
      .array(z.strictObject({ as: z.string().min(1).max(256), key: z.string().min(1) }))
      .max(32)
      .default([]),
    temporal: z
      .strictObject({
        address: z.string().min(1).optional(),
        namespace: z.string().min(1).optional(),
        ui_url: z.url({ protocol: /^https?$/ }).optional(),
        profile: z.string().min(1).max(64).optional(),
      })
      .default({}),
  })
  .nullable()
  .transform((settings) => settings ?? { identities: [], temporal: {} });
/** What the file says; `path` is null when there is none. */
export type SettingsFile = z.output<typeof settingsFileSchema> & { path: string | null };

const PATHS = ['key', 'trust', 'roster', 'policy', 'contract_roots', 'payload_keyring', 'hosts', 'references'] as const;
type Env = Readonly<Record<string, string | undefined>>;

/**
 * The file that `RESEAL_CONFIG` names; else the nearest `reseal.yaml` from this folder upwards; else
 * `reseal/reseal.yaml` in the XDG configuration folder (https://specifications.freedesktop.org/basedir-spec/latest/). An
 * empty one when there is none, unless it was named.
 *
 * @throws {ResealError} `config_invalid`, naming file, line and value.
 */
export async function findSettingsFile(cwd: string, env: Env): Promise<SettingsFile> {
  const home = env['HOME'] ?? '';
  const named = env['RESEAL_CONFIG'] || undefined;
  if (named !== undefined) {
    const file = resolve(cwd, named);
    return readSettingsFile(file, await readText(file), home);
  }
  const xdg = env['XDG_CONFIG_HOME'] ?? (home === '' ? '' : join(home, '.config'));
  const candidates = [...upwards(cwd)].map((folder) => join(folder, 'reseal.yaml'));
  if (isAbsolute(xdg)) candidates.push(join(xdg, 'reseal', 'reseal.yaml'));
  for (const file of candidates) {
    const text = await readTextIfThere(file);
    if (text !== undefined) return readSettingsFile(file, text, home);
  }
  return { identities: [], temporal: {}, path: null };
}

function readSettingsFile(file: string, text: string, home: string): SettingsFile {
  const read = readYaml(text, settingsFileSchema);
  if (!read.ok) throw faulty(file, read.faults);
  const path = (value: string): string => resolve(dirname(file), value.replace(/^~(?=\/)/, home));
  const identities = read.value.identities.map(({ as, key }) => ({ as, key: path(key) }));
  const absolute = { ...read.value, identities, path: file };
  const { registry } = absolute;
  if (registry !== undefined && !registry.includes('://')) absolute.registry = path(registry);
  for (const name of PATHS) {
    const value = absolute[name];
    if (value !== undefined) absolute[name] = path(value);
  }
  return absolute;
}
