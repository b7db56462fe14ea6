import type { PolicyInForce } from '../domain/policy-in-force.js';
import { policySchema } from '../domain/policy.js';
import { rosterSchema, type Roster } from '../domain/roster.js';
import { digestOf } from './canonical-json.js';
import { readYaml, type ReadYaml } from './yaml-document.js';

/** Reads the text of a policy file, which is anybody's. Never throws. */
export function readPolicy(text: string): ReadYaml<PolicyInForce> {
  const read = readYaml(text, policySchema);
  return read.ok ? { ok: true, value: { policy: read.value, digest: digestOf(read.value) } } : read;
}

/** Reads the text of a roster file, which is anybody's. Never throws. */
export const readRoster = (text: string): ReadYaml<Roster> => readYaml(text, rosterSchema);
