import { readPcrSelections, type PcrSelection } from './pcr-selection.js';
import { parseTpm, type TpmParsed, type TpmReader } from './tpm-wire.js';

/** A TPMS_ATTEST of type TPM_ST_ATTEST_QUOTE: what a TPM signed about its PCRs. */
export interface Quote {
  /** Qualified Name of the signing key: algorithm and digest. */
  qualifiedSigner: Buffer;
  /** The caller's nonce. */
  extraData: Buffer;
  /** Milliseconds of the TPM's clock. */
  clock: bigint;
  /** TPM resets; obfuscated by a constant when the key is of no endorsement or platform hierarchy: compare deltas only. */
  resetCount: number;
  /** TPM restarts and resumes since the last reset; obfuscated likewise. */
  restartCount: number;
  /** Whether the TPM knows that its clock has not gone back. */
  safe: boolean;
  /** Vendor-specific; obfuscated likewise. */
  firmwareVersion: bigint;
  selection: PcrSelection[];
  /** Hash of the selected values, by the hash of the signature. */
  pcrDigest: Buffer;
}

/** TPM_GENERATED_VALUE, `ff` and "TCG": a restricted key signs nothing from outside that begins so. */
const MAGIC = 0xff544347;
const ATTEST_QUOTE = 0x8018;
/** A hash algorithm and the longest digest. */
export const MAX_NAME_BYTES = 2 + 64;
/** TPM2B_DATA holds at most a TPMT_HA. */
const MAX_EXTRA_DATA_BYTES = 2 + 64;
const MAX_DIGEST_BYTES = 64;
const MAX_QUOTE_BYTES = 1024;

/**
 * Parses the signed bytes of a quote (TPM 2.0 Part 2 §10.12.12), which are attacker-controlled until the signature has
 * been checked: bounded, exact, and never throws.
 */
export const parseQuote = (bytes: Uint8Array): TpmParsed<Quote> =>
  parseTpm('TPMS_ATTEST', bytes, MAX_QUOTE_BYTES, readQuote);

function readQuote(reader: TpmReader): Quote {
  const magic = reader.uint32();
  if (magic !== MAGIC) throw reader.fault('wrong_magic', 'expected ff544347');
  const type = reader.uint16();
  if (type !== ATTEST_QUOTE) throw reader.fault('wrong_type', `expected a quote (8018), got ${type.toString(16)}`);
  return {
    qualifiedSigner: reader.sized('qualifiedSigner', MAX_NAME_BYTES),
    extraData: reader.sized('extraData', MAX_EXTRA_DATA_BYTES),
    clock: reader.uint64(),
    resetCount: reader.uint32(),
    restartCount: reader.uint32(),
    safe: readYesNo(reader),
    firmwareVersion: reader.uint64(),
    selection: readPcrSelections(reader),
    pcrDigest: reader.sized('pcrDigest', MAX_DIGEST_BYTES),
  };
}

function readYesNo(reader: TpmReader): boolean {
  const value = reader.uint8();
  if (value > 1) throw reader.fault('out_of_range', `safe is 0 or 1, not ${value}`);
  return value === 1;
}
