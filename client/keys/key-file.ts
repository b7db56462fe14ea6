import { constants } from 'node:fs';
import { open, readFile } from 'node:fs/promises';

import { SignerError } from './signer.js';

/** A key file's text and which half it holds. */
export interface KeyFile {
  kind: 'private' | 'public';
  text: string;
}

const MAX_BYTES = 64 * 1024;

/**
 * Reads a key file. Mode and content come from one open file, so that it cannot be swapped in between.
 *
 * @throws {SignerError} `key_file_not_found`, `key_file_unreadable` (no regular file, no permission, over 64 KiB),
 * `key_file_permissions` when it is a private key that group or others may touch.
 */
export async function readKeyFile(path: string): Promise<KeyFile> {
  // O_NONBLOCK: a named pipe in place of the file must not hang the command.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((error: unknown) => {
    throw unreadable(path, error);
  });
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw new SignerError('key_file_unreadable', `${path} is not a regular file`);
    if (stat.size > MAX_BYTES) throw new SignerError('key_file_unreadable', `${path} is larger than 64 KiB`);
    const text = await file.readFile('utf8');
    if (!text.includes('PRIVATE KEY-----')) return { kind: 'public', text };
    if ((stat.mode & 0o077) !== 0) {
      const mode = (stat.mode & 0o777).toString(8).padStart(4, '0');
      throw new SignerError(
        'key_file_permissions',
        `${path} has mode ${mode}: other accounts may have read this private key. Run \`chmod 600 ${path}\``,
      );
    }
    return { kind: 'private', text };
  } finally {
    await file.close();
  }
}

/** The public key line in `path`.pub, if there is one. */
export async function readPublicKeyBeside(path: string): Promise<string | undefined> {
  try {
    return (await readFile(`${path}.pub`, 'utf8')).slice(0, MAX_BYTES);
  } catch {
    return undefined;
  }
}

function unreadable(path: string, error: unknown): SignerError {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT') return new SignerError('key_file_not_found', `there is no key file ${path}`);
  return new SignerError('key_file_unreadable', `cannot read ${path}: ${String(code)}`, { cause: error });
}
