import { readHash, type TpmHash } from './tpm-algorithms.js';
import { tpmUint16, tpmUint32, type TpmReader } from './tpm-wire.js';

/** The PCRs of one bank that a quote covers, ascending. */
export interface PcrSelection {
  bank: TpmHash;
  indices: number[];
}

/** As many as TPM 2.0 defines hashes. */
const MAX_BANKS = 16;
/** 32 PCRs; PC platforms have 24. */
const MAX_SELECT_BYTES = 4;

/**
 * TPML_PCR_SELECTION (TPM 2.0 Part 2 §10.9.7). Refused: a bank that comes twice, because two lists of indices for one bank
 * let a reader and a TPM disagree, and a selection of no PCR at all, whose digest says nothing.
 */
export function readPcrSelections(reader: TpmReader): PcrSelection[] {
  const count = reader.uint32();
  if (count > MAX_BANKS) throw reader.fault('out_of_range', `${count} PCR banks, at most ${MAX_BANKS} are possible`);
  const selections: PcrSelection[] = [];
  for (let bank = 0; bank < count; bank += 1) {
    const selection = readSelection(reader);
    if (selections.some((other) => other.bank.id === selection.bank.id))
      throw reader.fault('duplicate_bank', `bank ${selection.bank.name} is selected twice`);
    selections.push(selection);
  }
  if (selections.every(({ indices }) => indices.length === 0))
    throw reader.fault('empty_selection', 'no PCR is selected');
  return selections;
}

function readSelection(reader: TpmReader): PcrSelection {
  const bank = readHash(reader, 'a PCR bank');
  const size = reader.uint8();
  if (size < 1 || size > MAX_SELECT_BYTES)
    throw reader.fault('out_of_range', `a PCR bitmap has ${size} bytes, 1 to ${MAX_SELECT_BYTES} are possible`);
  const bitmap = reader.take(size);
  const indices: number[] = [];
  for (let index = 0; index < size * 8; index += 1)
    if (((bitmap[index >> 3] ?? 0) >> (index & 7)) & 1) indices.push(index);
  return { bank, indices };
}

/** The bytes of a TPML_PCR_SELECTION, with bitmaps of three bytes, which every TPM takes. Indices are 0 to 23. */
export function encodePcrSelections(selections: readonly PcrSelection[]): Buffer {
  const parts = selections.map(({ bank, indices }) => {
    const bitmap = Buffer.alloc(3);
    for (const index of indices) bitmap[index >> 3] = (bitmap[index >> 3] ?? 0) | (1 << (index & 7));
    return Buffer.concat([tpmUint16(bank.id), Buffer.of(3), bitmap]);
  });
  return Buffer.concat([tpmUint32(parts.length), ...parts]);
}

/** `sha256:0,1,7+sha384:0`, as tpm2-tools write it. */
export const selectionText = (selections: readonly PcrSelection[]): string =>
  selections
    .filter(({ indices }) => indices.length > 0)
    .map(({ bank, indices }) => `${bank.name}:${indices.join(',')}`)
    .join('+');
