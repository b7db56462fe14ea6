import { open } from 'node:fs/promises';
import { ResealError } from '../api/reseal-error.js';

/**
 * Writes a file of mode 0600 that was not there before; with `force` also over one that was.
 *
 * @throws {ResealError} `usage`, naming the file.
 */
export async function writeNew(path: string, text: string, force: boolean): Promise<void> {
  const file = await open(path, force ? 'w' : 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST') throw new ResealError('usage', `${path} exists`, { hint: '--force overwrites it' });
    throw new ResealError('usage', `${path} cannot be written: ${error.code ?? 'unknown error'}`, { cause: error });
  });
  try {
    await file.writeFile(text, 'utf8');
  } finally {
    await file.close();
  }
}
