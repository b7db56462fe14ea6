import { pcrPolicySchema, type PcrPolicyInForce } from '../../domain/attestation-policy.js';
import { digestOf } from '../canonical-json.js';
import { readYaml, type ReadYaml } from '../yaml-document.js';

/** Reads the text of a PCR policy, YAML or JSON, which is anybody's. Never throws. */
export function readPcrPolicy(text: string): ReadYaml<PcrPolicyInForce> {
  const read = readYaml(text, pcrPolicySchema);
  return read.ok ? { ok: true, value: { policy: read.value, digest: digestOf(read.value) } } : read;
}
