import { constants, createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { readAttestationKey } from '../../../proofs/tpm/attestation-key.js';
import type { QuoteEvidence } from '../../../proofs/tpm/authentic-quote.js';
import { pcrPolicySchema, type PcrPolicy, type PcrPolicyInForce } from '../../../domain/attestation-policy.js';
import { digestOf } from '../../../proofs/canonical-json.js';
import { readPcrValues } from '../../../proofs/tpm/pcr-values.js';

/** Writes what a TPM writes, from Part 2 of the specification and with no code of the reader's. */
export const HASH_IDS = { sha1: 0x4, sha256: 0xb, sha384: 0xc, sha512: 0xd } as const;
export type HashName = keyof typeof HASH_IDS;
export type Values = Record<string, Record<string, string>>;

export const u8 = (value: number): Buffer => Buffer.of(value);
export const u16 = (value: number): Buffer => Buffer.of((value >> 8) & 255, value & 255);
export const u32 = (value: number): Buffer => Buffer.concat([u16(value >>> 16), u16(value & 0xffff)]);
export const u64 = (value: bigint): Buffer =>
  Buffer.concat([u32(Number(value >> 32n)), u32(Number(value & 0xffffffffn))]);
export const sized = (bytes: Buffer): Buffer => Buffer.concat([u16(bytes.length), bytes]);
const digest = (name: HashName, ...parts: Buffer[]): Buffer => createHash(name).update(Buffer.concat(parts)).digest();

/** A TPML_PCR_SELECTION with bitmaps of three bytes. */
export function selectionOf(values: Values): Buffer {
  const banks = Object.entries(values).map(([bank, pcrs]) => {
    const bitmap = Buffer.alloc(3);
    for (const index of Object.keys(pcrs).map(Number))
      bitmap.writeUInt8(bitmap.readUInt8(index >> 3) | (1 << (index & 7)), index >> 3);
    return Buffer.concat([u16(HASH_IDS[bank as HashName]), u8(3), bitmap]);
  });
  return Buffer.concat([u32(banks.length), ...banks]);
}

export interface Attested {
  magic: number;
  type: number;
  signer: Buffer;
  nonce: Buffer;
  clock: bigint;
  resets: number;
  restarts: number;
  safe: number;
  firmware: bigint;
  /** Bytes of the TPML_PCR_SELECTION. */
  selection: Buffer;
  pcrDigest: Buffer;
}

export const NONCE = Buffer.alloc(32, 0x4e);
export const VALUES: Values = {
  sha256: { '0': '11'.repeat(32), '7': '22'.repeat(32), '16': '00'.repeat(32) },
};

export function attest(changed: Partial<Attested> = {}, values: Values = VALUES, by: HashName = 'sha256'): Buffer {
  const ordered = Object.values(values).flatMap((pcrs) =>
    Object.keys(pcrs)
      .map(Number)
      .sort((a, b) => a - b)
      .map((index) => Buffer.from(pcrs[String(index)] ?? '', 'hex')),
  );
  const said: Attested = {
    magic: 0xff544347,
    type: 0x8018,
    signer: Buffer.concat([u16(HASH_IDS.sha256), Buffer.alloc(32, 0x51)]),
    nonce: NONCE,
    clock: 1_000_000n,
    resets: 5,
    restarts: 2,
    safe: 1,
    firmware: 0x20240101_00120000n,
    selection: selectionOf(values),
    pcrDigest: digest(by, ...ordered),
    ...changed,
  };
  return Buffer.concat([
    u32(said.magic),
    u16(said.type),
    sized(said.signer),
    sized(said.nonce),
    u64(said.clock),
    u32(said.resets),
    u32(said.restarts),
    u8(said.safe),
    u64(said.firmware),
    said.selection,
    sized(said.pcrDigest),
  ]);
}

export const ATTRIBUTES = {
  fixedTPM: 2,
  fixedParent: 0x10,
  origin: 0x20,
  auth: 0x40,
  restricted: 0x10000,
  decrypt: 0x20000,
  sign: 0x40000,
};
export const AK_ATTRIBUTES = 0x2 | 0x10 | 0x20 | 0x40 | 0x10000 | 0x40000;
const SCHEME_IDS = { rsassa: 0x14, rsapss: 0x16, ecdsa: 0x18 } as const;
export type Scheme = keyof typeof SCHEME_IDS;

export interface SoftwareAk {
  scheme: Scheme;
  pem: string;
  /** TPMT_PUBLIC. */
  area: Buffer;
  /** TPMT_SIGNATURE over the bytes. */
  sign(bytes: Buffer, options?: { scheme?: Scheme; hash?: HashName; salt?: number }): Buffer;
}

/** A key of ordinary software that says of itself what an AK says. */
export function softwareAk(
  scheme: Scheme,
  options: {
    hash?: HashName;
    attributes?: number;
    bits?: number;
    curve?: 'P-256' | 'P-384';
    nameAlgorithm?: HashName;
    keyScheme?: Buffer;
  } = {},
): SoftwareAk {
  const {
    hash = 'sha256',
    attributes = AK_ATTRIBUTES,
    bits = 2048,
    curve = 'P-256',
    nameAlgorithm = 'sha256',
  } = options;
  const pair =
    scheme === 'ecdsa'
      ? generateKeyPairSync('ec', { namedCurve: curve })
      : generateKeyPairSync('rsa', { modulusLength: bits });
  const { n = '', x = '', y = '' } = pair.publicKey.export({ format: 'jwk' });
  const [head, symmetric] = [[u16(HASH_IDS[nameAlgorithm]), u32(attributes), sized(Buffer.alloc(0))], u16(0x10)];
  const keyScheme = options.keyScheme ?? Buffer.concat([u16(SCHEME_IDS[scheme]), u16(HASH_IDS[hash])]);
  const area =
    scheme === 'ecdsa'
      ? [
          u16(0x23),
          ...head,
          symmetric,
          keyScheme,
          u16(curve === 'P-256' ? 3 : 4),
          u16(0x10),
          sized(b64(x)),
          sized(b64(y)),
        ]
      : [u16(1), ...head, symmetric, keyScheme, u16(bits), u32(0), sized(b64(n))];
  return {
    scheme,
    pem: pair.publicKey.export({ format: 'pem', type: 'spki' }) as string,
    area: Buffer.concat(area),
    sign: (bytes, { scheme: as = scheme, hash: by = hash, salt } = {}) => signed(pair.privateKey, as, by, bytes, salt),
  };
}

const b64 = (text: string): Buffer => Buffer.from(text, 'base64url');

function signed(key: KeyObject, scheme: Scheme, hash: HashName, bytes: Buffer, salt?: number): Buffer {
  const head = Buffer.concat([u16(SCHEME_IDS[scheme]), u16(HASH_IDS[hash])]);
  if (scheme === 'ecdsa') {
    const raw = sign(hash, bytes, { key, dsaEncoding: 'ieee-p1363' });
    return Buffer.concat([head, sized(raw.subarray(0, raw.length / 2)), sized(raw.subarray(raw.length / 2))]);
  }
  const padding = scheme === 'rsapss' ? constants.RSA_PKCS1_PSS_PADDING : constants.RSA_PKCS1_PADDING;
  const saltLength = salt ?? constants.RSA_PSS_SALTLEN_DIGEST;
  const made = sign(hash, bytes, scheme === 'rsapss' ? { key, padding, saltLength } : { key, padding });
  return Buffer.concat([head, sized(made)]);
}

/** A whole piece of evidence by a software key, which is as good as a TPM's to whoever enrolled that key. */
export function evidenceOf(ak: SoftwareAk, quote = attest(), values: Values = VALUES): QuoteEvidence {
  return {
    quote,
    signature: ak.sign(quote),
    ak: readAttestationKey(ak.area),
    pcrs: readPcrValues(JSON.stringify(values)),
  };
}

/** Codes of the checks that failed, in the order of the report. */
export const failuresOf = (report: { checks: readonly { code: string; ok: boolean }[] }): string[] =>
  report.checks.filter(({ ok }) => !ok).map(({ code }) => code);

/** A policy that allows what {@link VALUES} say, and what is changed of it. */
export function pcrPolicy(changed: Partial<PcrPolicy> = {}, values: Values = VALUES): PcrPolicyInForce {
  const accepted = { label: 'as installed', accepted_by: ['alice@contoso.com'], accepted_at: '2026-11-21T00:00:00Z' };
  const pcrs = Object.fromEntries(
    Object.entries(values).map(([bank, sets]) => [
      bank,
      Object.fromEntries(Object.entries(sets).map(([index, digest]) => [index, [{ digest, ...accepted }]])),
    ]),
  );
  const policy = pcrPolicySchema.parse({ schema: 'reseal.pcr_policy.v1', name: 'hosts', version: 3, pcrs, ...changed });
  return { policy, digest: digestOf(policy) };
}
