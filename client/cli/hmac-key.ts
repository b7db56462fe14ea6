import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { KEY_ID, MIN_SECRET_BYTES, secretOfFile, type SentinelKey } from '../../proofs/sentinel-signed-entry.js';
import { ResealError } from '../api/reseal-error.js';
import type { HmacOptions } from './audit-options.js';
import type { Session } from './session.js';

const MAX_BYTES = 64 * 1024;

/**
 * The secret of `--key-file`, and the key id of `--key-id` where one is given. What a file holds never appears in a message.
 *
 * @throws {ResealError} `usage`, naming the flag and what was expected.
 */
export async function readHmacKey(session: Session, { keyFile, keyId }: HmacOptions): Promise<SentinelKey> {
  if (keyFile === undefined) {
    throw new ResealError('usage', '--key-file is missing: no line is taken or written without its signature', {
      hint: "the file holds the HMAC secret of Sentinel's log, at least 32 bytes",
    });
  }
  if (keyId !== undefined && !KEY_ID.test(keyId)) {
    throw new ResealError('usage', '--key-id is 1 to 128 printable ASCII characters without spaces');
  }
  const path = resolve(session.io.cwd, keyFile);
  const unreadable = (why: string, cause?: unknown): never => {
    throw new ResealError('usage', `--key-file: ${path} cannot be read: ${why}`, { cause });
  };
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => unreadable(error.code ?? 'unknown', error));
  if (!found.isFile()) unreadable('it is not a regular file');
  if (found.size > MAX_BYTES) unreadable(`it is larger than ${MAX_BYTES} bytes, which no secret is`);
  if ((found.mode & 0o077) !== 0) session.warn(`${path} can be read by others: chmod 600 ${path}`);
  const secret = secretOfFile(
    await readFile(path).catch((error: NodeJS.ErrnoException) => unreadable(error.code ?? 'unknown', error)),
  );
  if (secret.length < MIN_SECRET_BYTES) {
    throw new ResealError(
      'usage',
      `--key-file: ${path} holds ${secret.length} bytes, a secret has at least ${MIN_SECRET_BYTES}`,
    );
  }
  return keyId === undefined ? { secret } : { key_id: keyId, secret };
}
