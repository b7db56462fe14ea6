import { dirname, isAbsolute, join, resolve } from 'node:path';
import { z } from 'zod';
import { upwards } from './dev-file.js';
import { faulty } from './policy-file.js';
import { readTextIfThere } from './read-text.js';
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
    payload_keyring: z.string().min(1).optional(),
    database_url: z.string().min(1).optional(),
    temporal: z
      .strictObject({
        address: z.string().min(1).optional(),
        namespace: z.string().min(1).optional(),
        ui_url: z.url({ protocol: /^https?$/ }).optional(),
      })
      .default({}),
  })
  .nullable()
  .transform((settings) => settings ?? { temporal: {} });
export type SettingsFile = z.output<typeof settingsFileSchema>;

const PATHS = ['key', 'trust', 'roster', 'policy', 'payload_keyring'] as const;
type Env = Readonly<Record<string, string | undefined>>;

/**
 * The nearest `reseal.yaml` from this folder upwards, or else `reseal/reseal.yaml` in the XDG configuration folder
 * (https://specifications.freedesktop.org/basedir-spec/latest/); an empty one when there is none.
 *
 * @throws {ResealError} `config_invalid`, naming file, line and value.
 */
export async function findSettingsFile(cwd: string, env: Env): Promise<SettingsFile> {
  const home = env['HOME'] ?? '';
  const xdg = env['XDG_CONFIG_HOME'] ?? (home === '' ? '' : join(home, '.config'));
  const candidates = [...upwards(cwd)].map((folder) => join(folder, 'reseal.yaml'));
  if (isAbsolute(xdg)) candidates.push(join(xdg, 'reseal', 'reseal.yaml'));
  for (const file of candidates) {
    const text = await readTextIfThere(file);
    if (text === undefined) continue;
    const read = readYaml(text, settingsFileSchema);
    if (!read.ok) throw faulty(file, read.faults);
    return withPaths(read.value, dirname(file), home);
  }
  return { temporal: {} };
}

function withPaths(settings: SettingsFile, folder: string, home: string): SettingsFile {
  const absolute = { ...settings };
  for (const name of PATHS) {
    const value = absolute[name];
    if (value !== undefined) absolute[name] = resolve(folder, value.replace(/^~(?=\/)/, home));
  }
  return absolute;
}
