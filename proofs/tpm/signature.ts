import { hex16, readHash, TPM_ALG, type TpmHash } from './tpm-algorithms.js';
import { parseTpm, type TpmParsed, type TpmReader } from './tpm-wire.js';

/** A TPMT_SIGNATURE of one of the three schemes that quotes are accepted in. */
export type TpmSignature =
  | { scheme: 'rsassa' | 'rsapss'; hash: TpmHash; bytes: Buffer }
  | { scheme: 'ecdsa'; hash: TpmHash; r: Buffer; s: Buffer };

const MAX_RSA_BYTES = 512;
const MAX_ECC_BYTES = 66;
const MAX_SIGNATURE_BYTES = 1024;

/** Parses a signature as TPMs give it (TPM 2.0 Part 2 §11.3.4): bounded, exact, and never throws. */
export const parseTpmSignature = (bytes: Uint8Array): TpmParsed<TpmSignature> =>
  parseTpm('TPMT_SIGNATURE', bytes, MAX_SIGNATURE_BYTES, readSignature);

function readSignature(reader: TpmReader): TpmSignature {
  const algorithm = reader.uint16();
  switch (algorithm) {
    case TPM_ALG.rsassa:
    case TPM_ALG.rsapss: {
      const hash = readHash(reader, 'the hash of the signature');
      const scheme = algorithm === TPM_ALG.rsassa ? 'rsassa' : 'rsapss';
      return { scheme, hash, bytes: reader.sized('the signature', MAX_RSA_BYTES) };
    }
    case TPM_ALG.ecdsa: {
      const hash = readHash(reader, 'the hash of the signature');
      return { scheme: 'ecdsa', hash, r: reader.sized('r', MAX_ECC_BYTES), s: reader.sized('s', MAX_ECC_BYTES) };
    }
    default:
      throw reader.fault('unknown_algorithm', `expected rsassa, rsapss or ecdsa, got algorithm ${hex16(algorithm)}`);
  }
}
