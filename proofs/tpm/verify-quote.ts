import { timingSafeEqual } from 'node:crypto';
import type { PcrPolicyInForce } from '../../domain/attestation-policy.js';
import type { AttestationReport } from '../../domain/attestation.js';
import type { AttestationKey } from './attestation-key.js';
import { factsOf, firmwareHex, hexOf, judgeEvidence, type QuoteEvidence } from './authentic-quote.js';
import { eventLogOutcome } from './event-log-outcome.js';
import { replayEventLog } from './event-log.js';
import { goldenOutcome, unquotedByPolicy, watchedBy } from './golden-outcome.js';
import { selectionText } from './pcr-selection.js';
import { digestCovers, selectionDifference, type PcrValues } from './pcr-values.js';
import type { PublicArea } from './public-area.js';
import { qualifiedNameUnder } from './qualified-name.js';
import { QuoteChecks } from './quote-checks.js';
import type { Quote } from './quote.js';
import {
  clockRule,
  rebootRule,
  resetCountRule,
  safeRule,
  type EarlierQuote,
  type RuleOutcome,
} from './reboot-rules.js';
import type { TpmSignature } from './signature.js';
import { isStrongHash } from './tpm-algorithms.js';

/** A nonce that is shorter can be met by chance, or by collecting quotes. */
export const MIN_NONCE_BYTES = 16;

/** What it is held against; what is left out is not checked, and the report says so. */
export interface QuoteExpectation {
  nonce?: Uint8Array;
  policy?: PcrPolicyInForce;
  /** The endorsement key that the AK was made under. */
  ek?: PublicArea;
  /** Whether the host has just opened a credential that was made for this AK and this EK: the proof that they share a TPM. */
  activated?: boolean;
  /** An earlier quote by the same key, itself verified. */
  earlier?: EarlierQuote;
  /** Whether the machine must have been reset since that. */
  rebooted?: boolean;
}

/**
 * Judges a quote. The checks of the evidence itself come first and each only when all before it held; once the signature has
 * been checked, every other check is made, so that one report names all that is wrong, except that nothing is said of values
 * and event log that are not those quoted. Never throws, whatever the bytes.
 */
export function verifyQuote(evidence: QuoteEvidence, expected: QuoteExpectation = {}): AttestationReport {
  const report = new QuoteChecks(expected.policy);
  const authentic = judgeEvidence(report, evidence, expected.policy);
  if (authentic !== undefined) {
    const { quote, ak, signature, pcrs } = authentic;
    report.quoted = factsOf(authentic);
    judgeFreshness(report, quote, ak, expected);
    judgeValues(report, { quote, signature, pcrs, eventLog: evidence.eventLog }, expected.policy);
    judgeReboot(report, quote, expected);
  }
  return report.finished();
}

function judgeFreshness(
  report: QuoteChecks,
  quote: Quote,
  ak: AttestationKey,
  { nonce, ek, activated }: QuoteExpectation,
): void {
  if (nonce === undefined) report.skip('NONCE_MISMATCH', 'no nonce was given: the quote may be as old as it likes');
  else report.record('NONCE_MISMATCH', nonceOutcome(quote, nonce));
  if (ek === undefined) report.skip('AK_NOT_CHILD_OF_EK', 'no endorsement key was given');
  else if (ak.area === null) report.skip('AK_NOT_CHILD_OF_EK', 'a PEM has no Name: give the key as TPM2B_PUBLIC');
  else report.record('AK_NOT_CHILD_OF_EK', childOutcome(quote, qualifiedNameUnder(ek, ak.area), activated));
}

function childOutcome({ qualifiedSigner }: Quote, expected: Buffer, activated: boolean | undefined): RuleOutcome {
  if (activated === false)
    return { ok: false, detail: 'the host could not open a credential made for this key and the endorsement key' };
  if (!expected.equals(qualifiedSigner)) return { ok: false, detail: 'the Qualified Name is another' };
  const opened = activated === true ? ', and the host has opened a credential made for both' : '';
  return { ok: true, detail: `the Qualified Name is that of a child of the endorsement key${opened}` };
}

function nonceOutcome({ extraData }: Quote, nonce: Uint8Array): RuleOutcome {
  if (nonce.length < MIN_NONCE_BYTES)
    return { ok: false, detail: `a nonce has at least ${MIN_NONCE_BYTES} bytes, the one given has ${nonce.length}` };
  const ok = extraData.length === nonce.length && timingSafeEqual(extraData, nonce);
  return {
    ok,
    detail: ok ? 'the nonce that was given' : `expected ${hexOf(nonce)}, got ${hexOf(extraData) || 'none'}`,
  };
}

interface Shown {
  quote: Quote;
  signature: TpmSignature;
  pcrs: PcrValues;
  eventLog: Uint8Array | undefined;
}

function judgeValues(report: QuoteChecks, shown: Shown, inForce: PcrPolicyInForce | undefined): void {
  const { quote, signature, pcrs, eventLog } = shown;
  const difference =
    selectionDifference(quote.selection, pcrs) ?? (inForce && unquotedByPolicy(inForce.policy, quote.selection));
  report.record('PCR_NOT_QUOTED', {
    ok: difference === undefined,
    detail: difference ?? `exactly ${selectionText(quote.selection)}`,
  });
  const covered = digestCovers(quote, pcrs, signature.hash);
  const values = covered ? 'the values shown are those quoted' : 'the values shown are not those quoted';
  report.record('PCR_DIGEST_MISMATCH', { ok: covered, detail: values });
  if (!covered) {
    // Nothing vouches for these values: what log or policy say of them means nothing.
    report.skip('EVENTLOG_MISMATCH', values);
    report.skip('PCR_NOT_GOLDEN', values);
    return;
  }
  const banks = quote.selection.filter(({ indices }) => indices.length > 0).map(({ bank }) => bank);
  const watched = inForce && watchedBy(inForce.policy);
  const replayed = eventLog && replayEventLog(eventLog, banks.filter(isStrongHash), watched);
  if (replayed === undefined) report.skip('EVENTLOG_MISMATCH', 'no event log was given');
  else report.record('EVENTLOG_MISMATCH', eventLogOutcome(replayed, quote.selection, pcrs));
  if (inForce === undefined) report.skip('PCR_NOT_GOLDEN', 'no policy was given: any values pass');
  else report.record('PCR_NOT_GOLDEN', goldenOutcome(inForce.policy, pcrs, replayed));
}

/** Not a fault by itself: it is so after every power cut. */
const UNEXPLAINED = 'the TPM does not know its clock (safe: no), and no earlier quote was given to explain it';

function judgeReboot(report: QuoteChecks, quote: Quote, { earlier, policy, rebooted }: QuoteExpectation): void {
  const allowed = policy?.policy.firmware_versions;
  const firmware = firmwareHex(quote);
  if (allowed !== undefined) {
    const ok = allowed.includes(firmware);
    report.record('FIRMWARE_CHANGED', { ok, detail: ok ? firmware : `${firmware}, expected ${allowed.join(' or ')}` });
  } else if (earlier !== undefined) {
    const ok = quote.firmwareVersion === earlier.firmwareVersion;
    report.record('FIRMWARE_CHANGED', { ok, detail: ok ? firmware : `${firmware}, expected ${firmwareHex(earlier)}` });
  } else report.skip('FIRMWARE_CHANGED', `nothing to compare ${firmware} with`);
  const rules = {
    RESET_COUNT_BACK: resetCountRule,
    CLOCK_BACK: clockRule,
    NO_REBOOT_SINCE_CONTAINMENT: rebootRule,
    CLOCK_UNSAFE: safeRule,
  } as const;
  for (const [code, rule] of Object.entries(rules) as [keyof typeof rules, (typeof rules)[keyof typeof rules]][]) {
    if (earlier === undefined)
      report.skip(code, code === 'CLOCK_UNSAFE' && !quote.safe ? UNEXPLAINED : 'no earlier quote was given');
    else if (code === 'NO_REBOOT_SINCE_CONTAINMENT' && rebooted !== true) report.skip(code, 'no reset was asked for');
    else report.record(code, rule(quote, earlier));
  }
}
