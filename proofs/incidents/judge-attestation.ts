import {
  type AttestationResult,
  type AttestHostInput,
  type FailedCheck,
} from '../../domain/incidents/attestation-result.js';
import { ATTESTATION_CHECKS, type AttestationReport } from '../../domain/attestation.js';
import { instant } from '../../domain/identifiers.js';

/** How long a result is good for: long enough to release by it, too short to be kept for another day. */
export const RESULT_LIFE_MS = 10 * 60_000;

/** By which reference a host is judged; null where it has none that counts. */
export interface JudgedBy {
  digest: string;
  version: number;
  akName: string;
  /** When the verifier knew of it (epoch milliseconds), whose acceptance counts, and whether it is newer than the containment. */
  sinceMs: number;
  acceptedBy: string[];
  newer: boolean;
}

/** Of one attempt, everything that its result says. */
export interface Attested {
  input: AttestHostInput;
  nonce: Buffer;
  reference: JudgedBy | null;
  baseline: AttestationResult['baseline'];
  /** What the quote came to; or why there is none, with what was expected. */
  outcome: { report: AttestationReport } | { failed: FailedCheck; expected: string };
  nowMs: number;
}

const MAX_EXPECTED = 4000;
/** Without these a quote says nothing that could be counted from later. */
const AUTHENTIC = ['BAD_SIGNATURE', 'NONCE_MISMATCH', 'AK_NOT_CHILD_OF_EK'] as const;

/** Whether the host's own TPM made this quote for this nonce, whatever else is wrong with it. */
export const isAuthentic = ({ checks, quoted }: AttestationReport): boolean =>
  quoted !== null && AUTHENTIC.every((code) => checks.some((check) => check.code === code && check.ok));

/**
 * The body of a result. A recovery passes when every check held and something shows, or a quorum waived, that the host was
 * restarted; one without a measure for that is refused as `NO_REBOOT_SINCE_CONTAINMENT`.
 */
export function attestationResultOf({
  input,
  nonce,
  reference,
  baseline,
  outcome,
  nowMs,
}: Attested): AttestationResult {
  const { incident_id, host, attempt, containment_binding, purpose, contained_at } = input;
  const report = 'report' in outcome ? outcome.report : undefined;
  const failure = failureOf(outcome) ?? withoutMeasure(input, baseline);
  const { quoted } = report ?? { quoted: null };
  return {
    type: 'reseal.attestation_result.v1',
    ...{ incident_id, host, attempt, containment_binding, purpose, contained_at },
    nonce: nonce.toString('hex'),
    ak_name: reference?.akName ?? null,
    reference_digest: reference?.digest ?? null,
    reference_version: reference?.version ?? null,
    reference_recorded_at: reference === null ? null : instant(reference.sinceMs),
    reference_accepted_by: reference?.acceptedBy ?? [],
    reference_is_newer: reference?.newer ?? false,
    baseline,
    verdict: failure === undefined ? 'passed' : 'refused',
    ...(failure === undefined
      ? {}
      : { failed_check: failure.failed, expected: failure.expected.slice(0, MAX_EXPECTED) }),
    checks: report?.checks ?? [],
    counters:
      report === undefined || quoted === null || !isAuthentic(report)
        ? null
        : {
            reset_count: quoted.reset_count,
            restart_count: quoted.restart_count,
            clock_ms: quoted.clock_ms,
            safe: quoted.safe,
          },
    issued_at: instant(nowMs),
    expires_at: instant(nowMs + RESULT_LIFE_MS),
  };
}

interface Failure {
  failed: FailedCheck;
  expected: string;
}

function failureOf(outcome: Attested['outcome']): Failure | undefined {
  if ('failed' in outcome) return outcome;
  const failed = outcome.report.checks.find(({ ok }) => !ok);
  if (failed !== undefined) return { failed: failed.code, expected: failed.detail };
  // Of a report that says neither what failed nor what was quoted nobody should be asked to believe the rest.
  if (!outcome.report.ok) return { failed: 'EVIDENCE_MALFORMED', expected: ATTESTATION_CHECKS.EVIDENCE_MALFORMED };
  return undefined;
}

function withoutMeasure({ purpose }: AttestHostInput, { kind }: AttestationResult['baseline']): Failure | undefined {
  if (purpose !== 'recovery' || kind !== 'none') return undefined;
  const expected =
    'expected a quote from containment, or a good one before it, to count resets from; there is none by this key: a quorum can waive it (waive_baseline)';
  return { failed: 'NO_REBOOT_SINCE_CONTAINMENT', expected };
}
