import type { NamedPlaybook } from '../../domain/incidents/playbook.js';
import { readPlaybook } from '../../proofs/incidents/playbook-document.js';
import { faultsLine } from '../../proofs/yaml-document.js';
import { ResealError } from '../api/reseal-error.js';
import { readText } from './read-text.js';

/** A `reseal.playbooks.v1` file. @throws {ResealError} `config_invalid`, naming file, line, column and what was expected. */
export async function readPlaybooks(path: string): Promise<NamedPlaybook> {
  const read = readPlaybook(await readText(path));
  if (read.ok) return read.value;
  throw new ResealError('config_invalid', faultsLine(path, read.faults));
}
