import { verify, type KeyObject } from 'node:crypto';
import { DER, DerError, DerReader, oidOf, timeOf, type DerElement } from './der.js';

/** A list of revoked certificates, as far as it is used here. Its signature is not yet checked: see {@link isSignedByIssuer}. */
export interface Crl {
  thisUpdateMs: number;
  /** From then on the list is stale; null when it says nothing, and then it is never fresh. */
  nextUpdateMs: number | null;
  /** Serial numbers in lower-case hex without leading zeros. */
  revoked: ReadonlySet<string>;
  /** What is signed, by which hash, and the signature. */
  signed: { bytes: Buffer; hash: string; signature: Buffer };
}

export type CrlResult = { ok: true; value: Crl } | { ok: false; detail: string };

const MAX_CRL_BYTES = 4 * 1024 * 1024;

/** RSASSA-PKCS1-v1_5 and ECDSA with strong hashes (RFC 4055 §5, RFC 5758 §3.2). */
const SIGNATURES: Readonly<Record<string, string>> = {
  '1.2.840.113549.1.1.11': 'sha256',
  '1.2.840.113549.1.1.12': 'sha384',
  '1.2.840.113549.1.1.13': 'sha512',
  '1.2.840.10045.4.3.2': 'sha256',
  '1.2.840.10045.4.3.3': 'sha384',
  '1.2.840.10045.4.3.4': 'sha512',
};

/**
 * Reads one CRL (RFC 5280 §5.1), DER. A list with a critical extension is refused, since it may not say what it seems to: it
 * may be a part, a change to another list, or about certificates of other issuers. The bytes are anybody's: bounded, exact,
 * and never throws.
 */
export function readCrl(bytes: Uint8Array): CrlResult {
  if (bytes.length > MAX_CRL_BYTES)
    return { ok: false, detail: `${bytes.length} bytes, at most ${MAX_CRL_BYTES} are read` };
  try {
    return { ok: true, value: crlIn(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)) };
  } catch (error) {
    if (error instanceof DerError) return { ok: false, detail: error.message };
    throw error;
  }
}

/** Whether the key of an issuer signed the list: it is then the issuer's, whatever name it carries. Never throws. */
export function isSignedByIssuer({ signed: { bytes, hash, signature } }: Crl, issuer: KeyObject): boolean {
  try {
    return verify(hash, bytes, issuer, signature);
  } catch {
    return false;
  }
}

function crlIn(bytes: Buffer): Crl {
  const file = new DerReader(bytes);
  const list = new DerReader(file.next(DER.sequence).body);
  file.end();
  const body = list.next(DER.sequence);
  const algorithm = list.next(DER.sequence);
  const signature = bitsOf(list.next(DER.bitString));
  list.end();
  const tbs = new DerReader(body.body);
  tbs.optional(DER.integer);
  // RFC 5280 §5.1.1.2: what is signed says by what it is signed.
  if (!tbs.next(DER.sequence).raw.equals(algorithm.raw)) throw new DerError('two signature algorithms');
  const name = oidOf(new DerReader(algorithm.body).next(DER.oid));
  const hash = SIGNATURES[name];
  if (hash === undefined)
    throw new DerError(`signature algorithm ${name}: expected RSA or ECDSA with SHA-256, SHA-384 or SHA-512`);
  tbs.next(DER.sequence); // the issuer's name: its key is what counts
  const thisUpdateMs = timeOf(tbs.next());
  const isTime = tbs.peek() === DER.utcTime || tbs.peek() === DER.generalizedTime;
  const nextUpdateMs = isTime ? timeOf(tbs.next()) : null;
  const entries = tbs.optional(DER.sequence);
  const revoked = new Set<string>();
  for (const all = new DerReader(entries?.body ?? Buffer.alloc(0)); !all.done;) {
    const entry = new DerReader(all.next(DER.sequence).body);
    revoked.add(serialOf(entry.next(DER.integer)));
    timeOf(entry.next());
    refuseCritical(entry.optional(DER.sequence));
    entry.end();
  }
  const wrapped = tbs.optional(0xa0);
  if (wrapped !== undefined) {
    const inside = new DerReader(wrapped.body);
    refuseCritical(inside.next(DER.sequence));
    inside.end();
  }
  tbs.end();
  return { thisUpdateMs, nextUpdateMs, revoked, signed: { bytes: body.raw, hash, signature } };
}

function refuseCritical(extensions: DerElement | undefined): void {
  for (const all = new DerReader(extensions?.body ?? Buffer.alloc(0)); !all.done;) {
    const extension = new DerReader(all.next(DER.sequence).body);
    const oid = oidOf(extension.next(DER.oid));
    const critical = extension.optional(DER.boolean);
    extension.next(DER.octetString);
    extension.end();
    if (critical !== undefined && critical.body[0] !== 0)
      throw new DerError(`it has the critical extension ${oid}: only whole lists of one issuer are read`);
  }
}

function bitsOf({ body }: DerElement): Buffer {
  if (body[0] !== 0) throw new DerError('a signature of odd bits');
  return body.subarray(1);
}

const serialOf = ({ body }: DerElement): string => serialHex(body.toString('hex'));
/** As node:crypto and lists write it, in one form. */
export const serialHex = (hex: string): string => hex.toLowerCase().replace(/^0+(?=.)/, '');

/** The lists of a file: PEM blocks `X509 CRL`, or one list as DER; what is wrong otherwise. Never throws. */
export function readCrlFile(bytes: Buffer): { ok: true; value: Crl[] } | { ok: false; detail: string } {
  const blocks = bytes.toString('latin1').match(/-----BEGIN X509 CRL-----[\s\S]+?-----END X509 CRL-----/g);
  const ders = blocks?.map((block) => Buffer.from(block.replace(/-----[^-]+-----/g, ''), 'base64')) ?? [bytes];
  const crls: Crl[] = [];
  for (const [at, der] of ders.entries()) {
    const read = readCrl(der);
    if (!read.ok) return { ok: false, detail: `list ${at + 1} of ${ders.length}: ${read.detail}` };
    crls.push(read.value);
  }
  return { ok: true, value: crls };
}
