import { tpmUint16, type TpmReader } from './tpm-wire.js';

/** Algorithm identifiers of the TCG Algorithm Registry (TPM_ALG_ID) that keys, signatures and PCR banks name. */
export const TPM_ALG = {
  rsa: 0x0001,
  null: 0x0010,
  rsassa: 0x0014,
  rsaes: 0x0015,
  rsapss: 0x0016,
  oaep: 0x0017,
  ecdsa: 0x0018,
  ecdh: 0x0019,
  ecdaa: 0x001a,
  sm2: 0x001b,
  ecschnorr: 0x001c,
  ecmqv: 0x001d,
  ecc: 0x0023,
} as const;

/** A hash as TPMs number it; `name` is how banks are called in JSON, `node` how node:crypto calls it. */
export interface TpmHash {
  id: number;
  name: string;
  bytes: number;
  node: string;
}

const HASHES: readonly TpmHash[] = [
  { id: 0x0004, name: 'sha1', bytes: 20, node: 'sha1' },
  { id: 0x000b, name: 'sha256', bytes: 32, node: 'sha256' },
  { id: 0x000c, name: 'sha384', bytes: 48, node: 'sha384' },
  { id: 0x000d, name: 'sha512', bytes: 64, node: 'sha512' },
  { id: 0x0012, name: 'sm3_256', bytes: 32, node: 'sm3' },
  { id: 0x0027, name: 'sha3_256', bytes: 32, node: 'sha3-256' },
  { id: 0x0028, name: 'sha3_384', bytes: 48, node: 'sha3-384' },
  { id: 0x0029, name: 'sha3_512', bytes: 64, node: 'sha3-512' },
];

/** Hashes that a quote may rest on, as signature hash, name algorithm and PCR bank. SHA-1 is none of them. */
const STRONG: readonly string[] = ['sha256', 'sha384', 'sha512'];

export const isStrongHash = (hash: TpmHash): boolean => STRONG.includes(hash.name);
export const hashById = (id: number): TpmHash | undefined => HASHES.find((hash) => hash.id === id);
/** By a bank's name in JSON, in any case of letters. */
export const hashByName = (name: string): TpmHash | undefined =>
  HASHES.find((hash) => hash.name === name.toLowerCase());

/** TPMI_ALG_HASH without `TPM_ALG_NULL`. */
export function readHash(reader: TpmReader, of: string): TpmHash {
  const id = reader.uint16();
  const hash = hashById(id);
  if (hash === undefined) throw reader.fault('unknown_algorithm', `${of} is algorithm ${hex16(id)}, which is no hash`);
  return hash;
}

export const hex16 = (value: number): string => `0x${tpmUint16(value).toString('hex')}`;
