import { directoryRegistry } from '../../activities/contracts/directory-registry.js';
import { httpRegistry, isRegistryUrl, PublicationRefused } from '../../activities/contracts/http-registry.js';
import { SIGNED_KINDS, type SignedKind } from '../../domain/signed-documents.js';
import { documentName, type ContractRegistry } from '../../proofs/contract-registry.js';
import type { ContractRoots } from '../../proofs/contract-roots.js';
import { openShown, type Known } from '../../proofs/contracts-known.js';
import { knownCode, ResealError } from '../api/reseal-error.js';

/**
 * The registry in a directory, or behind an `https:` address (`http:` on this machine alone).
 *
 * Its methods reject with {@link ResealError} `registry_unreachable`, naming the place, and `put` with the code of a registry
 * that was reached and did not take the document.
 */
export function registryAt(place: string): ContractRegistry {
  const isUrl = /^[a-z][a-z0-9+.-]*:\/\//i.test(place);
  if (isUrl && !isRegistryUrl(place))
    throw new ResealError('usage', `--registry "${place}" is no registry: expected a directory or an https URL`, {
      hint: 'http is taken for this machine alone, and no user or password in the address',
    });
  const registry = isUrl ? httpRegistry(place) : directoryRegistry(place);
  const told = async <T>(work: Promise<T>): Promise<T> =>
    work.catch((error: NodeJS.ErrnoException) => {
      if (error instanceof PublicationRefused)
        throw new ResealError(knownCode(error.code), `${place} did not take it: ${error.message}`, { cause: error });
      const why = error.code ?? error.message;
      throw new ResealError('registry_unreachable', `the registry ${place} cannot be reached: ${why}`, {
        hint: isUrl ? 'see --registry' : 'the first `reseal contract publish` makes the directory; see --registry',
        cause: error,
      });
    });
  return {
    list: (kind) => told(registry.list(kind)),
    fetch: (kind, name) => told(registry.fetch(kind, name)),
    put: (kind, envelope) => told(registry.put(kind, envelope)),
  };
}

/** A registry's documents by kind and by the names under which it has them, and what of them counts. */
export interface RegistryView {
  shown: Record<SignedKind, Map<string, unknown>>;
  known: Known;
}

/** Reads all that a registry shows and opens it at `nowMs` (epoch milliseconds). */
export async function readRegistry(
  registry: ContractRegistry,
  roots: ContractRoots,
  nowMs: number,
): Promise<RegistryView> {
  const shown = { contract: new Map(), roster: new Map(), revocations: new Map() } as RegistryView['shown'];
  for (const kind of SIGNED_KINDS)
    for (const name of await registry.list(kind)) {
      const envelope = await registry.fetch(kind, name);
      if (envelope !== undefined) shown[kind].set(name, envelope);
    }
  const { contract: contracts, roster: rosters, revocations } = shown;
  return { shown, known: openShown({ contracts, rosters, revocations }, roots, nowMs) };
}

/** The same of a registry that nothing was put into yet: a directory that is not there is an empty one. */
export async function readRegistryIfThere(place: string, roots: ContractRoots, nowMs: number): Promise<RegistryView> {
  try {
    return await readRegistry(registryAt(place), roots, nowMs);
  } catch (error) {
    const { cause } = error as { cause?: NodeJS.ErrnoException };
    if (cause?.code !== 'ENOENT') throw error;
    const none = { contracts: [], rosters: [], revocations: [] };
    return {
      shown: { contract: new Map(), roster: new Map(), revocations: new Map() },
      known: openShown(none, roots, nowMs),
    };
  }
}

/**
 * The envelope of a name, of whichever kind.
 *
 * @throws {ResealError} `not_found`, and `verification_failed` when what is there is not what it is called.
 */
export async function fetchNamed(
  registry: ContractRegistry,
  name: string,
  kinds: readonly SignedKind[] = SIGNED_KINDS,
): Promise<{ kind: SignedKind; envelope: unknown }> {
  for (const kind of kinds) {
    const envelope = await registry.fetch(kind, name);
    if (envelope === undefined) continue;
    if (documentName(kind, envelope) === name) return { kind, envelope };
    throw new ResealError('verification_failed', `${kind}_changed: what the registry calls ${name} is something else`);
  }
  throw new ResealError('not_found', `the registry has no ${kinds.join(' or ')} ${name}`, {
    hint: 'reseal contract list says what it has',
  });
}
