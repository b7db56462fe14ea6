import { isSentinelEntry, type AuditLine } from '../../domain/audit-line.js';
import { AuditLogReader } from '../../proofs/audit-log.js';
import type { RoleKeys } from '../../proofs/receipt.js';
import { sentinelLogEntryJson } from '../../proofs/sentinel-json.js';
import { signSentinelEntry, type SentinelKey } from '../../proofs/sentinel-signed-entry.js';
import { ResealError } from '../api/reseal-error.js';
import type { HmacOptions } from './audit-options.js';
import { readHmacKey } from './hmac-key.js';
import type { Session } from './session.js';
import { didYouMean } from './suggest.js';
import { readTrust } from './trust-file.js';

export const AUDIT_FORMATS = ['reseal', 'sentinel'] as const;
export type AuditFormat = (typeof AUDIT_FORMATS)[number];

/** Writes a line of the log in a format, without a line feed; undefined where the format has nothing for it. */
export type AuditWriter = (line: AuditLine) => string | undefined;

/** @throws {ResealError} `usage`. */
export function parseFormat(text: string): AuditFormat {
  const format = AUDIT_FORMATS.find((name) => name === text);
  if (format !== undefined) return format;
  throw new ResealError(
    'usage',
    `--format is ${AUDIT_FORMATS.join(' or ')}, not "${text}".${didYouMean(text, AUDIT_FORMATS)}`,
  );
}

/**
 * What writes lines in this format. Ours are written as they were signed. Sentinel's are signed here, so that their key's
 * holder vouches for them: each of ours is verified first.
 *
 * @throws {ResealError} `usage` for a key, a key id or trust roots that are missing; the writer `verification_failed`.
 */
export async function writerOf(
  session: Session,
  format: AuditFormat,
  options: HmacOptions & { trust?: string },
): Promise<AuditWriter> {
  const { keyFile, keyId } = options;
  if (format === 'reseal') {
    if (keyFile === undefined && keyId === undefined) return ({ line }) => line;
    throw new ResealError(
      'usage',
      '--key-file and --key-id are for --format sentinel: ours are signed by the register',
    );
  }
  const key = await readHmacKey(session, options);
  if (key.key_id === undefined) {
    throw new ResealError('usage', '--key-id is missing: each line names the key that signed it');
  }
  const { trust, path } = await readTrust(session, options.trust);
  session.say(`trust roots: ${path}`);
  return sentinelWriter(trust.keyOf, { key_id: key.key_id, secret: key.secret });
}

function sentinelWriter(keys: RoleKeys, key: Required<SentinelKey>): AuditWriter {
  const reader = new AuditLogReader(keys);
  return ({ line, seq }) => {
    const payload = reader.next(Buffer.from(line, 'utf8'));
    const [fault] = reader.report().faults;
    if (payload === undefined || fault !== undefined) {
      throw new ResealError(
        'verification_failed',
        `line ${seq} of the audit log does not verify: ${fault?.code ?? 'unreadable'}: ${fault?.message ?? ''}`,
        { hint: 'nothing was signed for it; are these the trust roots of this register (--trust)?' },
      );
    }
    const { entry } = payload;
    // Signed at the entry's own time, so that the same export has the same bytes.
    return isSentinelEntry(entry) ? signSentinelEntry(sentinelLogEntryJson(entry), entry.timestamp, key) : undefined;
  };
}
