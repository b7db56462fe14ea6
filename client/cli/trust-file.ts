import { resolve } from 'node:path';
import type { Trust } from '../../proofs/trust.js';
import { ResealError } from '../api/reseal-error.js';
import { readTrustRoots } from '../config/trust-roots.js';
import type { Session } from './session.js';

/**
 * The trust roots: `--trust`, or where the configuration says.
 *
 * @throws {ResealError} `usage` when nobody said, `config_invalid`.
 */
export async function readTrust(session: Session, flag: string | undefined): Promise<{ trust: Trust; path: string }> {
  const path = flag === undefined ? (await session.settings()).trustPath : resolve(session.io.cwd, flag);
  if (path === undefined) {
    throw new ResealError('usage', 'whose signatures are trusted?', { hint: 'pass --trust FILE or set RESEAL_TRUST' });
  }
  return { trust: await readTrustRoots(path), path };
}
