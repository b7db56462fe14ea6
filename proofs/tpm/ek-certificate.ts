import { X509Certificate } from 'node:crypto';
import { readAttestationKey } from './attestation-key.js';

/** Why the certificate of an endorsement key vouches for nothing. */
export const EK_CERTIFICATE_REFUSALS = {
  ek_certificate_malformed: 'it is no certificate',
  ek_certificate_other_key: 'it is for another key than the endorsement key of this TPM',
  ek_certificate_usage: 'it is not meant for an endorsement key',
  ek_certificate_expired: 'a certificate of the chain is not valid now',
  ek_certificate_untrusted: 'it leads to no root that is configured',
} as const;
export type EkCertificateRefusal = keyof typeof EK_CERTIFICATE_REFUSALS;

/** The root that a chain leads to, or why there is none. */
export type EkCertificateVerdict =
  { ok: true; root: string; root_sha256: string } | { ok: false; code: EkCertificateRefusal; detail: string };

/** tcg-kp-EKCertificate (TCG EK Credential Profile §3.2.16). */
const EK_USAGE = '2.23.133.8.1';
const MAX_DEPTH = 8;

/**
 * Checks that the vendor's chain speaks for an endorsement key (TPM2B_PUBLIC or TPMT_PUBLIC): `chain` is the key's own
 * certificate and what was sent with it, as DER; `roots` are those that this process is configured to trust, which alone end
 * a chain. A certificate's time is judged at `nowMs` (epoch milliseconds). Revocation lists of vendors are not asked.
 *
 * Key and chain are attacker-controlled: never throws.
 */
export function verifyEkCertificate(
  ek: Uint8Array,
  chain: readonly Uint8Array[],
  roots: readonly X509Certificate[],
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
      roots,
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
  roots: readonly X509Certificate[],
  nowMs: number,
): EkCertificateVerdict {
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
      return { ok: true, root: nameOf(root), root_sha256: root.fingerprint256.replaceAll(':', '').toLowerCase() };
    }
    const next = between.find(issued);
    if (next === undefined) break;
    current = next;
  }
  const detail = `${nameOf(current)} was issued by ${oneLine(current.issuer)}, which is no configured root`;
  return { ok: false, code: 'ek_certificate_untrusted', detail };
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
