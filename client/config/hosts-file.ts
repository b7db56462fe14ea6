import { hostsSchema, type Hosts } from '../../domain/incidents/host.js';
import { readYaml } from '../../proofs/yaml-document.js';
import { faulty } from './policy-file.js';
import { readText } from './read-text.js';

/** Reads a `reseal.hosts.v1` file. Throws ResealError `config_invalid`, naming file, line and value. */
export async function readHostsFile(path: string): Promise<Hosts> {
  const read = readYaml(await readText(path), hostsSchema);
  if (read.ok) return read.value.hosts;
  throw faulty(path, read.faults);
}
