import type { PolicyInForce } from '../../domain/policy-in-force.js';
import type { Roster } from '../../domain/roster.js';
import { readPolicy, readRoster } from '../../proofs/policy-document.js';
import { faultsLine, type Fault, type ReadYaml } from '../../proofs/yaml-document.js';
import { ResealError } from '../api/reseal-error.js';
import { readText } from './read-text.js';

/** @throws {ResealError} `config_invalid`, naming file, line and value. */
export const readPolicyFile = (path: string): Promise<PolicyInForce> => readFileBy(path, readPolicy);

/** @throws {ResealError} `config_invalid`, naming file, line and value. */
export const readRosterFile = (path: string): Promise<Roster> => readFileBy(path, readRoster);

async function readFileBy<T>(path: string, reader: (text: string) => ReadYaml<T>): Promise<T> {
  const read = reader(await readText(path));
  if (read.ok) return read.value;
  throw faulty(path, read.faults);
}

/** What is wrong with a file, as an error. */
export const faulty = (path: string, faults: readonly Fault[]): ResealError =>
  new ResealError('config_invalid', faultsLine(path, faults));
