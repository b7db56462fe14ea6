import { parseTrust, type Trust } from '../../proofs/trust.js';
import { ResealError } from '../api/reseal-error.js';
import { readText } from './read-text.js';

/** @throws {ResealError} `config_invalid`, naming the file and what is wrong with it. */
export async function readTrustRoots(path: string): Promise<Trust> {
  const parsed = parseTrust(await readText(path));
  if (parsed.ok) return parsed.trust;
  throw new ResealError('config_invalid', `${path}: ${parsed.message}`);
}
