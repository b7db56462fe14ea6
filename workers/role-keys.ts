import { mkdir, open, readFile, rename, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Role } from '../domain/roles.js';
import { exportRolePrivateKey, generateRoleKey, importRolePrivateKey, type RoleKey } from '../proofs/role-key.js';
import { SettingsError } from './settings-error.js';

/** Where a local stack keeps a role's signing key: each in a folder of its own, so that a process can be given just that. */
export const roleKeyPath = (directory: string, role: Role): string =>
  path.join(directory, fileNameOf(role), 'signing-key.pem');

/** A role's name as part of a file's. */
export const fileNameOf = (role: Role): string => role.replace(':', '-');

/**
 * Reads one role's signing key: PKCS#8 PEM, mode 0600. Throws SettingsError: `role_key_missing` naming the role and the
 * file, `role_key_permissions` with the command to run, `role_key_invalid`. The key itself never appears in a message.
 */
export async function readRoleKey(file: string, role: Role): Promise<RoleKey> {
  const mode = await stat(file).then(
    (found) => found.mode,
    () => null,
  );
  if (mode === null) {
    const message = `role ${role} has no signing key: expected an Ed25519 key in PKCS#8 PEM at ${file}`;
    throw new SettingsError('role_key_missing', message);
  }
  if ((mode & 0o077) !== 0) {
    throw new SettingsError('role_key_permissions', `${file} can be read by others: chmod 600 ${file}`);
  }
  const read = importRolePrivateKey(await readFile(file, 'utf8'));
  if (!read.ok)
    throw new SettingsError('role_key_invalid', `${file}: ${read.reason}: expected an Ed25519 key in PKCS#8 PEM`);
  return read.key;
}

/** Reads a role's key, or makes one on first start: for the local stack, where one process plays all roles. */
export async function readOrCreateRoleKey(directory: string, role: Role): Promise<RoleKey> {
  const file = roleKeyPath(directory, role);
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  // A stack of the first release kept all keys in one folder.
  await rename(path.join(directory, `${fileNameOf(role)}.pem`), file).catch(() => undefined);
  const exists = await open(file, 'r').then(
    (handle) => handle.close().then(() => true),
    () => false,
  );
  if (!exists) await writeFile(file, exportRolePrivateKey(generateRoleKey()), { mode: 0o600, flag: 'wx' });
  return readRoleKey(file, role);
}
