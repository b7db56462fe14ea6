import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { KEY_ID, MIN_SECRET_BYTES, secretOfFile } from '../proofs/sentinel-signed-entry.js';
import type { Log } from './role-context.js';

const keyIdSchema = z.string().regex(KEY_ID, 'a key id is 1 to 128 printable ASCII characters without spaces');

/**
 * Where the HMAC secrets of Sentinel's logs are, by key id: a file each, or a folder whose files are named after their key
 * ids. Without one nothing can be imported.
 */
export const importKeysSchema = z.union([z.record(keyIdSchema, z.string().min(1)), z.string().min(1)]);
export type ImportKeyPlaces = z.output<typeof importKeysSchema>;

/**
 * Reads the secrets when they are asked for, so that a new one needs no restart. A file that cannot count is left out and
 * logged by its key id: readable by others, too short, or not there.
 */
export async function readImportKeys(places: ImportKeyPlaces, log: Log): Promise<Map<string, Uint8Array>> {
  const keys = new Map<string, Uint8Array>();
  for (const [keyId, file] of await filesOf(places)) {
    const secret = await readSecret(file);
    if (typeof secret === 'string') log('an import key cannot be used', { key_id: keyId, code: secret });
    else keys.set(keyId, secret);
  }
  return keys;
}

async function filesOf(places: ImportKeyPlaces): Promise<[keyId: string, file: string][]> {
  if (typeof places !== 'string') return Object.entries(places);
  const names = await readdir(places).catch(() => []);
  return names.filter((name) => KEY_ID.test(name)).map((name) => [name, path.join(places, name)]);
}

/** The secret, or why it cannot be used. */
async function readSecret(
  file: string,
): Promise<Uint8Array | 'key_missing' | 'key_permissions' | 'key_unreadable' | 'key_too_short'> {
  const found = await stat(file).catch(() => null);
  if (found === null || !found.isFile()) return 'key_missing';
  if ((found.mode & 0o077) !== 0) return 'key_permissions';
  const bytes = found.size > 65_536 ? null : await readFile(file).catch(() => null);
  if (bytes === null) return 'key_unreadable';
  const secret = secretOfFile(bytes);
  return secret.length < MIN_SECRET_BYTES ? 'key_too_short' : secret;
}
