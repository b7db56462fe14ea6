import { instant } from '../../../domain/identifiers.js';
import { revocationsSchema } from '../../../domain/signed-documents.js';
import { toBeSigned } from '../../../proofs/contract-signing.js';
import { isDocumentName } from '../../../proofs/contract-registry.js';
import { ResealError } from '../../api/reseal-error.js';
import { signByAll } from '../../contract/contract-signers.js';
import { readRegistryIfThere } from '../../contract/registry-at.js';
import { momentFlag, signingMeans, contractPlace, type SigningOptions } from '../contract-place.js';
import type { Session } from '../session.js';
import { put } from './contract-publish.js';

export interface RevokeOptions extends SigningOptions {
  keyid?: string[];
  freshUntil?: string;
}

const FRESH_MS = 30 * 24 * 3600 * 1000;

/**
 * `reseal contract revoke [DIGEST…]`: the next list of revocations, with all that the newest one says. Without a digest and
 * without `--keyid` it says the same again and is fresh for longer.
 */
export async function revokeContracts(session: Session, digests: string[], options: RevokeOptions): Promise<number> {
  const means = signingMeans(session, options);
  const at = await contractPlace(session, options);
  const nowMs = session.now();
  const { shown, known } = await readRegistryIfThere(at.place, at.roots, nowMs);
  const [contracts, rosters] = [known.revocations?.contracts ?? [], known.revocations?.rosters ?? []].map((list) => [
    ...list,
  ]);
  for (const digest of digests) {
    if (!isDocumentName('contract', digest))
      throw new ResealError('usage', `"${digest}" is no digest: expected 64 characters of hex`);
    const [isContract, isRoster] = [shown.contract.has(digest), shown.roster.has(digest)];
    if (!isContract && !isRoster)
      throw new ResealError('not_found', `the registry has no contract and no roster ${digest}`, {
        hint: 'reseal contract list says what it has',
      });
    if (isContract) contracts?.push(digest);
    if (isRoster) rosters?.push(digest);
  }
  const keys = [...(known.revocations?.keys ?? []), ...(options.keyid ?? [])];
  for (const keyid of options.keyid ?? [])
    if (!at.roots.keys.has(keyid)) throw new ResealError('not_found', `the contract roots have no key ${keyid}`);
  // A list that still waits for signatures has its number too.
  const waiting = [...shown.revocations.keys()].filter((name) => Number(name) > (known.revocations?.number ?? 0));
  if (waiting.length > 0)
    session.warn(`list ${waiting.join(', ')} waits for signatures: what it takes back is not in this one`);
  const number = 1 + Math.max(0, ...[...shown.revocations.keys()].map(Number), known.revocations?.number ?? 0);
  const once = (list: readonly string[] = []): string[] => [...new Set(list)].sort();
  const parsed = revocationsSchema.safeParse({
    schema: 'reseal.revocations.v1',
    number,
    issued_at: instant(nowMs),
    fresh_until:
      options.freshUntil === undefined ? instant(nowMs + FRESH_MS) : momentFlag('--fresh-until', options.freshUntil),
    contracts: once(contracts),
    rosters: once(rosters),
    keys: once(keys),
  });
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new ResealError('usage', `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`, {
      hint: '--fresh-until is at most 92 days from now',
    });
  }
  const unsigned = toBeSigned('revocations', parsed.data);
  return await put(session, at, 'revocations', await signByAll('revocations', unsigned, means, at.roots, nowMs));
}
