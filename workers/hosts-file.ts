import { readFile } from 'node:fs/promises';
import { hostsSchema, type Hosts } from '../domain/incidents/host.js';
import type { Role } from '../domain/roles.js';
import { faultsLine, readYaml } from '../proofs/yaml-document.js';
import { SettingsError } from './settings-error.js';
import { hostsPathOf, type WorkerSettings } from './settings.js';

/** Reads a hosts file. Throws SettingsError `file_missing` or `file_invalid` (file, line, column, what was expected). */
export async function readHostsFile(file: string): Promise<Hosts> {
  const text = await readFile(file, 'utf8').catch(() => {
    throw new SettingsError('file_missing', `${file} cannot be read`);
  });
  const read = readYaml(text, hostsSchema);
  if (read.ok) return read.value.hosts;
  throw new SettingsError('file_invalid', faultsLine(file, read.faults));
}

/** The hosts of each played role that has a hosts file. */
export async function readHostsFiles(settings: WorkerSettings): Promise<ReadonlyMap<Role, Hosts>> {
  const read = settings.roles.map(async (role) => {
    const file = hostsPathOf(settings, role);
    return file === null ? [] : [[role, await readHostsFile(file)] as const];
  });
  return new Map((await Promise.all(read)).flat());
}
