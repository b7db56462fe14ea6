import { mkdir, open, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Role } from '../domain/roles.js';
import { exportRolePrivateKey, generateRoleKey, importRolePrivateKey, type RoleKey } from '../proofs/role-key.js';
import { SettingsError } from './settings-error.js';

/** Where a role's signing key lies: one PKCS#8 PEM file a role, mode 0600, so that a process can be given just its own. */
export const roleKeyPath = (directory: string, role: Role): string =>
  path.join(directory, `${role.replace(':', '-')}.pem`);

/**
 * Reads one role's signing key. Throws SettingsError: `role_key_missing` naming the role and the file, `role_key_permissions`
 * with the command to run, `role_key_invalid`. The key itself never appears in a message.
 */
export async function readRoleKey(directory: string, role: Role): Promise<RoleKey> {
  const file = roleKeyPath(directory, role);
  const mode = await stat(file).then(
    (found) => found.mode,
    () => null,
  );
  if (mode === null) throw new SettingsError('role_key_missing', `role ${role} has no signing key: expected ${file}`);
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
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const file = roleKeyPath(directory, role);
  const exists = await open(file, 'r').then(
    (handle) => handle.close().then(() => true),
    () => false,
  );
  if (!exists) await writeFile(file, exportRolePrivateKey(generateRoleKey()), { mode: 0o600, flag: 'wx' });
  return readRoleKey(directory, role);
}
