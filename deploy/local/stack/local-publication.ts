import { PublicationError } from '../../../activities/register/published-documents.js';
import { documentName, type ContractRegistry } from '../../../proofs/contract-registry.js';
import { mergeSignatures } from '../../../proofs/contract-signing.js';

/**
 * What is published over HTTP to a local stack: the register judges and keeps it, and the stack's own directory, which the
 * roles, the command line and the next start read, gets what the register took. A number that the directory has given to
 * another list already is refused.
 */
export function localPublication(register: ContractRegistry, directory: ContractRegistry): ContractRegistry {
  return {
    list: (kind) => register.list(kind),
    fetch: (kind, name) => register.fetch(kind, name),
    put: async (kind, envelope) => {
      const wanted = documentName(kind, envelope);
      const there = wanted === undefined ? undefined : await directory.fetch(kind, wanted);
      if (there !== undefined && mergeSignatures(there, envelope) === undefined)
        throw new PublicationError('publication_taken', `another ${kind} ${wanted ?? ''} is there already`);
      const name = await register.put(kind, envelope);
      await directory.put(kind, envelope);
      return name;
    },
  };
}
