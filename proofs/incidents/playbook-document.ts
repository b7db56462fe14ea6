import { playbooksFileSchema } from '../../domain/incidents/playbook-file.js';
import type { NamedPlaybook } from '../../domain/incidents/playbook.js';
import { digestOf } from '../canonical-json.js';
import { readYaml, type ReadYaml } from '../yaml-document.js';

/** Reads a `reseal.playbooks.v1` file (YAML or JSON): what comes of it, and its digest. Never throws. */
export function readPlaybook(text: string): ReadYaml<NamedPlaybook> {
  const read = readYaml(text, playbooksFileSchema);
  return read.ok ? { ok: true, value: { playbook: read.value, digest: digestOf(read.value) } } : read;
}
