import { resolve } from 'node:path';
import { readAttestationKey } from '../../../proofs/tpm/attestation-key.js';
import { readPcrValues } from '../../../proofs/tpm/pcr-values.js';
import { verifyQuote, type QuoteExpectation } from '../../../proofs/tpm/verify-quote.js';
import { EXIT } from '../../api/exit-status.js';
import { ResealError } from '../../api/reseal-error.js';
import { readBytes } from '../../config/read-bytes.js';
import { structured } from '../render.js';
import type { Session } from '../session.js';
import { earlierOf, endorsementKeyOf, pcrPolicyOf, type EarlierOptions } from '../tpm-expectation.js';
import { attestationText } from '../tpm-report-text.js';

export interface TpmVerifyOptions extends EarlierOptions {
  quote: string;
  signature: string;
  ak: string;
  pcrs: string;
  nonce?: string;
  eventLog?: string;
  policy?: string;
  ek?: string;
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
    ...(options.policy === undefined ? {} : { policy: await pcrPolicyOf(resolve(session.io.cwd, options.policy)) }),
    ...(options.ek === undefined ? {} : { ek: endorsementKeyOf(options.ek, await read(options.ek)) }),
    ...(await earlierOf(options, ak, read)),
  };
  const evidence = { quote, signature, ak, pcrs: readPcrValues(pcrs), ...(eventLog && { eventLog }) };
  const report = verifyQuote(evidence, expected);
  session.data((await structured(session.output, report)) ?? attestationText(session, report));
  return report.ok ? EXIT.done : EXIT.unverified;
}

/** @throws {ResealError} `usage`. */
function nonceOf(hex: string | undefined): Buffer | undefined {
  if (hex === undefined) return undefined;
  if (/^([0-9a-f]{2})+$/i.test(hex)) return Buffer.from(hex, 'hex');
  throw new ResealError('usage', `--nonce is hex, two digits a byte, not "${hex}"`);
}
