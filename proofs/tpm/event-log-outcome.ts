import type { ReplayResult } from './event-log.js';
import type { PcrSelection } from './pcr-selection.js';
import type { PcrValues } from './pcr-values.js';
import type { RuleOutcome } from './reboot-rules.js';

/** PCRs of the firmware (PC Client Platform Firmware Profile §3.3.4): nothing but what its log tells goes into them. */
const FIRMWARE_PCRS = 8;

/**
 * Whether a log explains the quoted values: in each quoted bank, every quoted PCR that the log extends has the value that the
 * log leads to, and none of PCR 0 to 7 has one that the log says nothing of. Others that the log does not extend belong to
 * the running system, and are counted. Call it only for values that a checked quote covers.
 */
export function eventLogOutcome(
  replayed: ReplayResult,
  selection: readonly PcrSelection[],
  values: PcrValues,
): RuleOutcome {
  if (!replayed.ok) return { ok: false, detail: `event at byte ${replayed.fault.at}: ${replayed.fault.detail}` };
  const faults: string[] = [];
  const unexplained: string[] = [];
  let matched = 0;
  for (const { bank, indices } of selection) {
    const computed = replayed.value.values.get(bank.name);
    if (indices.length > 0 && computed === undefined)
      faults.push(`the log has no digests of ${bank.name}, it has ${replayed.value.banks.join(', ')}`);
    for (const index of computed === undefined ? [] : indices) {
      const [value, logged] = [values.get(bank.name)?.get(index), computed?.get(index)];
      const shown = value?.toString('hex') ?? 'not shown';
      if (logged !== undefined && value !== undefined && logged.equals(value)) matched += 1;
      else if (logged !== undefined)
        faults.push(`${bank.name} PCR ${index} is ${shown}, the log leads to ${logged.toString('hex')}`);
      else if (index < FIRMWARE_PCRS && /[^0]/.test(shown))
        faults.push(`${bank.name} PCR ${index} is ${shown}, and the log says nothing of it`);
      else if (/[^0]/.test(shown)) unexplained.push(String(index));
    }
  }
  if (faults.length > 0) return { ok: false, detail: faults.join('; ') };
  const rest = unexplained.length === 0 ? '' : `; not in the log: PCR ${unexplained.join(', ')}`;
  return { ok: true, detail: `${matched} values follow from ${replayed.value.events} events${rest}` };
}
