import { MAX_COMPONENTS, type MeasuredEvent } from '../../domain/component-policy.js';
import { replayEventLog } from './event-log.js';
import { hashByName, isStrongHash } from './tpm-algorithms.js';

/** What a log says was measured into the PCRs that are asked for. */
export interface Measured {
  /** By bank name and index, in the order of the log; a PCR that no event extends is not in it. */
  pcrs: Map<string, Map<number, MeasuredEvent[]>>;
  /** From which the TPM was started. */
  locality: number;
}

/**
 * Reads single events out of a log that is known to lead to the values (`pcrs`: bank, index, hex); what is wrong with it in
 * words otherwise, or when a PCR has more events than a policy can name. Never throws.
 */
export function measuredEvents(
  log: Uint8Array,
  pcrs: Readonly<Record<string, Readonly<Record<string, string>>>>,
): { ok: true; value: Measured } | { ok: false; detail: string } {
  const banks = Object.keys(pcrs).flatMap((name) => hashByName(name) ?? []);
  const replayed = replayEventLog(log, banks.filter(isStrongHash), (bank, index) => pcrs[bank]?.[index] !== undefined);
  if (!replayed.ok) return { ok: false, detail: `event at byte ${replayed.fault.at}: ${replayed.fault.detail}` };
  const { measured, locality } = replayed.value;
  for (const [bank, of] of measured)
    for (const [index, { length }] of of)
      if (length > MAX_COMPONENTS)
        return {
          ok: false,
          detail: `${bank} PCR ${index} has ${length} events, at most ${MAX_COMPONENTS} can be named`,
        };
  return { ok: true, value: { pcrs: measured, locality } };
}
