import { namedPcrs, pcrObjection, type PcrPolicy } from '../../domain/attestation-policy.js';
import type { PcrSelection } from './pcr-selection.js';
import type { PcrValues } from './pcr-values.js';
import type { RuleOutcome } from './reboot-rules.js';

/** The first PCR of the policy that was not quoted, in words: a host must not choose what it is judged by. */
export function unquotedByPolicy(policy: PcrPolicy, selection: readonly PcrSelection[]): string | undefined {
  const missing = namedPcrs(policy).find(
    ({ bank, index }) => !selection.some((one) => one.bank.name === bank && one.indices.includes(index)),
  );
  return missing && `the policy names ${missing.bank} PCR ${missing.index}, and it was not quoted`;
}

/** Holds quoted values against the policy. Call it only for values that the quote covers. */
export function goldenOutcome(policy: PcrPolicy, values: PcrValues): RuleOutcome {
  const named = namedPcrs(policy);
  const objections = named.flatMap((pcr) => {
    const value = values.get(pcr.bank)?.get(pcr.index)?.toString('hex') ?? 'not shown';
    return pcrObjection(policy, pcr, value) ?? [];
  });
  if (objections.length === 0)
    return { ok: true, detail: `all ${named.length} PCRs of ${policy.name} version ${policy.version}` };
  return { ok: false, detail: objections.join('; ') };
}
