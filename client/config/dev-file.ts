import { dirname, join } from 'node:path';
import { z } from 'zod';
import { guidSchema } from '../../domain/identifiers.js';
import { ResealError } from '../api/reseal-error.js';
import { readTextIfThere } from './read-text.js';

/** Where the local stack writes what it is and where. */
export const DEV_FILE = join('.reseal', 'dev.json');

const path = z.string().min(1).nullish();
/** Members that this version does not know are left alone: the stack may be newer than the command. */
export const devFileSchema = z.object({
  pid: z.number().int().positive(),
  temporal_address: z.string().min(1),
  temporal_namespace: z.string().min(1),
  temporal_ui_url: z.string().min(1),
  gateway_url: z.url(),
  graph_url: z.string().min(1),
  graph_control_url: z.string().min(1),
  database_url: z.string().nullable(),
  identities: z.array(z.object({ upn: z.string().min(1), object_id: guidSchema, key_path: z.string().min(1) })),
  trust_path: path,
  roster_path: path,
  policy_path: path,
  contract_roots_path: path,
  registry_path: path,
  payload_keyring_path: path,
  references_path: path,
  /** The simulated host, where the stack has one. */
  host: z.object({ hosts_path: path }).nullish(),
});
export type DevFile = z.output<typeof devFileSchema>;

/**
 * What the local stack of this folder, or of the nearest parent that has one, wrote.
 *
 * @throws {ResealError} `config_invalid`, naming file and member.
 */
export async function findDevFile(cwd: string): Promise<DevFile | undefined> {
  for (const folder of upwards(cwd)) {
    const file = join(folder, DEV_FILE);
    const text = await readTextIfThere(file);
    if (text !== undefined) return parseDevFile(file, text);
  }
  return undefined;
}

function parseDevFile(file: string, text: string): DevFile {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new ResealError('config_invalid', `${file}:1: not JSON`, {
      hint: 'start the stack again: reseal dev',
      cause,
    });
  }
  const parsed = devFileSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new ResealError('config_invalid', `${file}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`, {
    hint: 'was it written by another version? Start the stack again: reseal dev',
  });
}

/** The trust roots that a local stack of this folder or a parent left when it stopped: a bundle outlives its stack. */
export async function findLocalTrust(cwd: string): Promise<string | undefined> {
  for (const folder of upwards(cwd)) {
    const file = join(folder, '.reseal', 'trust.json');
    if ((await readTextIfThere(file)) !== undefined) return file;
  }
  return undefined;
}

/** A folder and all that hold it. */
export function* upwards(from: string): Generator<string> {
  for (let folder = from; ; folder = dirname(folder)) {
    yield folder;
    if (folder === dirname(folder)) return;
  }
}
