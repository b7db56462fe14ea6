import type { SignedKind } from '../../domain/signed-documents.js';
import { mergeSignatures } from '../../proofs/contract-signing.js';
import type { ContractRegistry } from '../../proofs/contract-registry.js';

/**
 * Several registries as one, for reading: what any of them has is there, with the signatures that any of them has; what two
 * say differently under one name, a signature too, is as the first of them says, so the one that is trusted most comes first. One that
 * cannot be reached hides what it has, as any registry may; only when none can be reached does a read reject. `put` goes to
 * the last.
 */
export function joinedRegistry(...registries: readonly [ContractRegistry, ...ContractRegistry[]]): ContractRegistry {
  const fromAll = async <T>(read: (registry: ContractRegistry) => Promise<T>): Promise<T[]> => {
    const answers = await Promise.allSettled(registries.map(read));
    const reached = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
    const [first] = answers;
    if (reached.length === 0 && first?.status === 'rejected') throw first.reason;
    return reached;
  };
  return {
    list: async (kind) => [...new Set((await fromAll((registry) => registry.list(kind))).flat())],
    fetch: async (kind: SignedKind, name: string) => {
      const found = (await fromAll((registry) => registry.fetch(kind, name))).filter((one) => one !== undefined);
      return found.reduce<unknown>(
        (one, other) => (one === undefined ? other : (mergeSignatures(other, one) ?? one)),
        undefined,
      );
    },
    put: (kind, envelope) => (registries.at(-1) ?? registries[0]).put(kind, envelope),
  };
}
