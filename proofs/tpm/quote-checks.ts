import type { PcrPolicyInForce } from '../../domain/attestation-policy.js';
import {
  ATTESTATION_CHECK_CODES,
  ATTESTATION_CHECKS,
  type AttestationCheckCode,
  type AttestationReport,
  type QuotedFacts,
} from '../../domain/attestation.js';
import type { RuleOutcome } from './reboot-rules.js';

/** Checks as they were made; what was never come to is listed as not checked. */
export class QuoteChecks {
  private readonly checks: AttestationReport['checks'] = [];
  private readonly skipped: AttestationReport['not_checked'] = [];
  quoted: QuotedFacts | null = null;

  constructor(private readonly inForce: PcrPolicyInForce | undefined) {}

  record(code: AttestationCheckCode, { ok, detail }: RuleOutcome): boolean {
    // Whoever reads a refusal must see what would have passed.
    const told = ok || detail.includes('expected') ? detail : `${detail}; expected: ${ATTESTATION_CHECKS[code]}`;
    this.checks.push({ code, ok, detail: told });
    return ok;
  }

  pass(code: AttestationCheckCode, detail: string): void {
    this.record(code, { ok: true, detail });
  }

  fail(code: AttestationCheckCode, detail: string): undefined {
    this.record(code, { ok: false, detail });
    return undefined;
  }

  skip(code: AttestationCheckCode, detail: string): void {
    this.skipped.push({ code, detail });
  }

  finished(): AttestationReport {
    const { checks, skipped, quoted, inForce } = this;
    const failed = checks.find(({ ok }) => !ok);
    const seen = new Set([...checks, ...skipped].map(({ code }) => code));
    const missed = ATTESTATION_CHECK_CODES.filter((code) => !seen.has(code));
    const not_checked = [...skipped, ...missed.map((code) => ({ code, detail: `not reached: ${failed?.code ?? ''}` }))];
    const policy =
      inForce === undefined
        ? null
        : { name: inForce.policy.name, version: inForce.policy.version, digest: inForce.digest };
    return { ok: failed === undefined && quoted !== null, checks, not_checked, quoted, policy };
  }
}
