import { open } from 'node:fs/promises';
import { TargetFailure } from './adapter.js';

const MAX_BYTES = 4096;
const TOKEN = /^[\x21-\x7e]+$/;

/**
 * The bearer token in a file, read for each call, so that it can be changed at any time. Throws TargetFailure
 * `token_unreadable`: not there, readable by others, or no token. The token itself is in no message.
 */
export async function readToken(file: string): Promise<string> {
  const failed = (why: string): TargetFailure => new TargetFailure('token_unreadable', `${file}: ${why}`);
  const handle = await open(file, 'r').catch((error: NodeJS.ErrnoException) => {
    throw failed(error.code ?? 'cannot be opened');
  });
  try {
    const found = await handle.stat();
    if (!found.isFile()) throw failed('not a file');
    if ((found.mode & 0o077) !== 0) throw failed(`can be read by others: chmod 600 ${file}`);
    if (found.size > MAX_BYTES) throw failed(`longer than ${MAX_BYTES} bytes`);
    const token = (await handle.readFile('utf8')).trim();
    if (!TOKEN.test(token)) throw failed('expected one line of visible ASCII characters');
    return token;
  } finally {
    await handle.close();
  }
}
