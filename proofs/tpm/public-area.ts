import { hash } from 'node:crypto';
import { hashById, hex16, readHash, TPM_ALG, type TpmHash } from './tpm-algorithms.js';
import { parseTpm, tpmUint16, type TpmParsed, type TpmReader } from './tpm-wire.js';

/** What a TPM says a key is (TPMT_PUBLIC), as far as attestation needs it. */
export interface PublicArea {
  nameAlgorithm: TpmHash;
  /** TPMA_OBJECT bits. */
  attributes: number;
  /** The cipher with which a storage key protects what lies under it; null for keys that only sign. */
  symmetric: { algorithm: number; bits: number; mode: number } | null;
  /** The scheme and hash that the key is bound to; null when it is bound to none. */
  scheme: { algorithm: number; hash: TpmHash | null } | null;
  key:
    | { type: 'rsa'; bits: number; exponent: number; modulus: Buffer }
    | { type: 'ecc'; curve: number; x: Buffer; y: Buffer };
  /** `nameAlg || H(TPMT_PUBLIC)`, TPM 2.0 Part 1 §16: attributes and scheme are in it. */
  name: Buffer;
}

/** TPMA_OBJECT, TPM 2.0 Part 2 §8.3. */
export const OBJECT_ATTRIBUTES = {
  fixedTPM: 1 << 1,
  fixedParent: 1 << 4,
  sensitiveDataOrigin: 1 << 5,
  restricted: 1 << 16,
  decrypt: 1 << 17,
  sign: 1 << 18,
} as const;

/** Bits that Part 2 reserves: an area that sets one was not made by a TPM that we know. */
const RESERVED_ATTRIBUTES = ~0x000f0ff6;
const MAX_PUBLIC_BYTES = 2048;
const MAX_RSA_BYTES = 512;
const MAX_ECC_BYTES = 66;
const MAX_DIGEST_BYTES = 64;

/**
 * Parses a TPM2B_PUBLIC, as tpm2-tools write it, or a bare TPMT_PUBLIC (TPM 2.0 Part 2 §12.2): bounded, exact, and never
 * throws. The bytes are the owner's word about itself until an enrolment has bound their Name.
 */
export function parsePublicArea(bytes: Uint8Array): TpmParsed<PublicArea> {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // A TPMT_PUBLIC begins with its type, 1 or 0x23: no area of either size holds a key.
  const wrapped = view.length >= 2 && view.readUInt16BE() === view.length - 2;
  const area = wrapped ? view.subarray(2) : view;
  const parsed = parseTpm(wrapped ? 'TPM2B_PUBLIC' : 'TPMT_PUBLIC', area, MAX_PUBLIC_BYTES, readPublic);
  if (!parsed.ok) return parsed;
  const { nameAlgorithm } = parsed.value;
  if (!HASHABLE.has(nameAlgorithm.name)) {
    return { ok: false, fault: 'unknown_algorithm', detail: `names by ${nameAlgorithm.name} cannot be computed` };
  }
  const name = Buffer.concat([tpmUint16(nameAlgorithm.id), hash(nameAlgorithm.node, area, 'buffer')]);
  return { ok: true, value: { ...parsed.value, name } };
}

const HASHABLE = new Set(['sha1', 'sha256', 'sha384', 'sha512']);

function readPublic(reader: TpmReader): Omit<PublicArea, 'name'> {
  const type = reader.uint16();
  if (type !== TPM_ALG.rsa && type !== TPM_ALG.ecc)
    throw reader.fault('wrong_type', `expected an RSA or ECC key, got type ${hex16(type)}`);
  const nameAlgorithm = readHash(reader, 'the name algorithm');
  const attributes = reader.uint32();
  if ((attributes & RESERVED_ATTRIBUTES) !== 0)
    throw reader.fault('out_of_range', 'the attributes have bits that TPM 2.0 reserves');
  const policy = reader.sized('authPolicy', MAX_DIGEST_BYTES);
  if (policy.length !== 0 && policy.length !== nameAlgorithm.bytes)
    throw reader.fault('out_of_range', 'authPolicy is no digest of the name algorithm');
  const symmetric = readSymmetric(reader);
  const scheme = readScheme(reader);
  if (type === TPM_ALG.rsa) {
    const bits = reader.uint16();
    const exponent = reader.uint32();
    const modulus = reader.sized('the modulus', MAX_RSA_BYTES);
    return {
      nameAlgorithm,
      attributes,
      symmetric,
      scheme,
      key: { type: 'rsa', bits, exponent: exponent || 65537, modulus },
    };
  }
  const curve = reader.uint16();
  // TPMT_KDF_SCHEME
  if (reader.uint16() !== TPM_ALG.null) readHash(reader, 'the hash of the KDF');
  const [x, y] = [reader.sized('x', MAX_ECC_BYTES), reader.sized('y', MAX_ECC_BYTES)];
  return { nameAlgorithm, attributes, symmetric, scheme, key: { type: 'ecc', curve, x, y } };
}

/** TPMT_SYM_DEF_OBJECT. */
function readSymmetric(reader: TpmReader): PublicArea['symmetric'] {
  const algorithm = reader.uint16();
  return algorithm === TPM_ALG.null ? null : { algorithm, bits: reader.uint16(), mode: reader.uint16() };
}

/** TPMT_RSA_SCHEME and TPMT_ECC_SCHEME. */
function readScheme(reader: TpmReader): PublicArea['scheme'] {
  const algorithm = reader.uint16();
  switch (algorithm) {
    case TPM_ALG.null:
      return null;
    case TPM_ALG.rsaes:
      return { algorithm, hash: null };
    case TPM_ALG.rsassa:
    case TPM_ALG.rsapss:
    case TPM_ALG.oaep:
    case TPM_ALG.ecdsa:
    case TPM_ALG.ecdh:
    case TPM_ALG.sm2:
    case TPM_ALG.ecschnorr:
    case TPM_ALG.ecmqv:
      return { algorithm, hash: readHash(reader, 'the hash of the scheme') };
    case TPM_ALG.ecdaa: {
      const scheme = { algorithm, hash: readHash(reader, 'the hash of the scheme') };
      reader.uint16();
      return scheme;
    }
    default:
      throw reader.fault('unknown_algorithm', `scheme ${hex16(algorithm)}`);
  }
}

/** A hash by which a Name was made, from the Name itself; undefined when it is none or the length does not fit. */
export function hashOfName(name: Uint8Array): TpmHash | undefined {
  if (name.length < 2) return undefined;
  const found = hashById(((name[0] ?? 0) << 8) | (name[1] ?? 0));
  return found !== undefined && name.length === 2 + found.bytes ? found : undefined;
}
