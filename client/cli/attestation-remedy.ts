import type { FailedCheck } from '../../domain/incidents/attestation-result.js';
import type { IncidentView } from '../../domain/incidents/view.js';

/** What of a view says what a refused attestation needs. */
export type Refused = Pick<IncidentView, 'id' | 'host' | 'attestation' | 'statements'>;

const NOT_THIS_TPM = 'this is not what the enrolled TPM says: look at the host itself before you ask for another';
const OTHER_VALUES = 'mend the host; or, where it should be so, enrol it again and have others accept that baseline';
const RESTART = 'power-cycle the host, then ask for another';
const OTHER_KEYS = 'make its keys again (reseal tpm make-keys on the host), enrol them and have others accept that';

const MENDED_BY: Readonly<Record<FailedCheck, string>> = {
  EVIDENCE_MALFORMED: 'look at the attest-agent of the host: what it sends is no evidence',
  NO_EVIDENCE: 'look at the attest-agent and the TPM of the host: it answers, and not with a quote',
  AK_NOT_ENROLLED: 'enrol its TPM once you know it for its own, have others accept that baseline, then ask for another',
  AK_ATTRIBUTES: OTHER_KEYS,
  SCHEME: OTHER_KEYS,
  WEAK_HASH: OTHER_KEYS,
  BAD_SIGNATURE: NOT_THIS_TPM,
  NONCE_MISMATCH: NOT_THIS_TPM,
  AK_NOT_CHILD_OF_EK: NOT_THIS_TPM,
  PCR_DIGEST_MISMATCH: NOT_THIS_TPM,
  RESET_COUNT_BACK: NOT_THIS_TPM,
  CLOCK_BACK: NOT_THIS_TPM,
  PCR_NOT_QUOTED: 'the agent has to quote every PCR that the reference names: look at the host, then ask for another',
  EVENTLOG_MISMATCH: OTHER_VALUES,
  PCR_NOT_GOLDEN: OTHER_VALUES,
  FIRMWARE_CHANGED: OTHER_VALUES,
  NO_REBOOT_SINCE_CONTAINMENT: RESTART,
  CLOCK_UNSAFE: RESTART,
};

/** Its check says so itself where there is nothing to count resets from. */
const asksForWaiver = ({ attestation }: Refused): boolean => attestation.expected?.includes('waive_baseline') === true;

/** What mends the check that failed, in one sentence; undefined for a check that this version does not know. */
export function remedyOf(view: Refused): string | undefined {
  const { failed_check } = view.attestation;
  if (asksForWaiver(view)) return 'nothing shows when it was restarted: others than who acknowledged waive that';
  return failed_check !== null && Object.hasOwn(MENDED_BY, failed_check)
    ? MENDED_BY[failed_check as FailedCheck]
    : undefined;
}

/** The command that comes next after a refusal; capitals in it stand for what only its reader knows. */
export function remedyCommand(view: Refused): string {
  const { id, host, attestation, statements = [] } = view;
  if (asksForWaiver(view)) return `reseal incident waive-baseline ${id}`;
  // Whoever accepted a baseline has enrolled the host by then.
  const accepted = statements.some(({ act }) => act === 'accept_baseline');
  if (attestation.failed_check === 'AK_NOT_ENROLLED' && !accepted)
    return `reseal tpm enroll ${host} URL --label TEXT --references FOLDER, then reseal incident reattest ${id}`;
  return `reseal incident reattest ${id}`;
}
