import { readEarlierQuote } from '../../proofs/tpm/earlier-quote.js';
import type { AttestationKey } from '../../proofs/tpm/attestation-key.js';
import { readPcrPolicy } from '../../proofs/tpm/pcr-policy-document.js';
import { parsePublicArea } from '../../proofs/tpm/public-area.js';
import type { TpmParsed } from '../../proofs/tpm/tpm-wire.js';
import type { QuoteExpectation } from '../../proofs/tpm/verify-quote.js';
import { ResealError } from '../api/reseal-error.js';
import { faulty } from '../config/policy-file.js';
import { readText } from '../config/read-text.js';

/** What a command was told of an earlier quote. */
export interface EarlierOptions {
  earlier?: string;
  earlierSignature?: string;
  rebooted?: boolean;
}

/** @throws {ResealError} `config_invalid`, naming file, line and value. */
export async function pcrPolicyOf(path: string) {
  const read = readPcrPolicy(await readText(path));
  if (read.ok) return read.value;
  throw faulty(path, read.faults);
}

/** @throws {ResealError} `usage`: which endorsement key a host has is the caller's word, not the host's. */
export function endorsementKeyOf(file: string, bytes: Buffer) {
  const parsed = parsePublicArea(bytes);
  if (parsed.ok) return parsed.value;
  throw new ResealError('usage', `${file} is no TPM2B_PUBLIC or TPMT_PUBLIC: ${parsed.detail}`);
}

/** @throws {ResealError} `usage`, or `verification_failed` when the same key did not sign the earlier quote. */
export async function earlierOf(
  { earlier, earlierSignature, rebooted }: EarlierOptions,
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
