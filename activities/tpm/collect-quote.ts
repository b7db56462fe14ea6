import type { PcrSelection } from '../../proofs/tpm/pcr-selection.js';
import { quotePcrs, readPcrs, type PcrReading } from './tpm-device.js';
import { TpmError } from './tpm-error.js';
import type { TpmTransport } from './tpm-transport.js';

const ATTEMPTS = 10;

/** A quote with the values that it is of. */
export interface CollectedQuote {
  /** TPMS_ATTEST. */
  quote: Buffer;
  /** TPMT_SIGNATURE. */
  signature: Buffer;
  /** Bank name, index, lower-case hex. */
  pcrs: PcrReading['values'];
}

/**
 * Quotes PCRs together with their values. Reading and quoting are two commands, and PCRs may move between them: the values
 * are read before and after, and all is done again while they differ, at most ten times.
 *
 * @throws {TpmError} `torn_read` when they never held still, and what a command throws.
 */
export async function collectQuote(
  tpm: TpmTransport,
  ak: number,
  nonce: Uint8Array,
  selections: readonly PcrSelection[],
): Promise<CollectedQuote> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    try {
      const before = await readPcrs(tpm, selections);
      const quoted = await quotePcrs(tpm, ak, nonce, selections);
      const after = await readPcrs(tpm, selections);
      // The counter tells of PCRs that were not asked for too: what counts are the values.
      if (JSON.stringify(before.values) === JSON.stringify(after.values)) return { ...quoted, pcrs: before.values };
    } catch (error) {
      if (!(error instanceof TpmError) || error.code !== 'torn_read') throw error;
    }
  }
  throw new TpmError('torn_read', `the PCRs changed ${ATTEMPTS} times while they were read and quoted`);
}
