import type { Policy } from '../../domain/policy.js';
import { policySchema } from '../../domain/policy.js';
import { rosterSchema, type Roster } from '../../domain/roster.js';
import { digestOf } from '../../proofs/canonical-json.js';
import { ResealError } from '../api/reseal-error.js';
import { readText } from './read-text.js';
import { readYaml, type Fault } from '../../proofs/yaml-document.js';

/** A policy and the hex SHA-256 of its RFC 8785 form, defaults filled in and durations in seconds. */
export interface PolicyInForce {
  policy: Policy;
  digest: string;
}

/** @throws {ResealError} `config_invalid`, naming file, line and value. */
export async function readPolicyFile(path: string): Promise<PolicyInForce> {
  const read = readYaml(await readText(path), policySchema);
  if (!read.ok) throw faulty(path, read.faults);
  return { policy: read.value, digest: digestOf(read.value) };
}

/** @throws {ResealError} `config_invalid`, naming file, line and value. */
export async function readRosterFile(path: string): Promise<Roster> {
  const read = readYaml(await readText(path), rosterSchema);
  if (!read.ok) throw faulty(path, read.faults);
  return read.value;
}

/** The first fault as an error; the others are counted. */
export function faulty(path: string, faults: readonly Fault[]): ResealError {
  const [first] = faults;
  if (first === undefined) return new ResealError('config_invalid', `${path} is not valid`);
  const more = faults.length > 1 ? ` (and ${faults.length - 1} more)` : '';
  return new ResealError('config_invalid', `${faultLine(path, first)}${more}`);
}

/** `FILE:LINE:COLUMN: member: what is wrong`, as editors and compilers write it. */
export function faultLine(path: string, fault: Fault): string {
  return `${path}:${fault.line}:${fault.column}: ${fault.path === '' ? '' : `${fault.path}: `}${fault.message}`;
}
