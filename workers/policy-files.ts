import { readFile } from 'node:fs/promises';
import type { z } from 'zod';
import { policySchema, type Policy } from '../domain/policy.js';
import { rosterSchema, type Roster } from '../domain/roster.js';
import { digestOf } from '../proofs/canonical-json.js';
import { readYaml } from '../proofs/yaml-document.js';
import { SettingsError } from './settings-error.js';

/** A policy in force: as it reads once defaults are filled in, and the SHA-256 of its RFC 8785 form that requests and approvals sign. */
export interface LoadedPolicy {
  policy: Policy;
  digest: string;
}

/** Reads and checks a policy file. Throws SettingsError `file_missing` or `file_invalid` (file, line, column, what was expected). */
export async function readPolicyFile(file: string): Promise<LoadedPolicy> {
  const policy = await readFileBy(file, policySchema);
  return { policy, digest: policyDigest(policy) };
}

/** The digest that names a policy: of what it means, so that comments and order do not change it. */
export const policyDigest = (policy: Policy): string => digestOf(policy);

/** Reads and checks a roster file. Throws as `readPolicyFile` does. */
export const readRosterFile = (file: string): Promise<Roster> => readFileBy(file, rosterSchema);

async function readFileBy<T extends z.ZodType>(file: string, schema: T): Promise<z.output<T>> {
  const text = await readFile(file, 'utf8').catch(() => {
    throw new SettingsError('file_missing', `${file} cannot be read`);
  });
  const read = readYaml(text, schema);
  if (read.ok) return read.value;
  const [fault] = read.faults;
  const where = fault === undefined ? file : `${file}:${fault.line}:${fault.column}: ${fault.path}`;
  throw new SettingsError('file_invalid', `${where}: ${fault?.message ?? 'not valid'}`);
}
