import { encodePcrSelections, readPcrSelections, type PcrSelection } from '../../proofs/tpm/pcr-selection.js';
import { TPM_ALG } from '../../proofs/tpm/tpm-algorithms.js';
import { tpmSized, tpmUint16 } from '../../proofs/tpm/tpm-wire.js';
import { RS_PW, runTpm, TPM_CC } from './tpm-commands.js';
import { TpmError } from './tpm-error.js';
import type { TpmTransport } from './tpm-transport.js';

const MAX_BYTES = 2048;
/** A TPM answers eight values at a time. */
const MAX_READS = 32;

export interface PcrReading {
  /** Counts every change of any PCR. */
  updateCounter: number;
  /** Bank name, index, lower-case hex. */
  values: Record<string, Record<string, string>>;
}

/**
 * TPM2_ReadPublic: the TPM2B_PUBLIC of a loaded or persistent key, with its length.
 *
 * All functions here throw {@link TpmError} as `runTpm` does.
 */
export const readPublic = async (tpm: TpmTransport, handle: number): Promise<Buffer> =>
  (await readKey(tpm, handle)).area;

/** The same, with the Qualified Name: where in the TPM's hierarchies the key lies. */
export const readKey = (tpm: TpmTransport, handle: number): Promise<{ area: Buffer; qualifiedName: Buffer }> =>
  runTpm(tpm, { code: TPM_CC.readPublic, handles: [handle] }, (reader) => {
    const area = reader.sized('outPublic', MAX_BYTES);
    reader.sized('name', MAX_BYTES);
    return { area: tpmSized(area), qualifiedName: Buffer.from(reader.sized('qualifiedName', MAX_BYTES)) };
  });

/** TPM2_PCR_Read, as often as it takes for all; throws `torn_read` when a PCR changes meanwhile. */
export async function readPcrs(tpm: TpmTransport, selections: readonly PcrSelection[]): Promise<PcrReading> {
  const values: PcrReading['values'] = {};
  let left = selections.filter(({ indices }) => indices.length > 0);
  let updateCounter: number | undefined;
  for (let reads = 0; left.length > 0; reads += 1) {
    const part = await readSomePcrs(tpm, left);
    if (updateCounter !== undefined && part.counter !== updateCounter)
      throw new TpmError('torn_read', 'a PCR changed while the PCRs were read');
    updateCounter = part.counter;
    for (const { bank, index, digest } of part.read) (values[bank] ??= {})[String(index)] = digest.toString('hex');
    const rest = left.map(({ bank, indices }) => ({
      bank,
      indices: indices.filter((index) => values[bank.name]?.[String(index)] === undefined),
    }));
    left = rest.filter(({ indices }) => indices.length > 0);
    if (part.read.length === 0 || reads === MAX_READS)
      throw new TpmError('refused', `the TPM has no ${left[0]?.bank.name ?? ''} PCR ${left[0]?.indices[0] ?? ''}`);
  }
  return { updateCounter: updateCounter ?? 0, values };
}

function readSomePcrs(tpm: TpmTransport, selections: readonly PcrSelection[]) {
  const parameters = encodePcrSelections(selections);
  return runTpm(tpm, { code: TPM_CC.pcrRead, parameters }, (reader) => {
    const counter = reader.uint32();
    const answered = readSelectionsOrNone(reader);
    const places = answered.flatMap(({ bank, indices }) => indices.map((index) => ({ bank: bank.name, index })));
    const count = reader.uint32();
    if (count !== places.length) throw reader.fault('out_of_range', `${count} values for ${places.length} PCRs`);
    return { counter, read: places.map((place) => ({ ...place, digest: reader.sized('a value', 64) })) };
  });
}

/** The answer of a TPM that has none of the PCRs selects none. */
function readSelectionsOrNone(reader: Parameters<typeof readPcrSelections>[0]): PcrSelection[] {
  try {
    return readPcrSelections(reader);
  } catch (error) {
    if (error instanceof Error && 'fault' in error && error.fault === 'empty_selection') return [];
    throw error;
  }
}

/** TPM2_Quote by a key with an empty password, in the key's own scheme: TPMS_ATTEST and TPMT_SIGNATURE. */
export function quotePcrs(
  tpm: TpmTransport,
  ak: number,
  nonce: Uint8Array,
  selections: readonly PcrSelection[],
): Promise<{ quote: Buffer; signature: Buffer }> {
  const parameters = Buffer.concat([tpmSized(nonce), tpmUint16(TPM_ALG.null), encodePcrSelections(selections)]);
  return runTpm(tpm, { code: TPM_CC.quote, handles: [ak], sessions: [RS_PW], parameters }, (reader) => {
    const quote = reader.sized('quoted', MAX_BYTES);
    return { quote, signature: reader.take(reader.remaining) };
  });
}

/** Where a TPM of a PC keeps the certificate of its RSA 2048 endorsement key (TCG EK Credential Profile §2.2.1.4, L-1). */
export const EK_CERTIFICATE_INDEX = 0x01c00002;
const RC_NO_SUCH_INDEX = 0x18b;
const NV_PART = 512;
const MAX_NV_BYTES = 8192;

/** TPM2_NV_Read of a whole index that anybody may read with an empty password; undefined when there is no such index. */
export async function readNv(tpm: TpmTransport, index: number): Promise<Buffer | undefined> {
  let size: number;
  try {
    size = await nvSize(tpm, index);
  } catch (error) {
    if (error instanceof TpmError && error.rc === RC_NO_SUCH_INDEX) return undefined;
    throw error;
  }
  if (size > MAX_NV_BYTES) throw new TpmError('malformed', `NV index ${index.toString(16)} has ${size} bytes`);
  const parts: Buffer[] = [];
  for (let offset = 0; offset < size; offset += NV_PART) {
    const length = Math.min(NV_PART, size - offset);
    const parameters = Buffer.concat([tpmUint16(length), tpmUint16(offset)]);
    const command = { code: TPM_CC.nvRead, handles: [index, index], sessions: [RS_PW], parameters };
    const part = await runTpm(tpm, command, (reader) => Buffer.from(reader.sized('data', NV_PART)));
    if (part.length !== length) throw new TpmError('malformed', 'fewer bytes of an NV index than were asked for');
    parts.push(part);
  }
  return Buffer.concat(parts);
}

const nvSize = (tpm: TpmTransport, index: number): Promise<number> =>
  runTpm(tpm, { code: TPM_CC.nvReadPublic, handles: [index] }, (reader) => {
    reader.uint16();
    reader.uint32();
    reader.uint16();
    reader.uint32();
    reader.sized('authPolicy', 64);
    const size = reader.uint16();
    reader.sized('nvName', MAX_BYTES);
    return size;
  });

/** TPM2_ReadClock. */
export const readClock = (
  tpm: TpmTransport,
): Promise<{ clock: bigint; resetCount: number; restartCount: number; safe: boolean }> =>
  runTpm(tpm, { code: TPM_CC.readClock }, (reader) => {
    reader.uint64(); // since the TPM was last started
    const [clock, resetCount, restartCount] = [reader.uint64(), reader.uint32(), reader.uint32()];
    return { clock, resetCount, restartCount, safe: reader.uint8() === 1 };
  });
