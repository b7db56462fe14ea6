import { hash, timingSafeEqual } from 'node:crypto';
import { parseStrictJson, type JsonValue } from '../strict-json.js';
import type { PcrSelection } from './pcr-selection.js';
import { hashByName, type TpmHash } from './tpm-algorithms.js';
import type { TpmParsed } from './tpm-wire.js';

/** PCR values by bank name (lower case) and index. */
export type PcrValues = ReadonlyMap<string, ReadonlyMap<number, Buffer>>;

/** In their one spelling: `00` and `1e0` are none. */
const INDICES: ReadonlyMap<string, number> = new Map(Array.from({ length: 32 }, (_, index) => [String(index), index]));
const MAX_JSON_BYTES = 64 * 1024;

/**
 * Reads PCR values from JSON: `{"sha256": {"0": "<hex>", …}, …}`. The text comes with the evidence: bounded, members unique,
 * every value as long as its bank's hash, and never throws. Hex may have a `0x` before it, as tpm2-tools print it.
 */
export function readPcrValues(text: string | Uint8Array): TpmParsed<PcrValues> {
  const parsed = parseStrictJson(text, { maxBytes: MAX_JSON_BYTES, maxDepth: 3 });
  if (!parsed.ok) return notValues(`${parsed.reason}${parsed.detail === undefined ? '' : `, ${parsed.detail}`}`);
  const banks = membersOf(parsed.value);
  if (banks === undefined) return notValues('expected an object of banks');
  const values = new Map<string, ReadonlyMap<number, Buffer>>();
  for (const [name, members] of banks) {
    const bank = hashByName(name);
    if (bank === undefined) return notValues('a member is not named as a bank, such as sha256');
    if (values.has(bank.name)) return notValues(`bank ${bank.name} stands there twice`);
    const read = readBank(bank, membersOf(members));
    if (typeof read === 'string') return notValues(read);
    values.set(bank.name, read);
  }
  return { ok: true, value: values };
}

const notValues = (detail: string): TpmParsed<never> => ({
  ok: false,
  fault: 'not_pcr_values',
  detail: `PCR values: ${detail}`,
});

function membersOf(value: JsonValue | undefined): [string, JsonValue][] | undefined {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return undefined;
  return Object.entries(value);
}

function readBank(bank: TpmHash, members: [string, JsonValue][] | undefined): Map<number, Buffer> | string {
  if (members === undefined) return `bank ${bank.name} is not an object of PCRs`;
  const values = new Map<number, Buffer>();
  for (const [name, value] of members) {
    const index = INDICES.get(name);
    if (index === undefined) return `bank ${bank.name} has a member that is no PCR, 0 to 31`;
    const hex = typeof value === 'string' ? value.slice(value.startsWith('0x') ? 2 : 0) : '';
    // What is no hex ends the decoding: the bytes are then fewer.
    const bytes = hex.length === bank.bytes * 2 ? Buffer.from(hex, 'hex') : undefined;
    if (bytes?.length !== bank.bytes) return `${bank.name} PCR ${name}: expected ${bank.bytes * 2} hex digits`;
    values.set(index, bytes);
  }
  return values;
}

/**
 * What is between the values and the signed selection, in words: a value that was not quoted, a quoted PCR without a value;
 * undefined when the two are the same set.
 */
export function selectionDifference(selection: readonly PcrSelection[], values: PcrValues): string | undefined {
  for (const { bank, indices } of selection) {
    const missing = indices.find((index) => !values.get(bank.name)?.has(index));
    if (missing !== undefined) return `${bank.name} PCR ${missing} was quoted, and no value of it is shown`;
  }
  for (const [bank, pcrs] of values) {
    const quoted = new Set(selection.find((one) => one.bank.name === bank)?.indices);
    const extra = [...pcrs.keys()].find((index) => !quoted.has(index));
    if (extra !== undefined) return `a value of ${bank} PCR ${extra} is shown, and it was not quoted`;
  }
  return undefined;
}

/**
 * Whether the digest of a quote is that of the values, taken in the order of the signed selection (TPM 2.0 Part 3 §18.4).
 * A selected PCR without a value never matches.
 */
export function digestCovers(
  quote: { selection: readonly PcrSelection[]; pcrDigest: Buffer },
  values: PcrValues,
  by: TpmHash,
): boolean {
  const parts: Buffer[] = [];
  for (const { bank, indices } of quote.selection) {
    for (const index of indices) {
      const value = values.get(bank.name)?.get(index);
      if (value === undefined) return false;
      parts.push(value);
    }
  }
  const digest = hash(by.node, Buffer.concat(parts), 'buffer');
  return digest.length === quote.pcrDigest.length && timingSafeEqual(digest, quote.pcrDigest);
}
