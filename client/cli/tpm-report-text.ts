import type { AttestationReport } from '../../domain/attestation.js';
import { oneLine } from './printable.js';
import type { Session } from './session.js';

/** The verdict with the first check that failed, one line a check, and what was not checked. */
export function attestationText(session: Session, report: AttestationReport): string {
  const width = Math.max(...[...report.checks, ...report.not_checked].map(({ code }) => code.length));
  const line = (mark: string, code: string, detail: string): string =>
    `  ${mark}  ${code.padEnd(width)}  ${oneLine(detail)}`;
  const failed = report.checks.find(({ ok }) => !ok);
  const verdict =
    failed === undefined
      ? session.style('green', 'VERIFIED')
      : session.style('red', `NOT VERIFIED: ${failed.code}: ${oneLine(failed.detail)}`);
  return [
    verdict,
    ...report.checks.map(({ code, ok, detail }) =>
      line(ok ? session.style('green', 'ok    ') : session.style('red', 'FAILED'), code, detail),
    ),
    ...report.not_checked.map(({ code, detail }) => line(session.style('dim', '-     '), code, detail)),
  ].join('\n');
}
