import { X509Certificate } from 'node:crypto';
import { instant } from '../../domain/identifiers.js';
import { readAttestationKey } from './attestation-key.js';
import { isSignedByIssuer, serialHex, type Crl } from './crl.js';

/** Why the certificate of an endorsement key vouches for nothing. */
export const EK_CERTIFICATE_REFUSALS = {
  ek_certificate_malformed: 'it is no certificate',
  ek_certificate_other_key: 'it is for another key than the endorsement key of this TPM',
  ek_certificate_usage: 'it is not meant for an endorsement key',
  ek_certificate_expired: 'a certificate of the chain is not valid now',
  ek_certificate_untrusted: 'it leads to no root that is configured',
  ek_certificate_revoked: 'a certificate of the chain was revoked by who issued it',
  ek_certificate_unlisted: 'of one who issued a certificate of the chain there is no list of revoked ones',
  ek_certificate_stale_list: 'a list of revoked certificates is older than it may be',
} as const;
export type EkCertificateRefusal = keyof typeof EK_CERTIFICATE_REFUSALS;

/** The root that a chain leads to, or why there is none. */
export type EkCertificateVerdict =
  { ok: true; root: string; root_sha256: string } | { ok: false; code: EkCertificateRefusal; detail: string };

/** Whom a chain rests on. */
export interface EkAuthorities {
  /** Those that this process is configured to trust, which alone end a chain. */
  roots: readonly X509Certificate[];
  /** With them each who issued a certificate of the chain must have signed one; left out, revocation is not looked at. */
  crls?: readonly Crl[];
  /**
   * Whether a list that is older than it may be counts as it is (false: refused). What it names as revoked is revoked either
   * way: a host that is enrolled already is judged so, since a vendor that is late must not stop it.
   */
  staleCrls?: boolean;
}

/** tcg-kp-EKCertificate (TCG EK Credential Profile §3.2.16). */
const EK_USAGE = '2.23.133.8.1';
const MAX_DEPTH = 8;

/**
 * Checks that the vendor's chain speaks for an endorsement key (TPM2B_PUBLIC or TPMT_PUBLIC): `chain` is the key's own
 * certificate and what was sent with it, as DER. Times are judged at `nowMs` (epoch milliseconds). Where a chain could go
 * several ways the first that the signatures allow is taken.
 *
 * Key and chain are attacker-controlled: never throws.
 */
export function verifyEkCertificate(
  ek: Uint8Array,
  chain: readonly Uint8Array[],
  authorities: EkAuthorities,
  nowMs: number,
): EkCertificateVerdict {
  const refuse = (code: EkCertificateRefusal, detail: string): EkCertificateVerdict => ({ ok: false, code, detail });
  const [leaf, ...sent] = chain.map(certificateOf);
  if (leaf === undefined || sent.includes(undefined))
    return refuse('ek_certificate_malformed', EK_CERTIFICATE_REFUSALS.ek_certificate_malformed);
  const key = readAttestationKey(ek);
  if (!key.ok) return refuse('ek_certificate_other_key', key.detail);
  try {
    const spki = leaf.publicKey.export({ format: 'der', type: 'spki' });
    if (!spki.equals(key.value.key.export({ format: 'der', type: 'spki' })))
      return refuse('ek_certificate_other_key', EK_CERTIFICATE_REFUSALS.ek_certificate_other_key);
    if (leaf.ca) return refuse('ek_certificate_usage', 'it is the certificate of an authority');
    // Absent in certificates of some older vendors; where it is there it must name this use.
    const usages = leaf.keyUsage as string[] | undefined;
    if (usages !== undefined && usages.length > 0 && !usages.includes(EK_USAGE))
      return refuse('ek_certificate_usage', `expected extended key usage ${EK_USAGE}`);
    return walk(
      leaf,
      sent.filter((one) => one !== undefined),
      authorities,
      nowMs,
    );
  } catch {
    // A key that node:crypto does not know, for one.
    return refuse('ek_certificate_malformed', EK_CERTIFICATE_REFUSALS.ek_certificate_malformed);
  }
}

function walk(
  leaf: X509Certificate,
  between: readonly X509Certificate[],
  authorities: EkAuthorities,
  nowMs: number,
): EkCertificateVerdict {
  const { roots } = authorities;
  let current = leaf;
  for (let depth = 0; depth < MAX_DEPTH; depth += 1) {
    const isNow = Date.parse(current.validFrom) <= nowMs && nowMs <= Date.parse(current.validTo);
    if (!isNow)
      return {
        ok: false,
        code: 'ek_certificate_expired',
        detail: `${nameOf(current)} is valid until ${current.validTo}`,
      };
    const child = current;
    const issued = (by: X509Certificate): boolean => by.ca && child.checkIssued(by) && child.verify(by.publicKey);
    const root = roots.find(issued);
    if (root !== undefined) {
      if (Date.parse(root.validTo) < nowMs)
        return {
          ok: false,
          code: 'ek_certificate_expired',
          detail: `the root ${nameOf(root)} is valid until ${root.validTo}`,
        };
      const against = revocationOf(child, root, authorities, nowMs);
      if (against !== undefined) return against;
      return { ok: true, root: nameOf(root), root_sha256: root.fingerprint256.replaceAll(':', '').toLowerCase() };
    }
    const next = between.find(issued);
    if (next === undefined) break;
    const against = revocationOf(child, next, authorities, nowMs);
    if (against !== undefined) return against;
    current = next;
  }
  const detail = `${nameOf(current)} was issued by ${oneLine(current.issuer)}, which is no configured root`;
  return { ok: false, code: 'ek_certificate_untrusted', detail };
}

/** What the lists of an issuer say of a certificate that it issued. One of an earlier time counts for what it names, for good. */
function revocationOf(
  child: X509Certificate,
  issuer: X509Certificate,
  { crls, staleCrls = false }: EkAuthorities,
  nowMs: number,
): Extract<EkCertificateVerdict, { ok: false }> | undefined {
  if (crls === undefined) return undefined;
  const lists = crls.filter((crl) => isSignedByIssuer(crl, issuer.publicKey));
  if (lists.some(({ revoked }) => revoked.has(serialHex(child.serialNumber))))
    return { ok: false, code: 'ek_certificate_revoked', detail: `${nameOf(issuer)} has revoked ${nameOf(child)}` };
  if (lists.length === 0)
    return { ok: false, code: 'ek_certificate_unlisted', detail: `there is no list of what ${nameOf(issuer)} revoked` };
  const isFresh = lists.some(({ nextUpdateMs }) => nextUpdateMs !== null && nowMs < nextUpdateMs);
  if (isFresh || staleCrls) return undefined;
  const until = Math.max(...lists.map(({ nextUpdateMs }) => nextUpdateMs ?? 0));
  const over = until === 0 ? 'does not say until when it is good' : `was good until ${instant(until)}`;
  return { ok: false, code: 'ek_certificate_stale_list', detail: `the list of ${nameOf(issuer)} ${over}` };
}

const oneLine = (name: string): string => name.replaceAll('\n', ', ');
const nameOf = ({ subject, serialNumber }: X509Certificate): string =>
  subject ? oneLine(subject) : `certificate ${serialNumber}`;

/** DER, as TPMs keep it: what follows the certificate in its place is padding. */
function certificateOf(bytes: Uint8Array): X509Certificate | undefined {
  const der = trimDer(Buffer.from(bytes));
  if (der === undefined) return undefined;
  try {
    return new X509Certificate(der);
  } catch {
    return undefined;
  }
}

/** The bytes of the one DER sequence at the beginning; undefined when there is none. */
export function trimDer(bytes: Buffer): Buffer | undefined {
  if (bytes.length < 4 || bytes[0] !== 0x30) return undefined;
  const first = bytes.readUInt8(1);
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
  if (lengthBytes > 3 || bytes.length < 2 + lengthBytes) return undefined;
  const length = lengthBytes === 0 ? first : bytes.readUIntBE(2, lengthBytes);
  const end = 2 + lengthBytes + length;
  return end <= bytes.length ? bytes.subarray(0, end) : undefined;
}

/** The certificates of a PEM file of roots and what is between; undefined when one of them is none. Never throws. */
export function readRootCertificates(pem: string): X509Certificate[] | undefined {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch {
    return undefined;
  }
}
