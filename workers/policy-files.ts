import { readFile } from 'node:fs/promises';
import type { NamedPlaybook } from '../domain/incidents/playbook.js';
import type { PolicyInForce } from '../domain/policy-in-force.js';
import type { Roster } from '../domain/roster.js';
import { readPlaybook } from '../proofs/incidents/playbook-document.js';
import { readPolicy, readRoster } from '../proofs/policy-document.js';
import { faultsLine, type ReadYaml } from '../proofs/yaml-document.js';
import { SettingsError } from './settings-error.js';

/** Reads and checks a policy file. Throws SettingsError `file_missing` or `file_invalid` (file, line, column, what was expected). */
export const readPolicyFile = (file: string): Promise<PolicyInForce> => readFileBy(file, readPolicy);

/** Reads and checks a roster file. Throws as `readPolicyFile` does. */
export const readRosterFile = (file: string): Promise<Roster> => readFileBy(file, readRoster);

/** Reads and checks a playbooks file. Throws as `readPolicyFile` does. */
export const readPlaybooksFile = (file: string): Promise<NamedPlaybook> => readFileBy(file, readPlaybook);

async function readFileBy<T>(file: string, reader: (text: string) => ReadYaml<T>): Promise<T> {
  const text = await readFile(file, 'utf8').catch(() => {
    throw new SettingsError('file_missing', `${file} cannot be read`);
  });
  const read = reader(text);
  if (read.ok) return read.value;
  throw new SettingsError('file_invalid', faultsLine(file, read.faults));
}
