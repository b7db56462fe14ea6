import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { readAttestationKey } from '../../../proofs/tpm/attestation-key.js';
import { readPcrValues } from '../../../proofs/tpm/pcr-values.js';
import { parsePublicArea } from '../../../proofs/tpm/public-area.js';
import { verifyQuote } from '../../../proofs/tpm/verify-quote.js';
import { failuresOf } from './software-quote.js';

const at = (name: string): string =>
  fileURLToPath(new URL(`../../../../shared/vectors/keylime/${name}`, import.meta.url));
const absent = existsSync(at('quote.out')) ? '' : ' (skipped: ../shared/vectors/keylime is not there)';

/** A quote that somebody else's software asked another TPM for. */
describe.skipIf(absent !== '')(`a quote of Keylime's${absent}`, () => {
  const read = (name: string): Buffer => readFileSync(at(name));
  /** The tools' structure in memory: three digests of at most 64 bytes, each after its length. */
  const values = (): string => {
    const bytes = read('quotepcr.out');
    const [a, b, c] = [0x8e, 0xd0, 0x112].map((from) => bytes.subarray(from, from + 32).toString('hex'));
    return JSON.stringify({ sha256: { '15': a, '16': b, '22': c } });
  };

  it('verifies with its nonce, under its endorsement key', () => {
    const ek = parsePublicArea(read('ek.pub'));
    if (!ek.ok) throw new Error(ek.detail);
    const evidence = {
      quote: read('quote.out'),
      signature: read('quotesig.out'),
      ak: readAttestationKey(read('ak.pub')),
      pcrs: readPcrValues(values()),
    };
    const report = verifyQuote(evidence, { nonce: read('rand.out'), ek: ek.value });
    expect(failuresOf(report)).toEqual([]);
    expect(report.quoted?.ak_name).toBe(read('ak.name').toString('hex'));
    expect(failuresOf(verifyQuote(evidence, { nonce: Buffer.alloc(20) }))).toEqual(['NONCE_MISMATCH']);
  });
});
