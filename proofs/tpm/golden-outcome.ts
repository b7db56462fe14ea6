import {
  componentsOf,
  namedPcrs,
  pcrObjection,
  type NamedPcr,
  type PcrBank,
  type PcrPolicy,
} from '../../domain/attestation-policy.js';
import { componentsObjection, type Component } from '../../domain/component-policy.js';
import type { ReplayResult, Watched } from './event-log.js';
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

/**
 * Holds quoted values against the policy, and the events that lead to them where the policy names components. Call it only
 * for values that the quote covers; `replayed` is the log that came with it, if one did.
 */
export function goldenOutcome(policy: PcrPolicy, values: PcrValues, replayed?: ReplayResult): RuleOutcome {
  const named = namedPcrs(policy);
  const byComponents: NamedPcr[] = [];
  const objections = named.flatMap((pcr) => {
    const value = values.get(pcr.bank)?.get(pcr.index);
    const components = componentsOf(policy, pcr);
    const objection = pcrObjection(policy, pcr, value?.toString('hex') ?? 'not shown');
    if (components === undefined) return objection ?? [];
    const either = isNamedByValue(policy, pcr);
    if (either && objection === undefined) return [];
    byComponents.push(pcr);
    const against = measuredObjection(policy, { pcr, components, value }, replayed);
    if (against === undefined) return [];
    return either ? `${objection ?? ''}, or by its components: ${against}` : `${pcr.bank} PCR ${pcr.index}: ${against}`;
  });
  if (objections.length > 0) return { ok: false, detail: objections.join('; ') };
  const told = byComponents.length === 0 ? '' : `, ${byComponents.length} of them by their components`;
  return { ok: true, detail: `all ${named.length} PCRs of ${policy.name} version ${policy.version}${told}` };
}

const isNamedByValue = ({ pcrs }: PcrPolicy, { bank, index }: NamedPcr): boolean =>
  pcrs[bank]?.[String(index)] !== undefined;

/** The log is believed for a PCR when it leads to the quoted value of this very PCR, and for nothing else. */
function measuredObjection(
  policy: PcrPolicy,
  { pcr, components, value }: { pcr: NamedPcr; components: readonly Component[]; value: Buffer | undefined },
  replayed: ReplayResult | undefined,
): string | undefined {
  if (replayed === undefined) return 'it is judged by its components: expected the event log that leads to its value';
  if (!replayed.ok)
    return 'it is judged by its components, and the event log cannot be read: expected one that leads to its value';
  const { values, measured, locality } = replayed.value;
  const logged = values.get(pcr.bank)?.get(pcr.index);
  const untouched = logged === undefined && value !== undefined && value.every((byte) => byte === 0);
  if (value === undefined || (logged === undefined ? !untouched : !logged.equals(value)))
    return 'it is judged by its components, and the event log leads to another value than the quoted one: expected one that leads to it';
  const localities: readonly number[] = policy.startup_localities ?? [0];
  if (pcr.index === 0 && !localities.includes(locality))
    return `the TPM was started from locality ${locality}, expected ${localities.join(' or ')}`;
  return componentsObjection(components, measured.get(pcr.bank)?.get(pcr.index) ?? []);
}

/** Which single events a policy wants to see. */
export const watchedBy =
  (policy: PcrPolicy): Watched =>
  (bank, index) =>
    policy.components?.[bank as PcrBank]?.[String(index)] !== undefined;
