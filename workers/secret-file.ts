import { readFile, stat } from 'node:fs/promises';
import { SettingsError } from './settings-error.js';

/**
 * A secret from a file of its own, without the white space around it. Throws SettingsError `file_missing`, or
 * `secret_permissions` with the command to run where others can read it. The secret itself is in no message.
 */
export async function readSecretFile(file: string, what: string): Promise<string> {
  const found = await stat(file).catch(() => null);
  if (found === null || !found.isFile()) throw new SettingsError('file_missing', `${file} cannot be read: ${what}`);
  if ((found.mode & 0o077) !== 0) {
    throw new SettingsError('secret_permissions', `${file} can be read by others: chmod 600 ${file} (${what})`);
  }
  const text = await readFile(file, 'utf8').catch(() => '');
  if (text.trim() !== '') return text.trim();
  throw new SettingsError('file_invalid', `${file} is empty or cannot be read: expected ${what}`);
}
