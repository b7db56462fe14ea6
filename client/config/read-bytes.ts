import { open } from 'node:fs/promises';
import { ResealError } from '../api/reseal-error.js';

/**
 * Reads a regular file of at most `most` bytes.
 *
 * @throws {ResealError} `usage`, naming the file.
 */
export async function readBytes(path: string, most: number): Promise<Buffer> {
  const unreadable = (error: NodeJS.ErrnoException): never => {
    throw new ResealError('usage', `${path} cannot be read: ${error.code ?? 'unknown error'}`, { cause: error });
  };
  const file = await open(path, 'r').catch(unreadable);
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw new ResealError('usage', `${path} is not a regular file`);
    const tooLarge = (size: number): ResealError =>
      new ResealError('usage', `${path} has ${size} bytes, at most ${most} are read`);
    if (stat.size > most) throw tooLarge(stat.size);
    const bytes = await file.readFile();
    // Files of the kernel have no size until they are read.
    if (bytes.length > most) throw tooLarge(bytes.length);
    return bytes;
  } finally {
    await file.close();
  }
}
