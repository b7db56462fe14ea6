import { resolve } from 'node:path';
import type { AttestationReport } from '../../../domain/attestation.js';
import { readAttestationKey, type AttestationKey } from '../../../proofs/tpm/attestation-key.js';
import { readEarlierQuote } from '../../../proofs/tpm/earlier-quote.js';
import { readPcrPolicy } from '../../../proofs/tpm/pcr-policy-document.js';
import { readPcrValues } from '../../../proofs/tpm/pcr-values.js';
import { parsePublicArea } from '../../../proofs/tpm/public-area.js';
import type { TpmParsed } from '../../../proofs/tpm/tpm-wire.js';
import { verifyQuote, type QuoteExpectation } from '../../../proofs/tpm/verify-quote.js';
import { EXIT } from '../../api/exit-status.js';
import { ResealError } from '../../api/reseal-error.js';
import { faulty } from '../../config/policy-file.js';
import { readBytes } from '../../config/read-bytes.js';
import { readText } from '../../config/read-text.js';
import { oneLine } from '../printable.js';
import { structured } from '../render.js';
import type { Session } from '../session.js';

export interface TpmVerifyOptions {
  quote: string;
  signature: string;
  ak: string;
  pcrs: string;
  nonce?: string;
  eventLog?: string;
  policy?: string;
  ek?: string;
  earlier?: string;
  earlierSignature?: string;
  rebooted?: boolean;
}

const MAX_LOG_BYTES = 16 * 1024 * 1024;
/** Well above what each of the others may have, so that the verifier says itself what is too large. */
const MAX_BYTES = 1024 * 1024;

/** `reseal tpm verify`: from the files alone; nothing is asked of anybody. */
export async function verifyTpmQuote(session: Session, options: TpmVerifyOptions): Promise<number> {
  const nonce = nonceOf(options.nonce);
  const read = (file: string, most = MAX_BYTES): Promise<Buffer> => readBytes(resolve(session.io.cwd, file), most);
  const [quote, signature, akBytes, pcrs] = await Promise.all(
    [options.quote, options.signature, options.ak, options.pcrs].map((file) => read(file)),
  );
  if (!quote || !signature || !akBytes || !pcrs) throw new ResealError('internal', 'a file was not read');
  const ak = readAttestationKey(akBytes);
  const eventLog = options.eventLog === undefined ? undefined : await read(options.eventLog, MAX_LOG_BYTES + 1);
  const expected: QuoteExpectation = {
    ...(nonce === undefined ? {} : { nonce }),
    ...(options.policy === undefined ? {} : { policy: await policyOf(resolve(session.io.cwd, options.policy)) }),
    ...(options.ek === undefined ? {} : { ek: endorsementKeyOf(options.ek, await read(options.ek)) }),
    ...(await earlierOf(options, ak, read)),
  };
  const evidence = { quote, signature, ak, pcrs: readPcrValues(pcrs), ...(eventLog && { eventLog }) };
  const report = verifyQuote(evidence, expected);
  session.data((await structured(session.output, report)) ?? reportText(session, report));
  return report.ok ? EXIT.done : EXIT.unverified;
}

/** @throws {ResealError} `usage`. */
function nonceOf(hex: string | undefined): Buffer | undefined {
  if (hex === undefined) return undefined;
  if (/^([0-9a-f]{2})+$/i.test(hex)) return Buffer.from(hex, 'hex');
  throw new ResealError('usage', `--nonce is hex, two digits a byte, not "${hex}"`);
}

/** @throws {ResealError} `config_invalid`, naming file, line and value. */
async function policyOf(path: string) {
  const read = readPcrPolicy(await readText(path));
  if (read.ok) return read.value;
  throw faulty(path, read.faults);
}

/** @throws {ResealError} `usage`: which endorsement key a host has is the caller's word, not the host's. */
function endorsementKeyOf(file: string, bytes: Buffer) {
  const parsed = parsePublicArea(bytes);
  if (parsed.ok) return parsed.value;
  throw new ResealError('usage', `${file} is no TPM2B_PUBLIC or TPMT_PUBLIC: ${parsed.detail}`);
}

/** @throws {ResealError} `usage`, or `verification_failed` when the same key did not sign the earlier quote. */
async function earlierOf(
  { earlier, earlierSignature, rebooted }: TpmVerifyOptions,
  ak: TpmParsed<AttestationKey>,
  read: (file: string) => Promise<Buffer>,
): Promise<Pick<QuoteExpectation, 'earlier' | 'rebooted'>> {
  if (earlier === undefined && earlierSignature === undefined) {
    if (rebooted !== true) return {};
    throw new ResealError('usage', '--rebooted compares with an earlier quote: pass --earlier and --earlier-signature');
  }
  if (earlier === undefined || earlierSignature === undefined)
    throw new ResealError('usage', '--earlier and --earlier-signature belong together');
  const [bytes, signature] = await Promise.all([read(earlier), read(earlierSignature)]);
  // A key that cannot be read is the verifier's first refusal.
  if (!ak.ok) return {};
  const before = readEarlierQuote(bytes, signature, ak.value);
  if (before.ok) return { earlier: before.quote, rebooted: rebooted === true };
  throw new ResealError('verification_failed', `the earlier quote ${earlier} cannot be relied on: ${before.detail}`);
}

function reportText(session: Session, report: AttestationReport): string {
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
