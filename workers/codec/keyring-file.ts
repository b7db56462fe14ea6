import { link, mkdir, open, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { jsonOrNull } from '../../domain/json-or-null.js';
import { KeyringError, makeKeyring, newKey, type Keyring } from './keyring.js';

const keyringFile = z.strictObject({
  current: z.string(),
  keys: z
    .array(z.strictObject({ id: z.string(), key_b64: z.base64() }))
    .min(1)
    .max(64),
});

/**
 * Reads a keyring file: JSON `{current, keys: [{id, key_b64}]}`. Throws KeyringError: `keyring_unreadable`;
 * `keyring_permissions` when its group or others may do anything with it (the message has the command to run);
 * `keyring_invalid`.
 */
export async function readKeyringFile(path: string): Promise<Keyring> {
  const parsed = keyringFile.safeParse(jsonOrNull(await readPrivate(path)));
  // Zod's own message could quote the file, and the file holds keys.
  if (!parsed.success) throw new KeyringError('keyring_invalid', `${path} is not a keyring file`);
  const { current, keys } = parsed.data;
  return makeKeyring(
    current,
    keys.map(({ id, key_b64 }) => [id, Buffer.from(key_b64, 'base64')] as const),
  );
}

/**
 * Reads the keyring file, or makes one with a fresh key (mode 0600) when there is none. Two processes that start
 * together end up with the same keyring. Throws as `readKeyringFile` does.
 */
export async function readOrCreateKeyringFile(path: string): Promise<Keyring> {
  const { id, key } = newKey();
  const record = { current: id, keys: [{ id, key_b64: Buffer.from(key).toString('base64') }] };
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const draft = `${path}.${id}.tmp`;
  await writeFile(draft, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
  try {
    // link(2) fails where a file exists already: that one wins, whole.
    await link(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await rm(draft, { force: true });
  }
  return readKeyringFile(path);
}

async function readPrivate(path: string): Promise<string> {
  const file = await open(path, 'r').catch((error: unknown) => {
    throw new KeyringError('keyring_unreadable', `the keyring file ${path} cannot be read`, { cause: error });
  });
  try {
    // On the open file, so that nothing can be exchanged between the check and the reading.
    const { mode } = await file.stat();
    if ((mode & 0o077) !== 0) {
      throw new KeyringError('keyring_permissions', `others may use the keyring file; run: chmod 600 '${path}'`);
    }
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}
