import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { verifyAuditLog, type AuditLogReport } from '../../../proofs/audit-log.js';
import { readSentinelFile, type SentinelFile } from '../../../proofs/sentinel-file.js';
import { EXIT } from '../../api/exit-status.js';
import { ResealError } from '../../api/reseal-error.js';
import type { VerifyOptions } from '../audit-options.js';
import { readHmacKey } from '../hmac-key.js';
import { oneLine } from '../printable.js';
import { structured } from '../render.js';
import type { Session } from '../session.js';
import { readTrust } from '../trust-file.js';

/** `reseal audit verify FILE`: ours by the trust roots, Sentinel's by `--key-file`; nothing is asked of anybody. */
export async function verifyAudit(session: Session, file: string, options: VerifyOptions): Promise<number> {
  const bytes = await readAuditFile(session, file);
  const sentinel = options.keyFile !== undefined || options.keyId !== undefined;
  if (sentinel && options.trust !== undefined) {
    throw new ResealError('usage', '--trust is for our own lines and --key-file for those of Sentinel: one of the two');
  }
  if (!sentinel && bytes.subarray(0, 9).toString('latin1') === '{"entry":') {
    throw new ResealError('usage', `${file} is in Sentinel's format: pass --key-file, the secret it was signed with`);
  }
  return sentinel ? verifySentinel(session, bytes, options) : verifyOurs(session, bytes, options.trust);
}

/** @throws {ResealError} `usage`. */
export async function readAuditFile(session: Session, file: string): Promise<Buffer> {
  return readFile(resolve(session.io.cwd, file)).catch((error: NodeJS.ErrnoException) => {
    throw new ResealError('usage', `${file} cannot be read: ${error.code ?? 'unknown error'}`, { cause: error });
  });
}

async function verifyOurs(session: Session, bytes: Buffer, trustFlag: string | undefined): Promise<number> {
  const { trust, path } = await readTrust(session, trustFlag);
  const found = trustFlag === undefined ? ', as configured or found here: name your own with --trust' : '';
  session.say(`trust roots: ${path}${found}`);
  const report = verifyAuditLog(bytes, trust.keyOf);
  session.data((await structured(session.output, report)) ?? oursText(report));
  if (report.ok) {
    const before = report.first_seq === 1 ? '' : `what came before line ${report.first_seq ?? ''} of the log, and `;
    session.say(`${before}what followed its last line, this file cannot show`);
  }
  return report.ok ? EXIT.done : EXIT.unverified;
}

function oursText({ ok, count, first_seq, last_seq, head, faults }: AuditLogReport): string {
  if (ok)
    return `VERIFIED: ${linesText(count)}, ${first_seq ?? ''} to ${last_seq ?? ''} of the log, head ${head ?? ''}`;
  return [`NOT VERIFIED: ${faults.length} of ${linesText(count)}`, ...faults.map(faultText)].join('\n');
}

export const linesText = (count: number): string => `${count} line${count === 1 ? '' : 's'}`;

const faultText = ({ line, code, message }: { line: number; code: string; message: string }): string =>
  `  line ${line}: ${code}: ${oneLine(message)}`;

async function verifySentinel(session: Session, bytes: Buffer, options: VerifyOptions): Promise<number> {
  const file = readSentinelFile(bytes, await readHmacKey(session, options));
  const report = sentinelReport(file);
  session.data((await structured(session.output, report)) ?? sentinelText(report));
  return report.ok ? EXIT.done : EXIT.unverified;
}

/** What became of a file of Sentinel's; `other` counts entries that are signed and no break-glass. */
function sentinelReport({ lines, refused }: SentinelFile) {
  const verified = lines.length;
  const other = lines.filter(({ entry }) => entry === null).length;
  const key_ids = [...new Set(lines.map(({ key_id }) => key_id))].sort();
  return {
    ok: refused.length === 0 && verified > 0,
    count: verified + refused.length,
    verified,
    other,
    key_ids,
    refused,
  };
}

function sentinelText({ ok, count, other, key_ids, refused }: ReturnType<typeof sentinelReport>): string {
  const rest = other === 0 ? '' : `, ${other} of them about something else than break-glass`;
  if (ok) return `VERIFIED: ${linesText(count)} by ${key_ids.map(oneLine).join(', ')}${rest}`;
  if (count === 0) return 'NOT VERIFIED: there is no line in it';
  return [`NOT VERIFIED: ${refused.length} of ${linesText(count)}`, ...refused.map(faultText)].join('\n');
}
