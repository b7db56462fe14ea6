import { readFile } from 'node:fs/promises';
import type { Clock } from '../activities/clock.js';
import { directoryRegistry } from '../activities/contracts/directory-registry.js';
import { httpRegistry, isRegistryUrl } from '../activities/contracts/http-registry.js';
import { joinedRegistry } from '../activities/contracts/joined-registry.js';
import { promptRegistry } from '../activities/contracts/prompt-registry.js';
import type { Database } from '../activities/register/database.js';
import type { Log } from '../activities/register/holdings.js';
import { registerRegistry } from '../activities/register/published-documents.js';
import type { ContractRegistry } from '../proofs/contract-registry.js';
import { parseContractRoots, type ContractRoots } from '../proofs/contract-roots.js';
import { ContractBook } from './contract-book.js';
import type { WorkerSettings } from './settings.js';

/**
 * The book that settings describe, with what can be read now. Never rejects because of roots or registry: it logs why.
 * A process that holds the register (`own`) reads what was published to it besides the registry that it is told.
 */
export function openContractBook(
  settings: WorkerSettings['contracts'],
  clock: Clock,
  log: Log,
  own: Database | null = null,
): Promise<ContractBook> {
  const { registry, series, roster_series: rosterSeries, roots_path } = settings;
  const roots = (): Promise<ContractRoots> => readRoots(roots_path);
  const configured = openRegistry(registry);
  return ContractBook.open({
    registry:
      own === null ? configured : joinedRegistry(registerRegistry(own, { roots }), beside(registry, configured)),
    roots,
    series,
    rosterSeries,
    clock,
    log,
  });
}

/** One over the network holds up nothing that the register itself has. */
const beside = (place: string, registry: ContractRegistry): ContractRegistry =>
  isRegistryUrl(place) ? promptRegistry(registry) : registry;

/** The registry that settings name: a gateway's address, or a directory. */
export const openRegistry = (place: string): ContractRegistry =>
  isRegistryUrl(place) ? httpRegistry(place) : directoryRegistry(place);

/** The contract roots in a file. Rejects with an error whose `code` says why. */
export async function readRoots(file: string): Promise<ContractRoots> {
  const parsed = parseContractRoots(await readFile(file));
  if (parsed.ok) return parsed.roots;
  throw Object.assign(new Error(`${file}: ${parsed.message}`), { code: parsed.code });
}
