import { open } from 'node:fs/promises';
import { ResealError } from '../api/reseal-error.js';

const MAX_BYTES = 16 * 1024 * 1024;

/**
 * Reads a regular UTF-8 file of at most 16 MiB; undefined when there is none.
 *
 * @throws {ResealError} `config_invalid`, naming the file.
 */
export async function readTextIfThere(path: string): Promise<string | undefined> {
  const failed = (error: unknown): undefined => {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new ResealError('config_invalid', `${path} cannot be read: ${code ?? 'unknown error'}`, { cause: error });
  };
  const file = await open(path, 'r').catch(failed);
  if (file === undefined) return undefined;
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw new ResealError('config_invalid', `${path} is not a regular file`);
    if (stat.size > MAX_BYTES) throw new ResealError('config_invalid', `${path} is larger than 16 MiB`);
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}

/** The same for a file that must be there. */
export async function readText(path: string): Promise<string> {
  const text = await readTextIfThere(path);
  if (text !== undefined) return text;
  throw new ResealError('config_invalid', `there is no file ${path}`);
}
