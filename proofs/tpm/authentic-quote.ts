import { isEnrolledBy, type PcrPolicyInForce } from '../../domain/attestation-policy.js';
import type { QuotedFacts } from '../../domain/attestation.js';
import type { AttestationKey } from './attestation-key.js';
import { selectionText } from './pcr-selection.js';
import type { PcrValues } from './pcr-values.js';
import { OBJECT_ATTRIBUTES, type PublicArea } from './public-area.js';
import type { QuoteChecks } from './quote-checks.js';
import { isSignedBy, schemeObjection } from './quote-signature.js';
import { parseQuote, type Quote } from './quote.js';
import { parseTpmSignature, type TpmSignature } from './signature.js';
import { isStrongHash } from './tpm-algorithms.js';
import type { TpmParsed } from './tpm-wire.js';

/** What a host shows. All of it is attacker-controlled. */
export interface QuoteEvidence {
  /** TPMS_ATTEST. */
  quote: Uint8Array;
  /** TPMT_SIGNATURE. */
  signature: Uint8Array;
  /** From `readAttestationKey`. */
  ak: TpmParsed<AttestationKey>;
  /** From `readPcrValues`. */
  pcrs: TpmParsed<PcrValues>;
  /** A crypto-agile event log of the firmware, as the kernel keeps it. */
  eventLog?: Uint8Array;
}

/** Evidence whose signature has been checked. */
export interface Authentic {
  quote: Quote;
  signature: TpmSignature;
  ak: AttestationKey;
  pcrs: PcrValues;
}

/** Every check up to the signature, each only when all before it held; undefined as soon as one fails. */
export function judgeEvidence(
  report: QuoteChecks,
  evidence: QuoteEvidence,
  policy: PcrPolicyInForce | undefined,
): Authentic | undefined {
  const [quote, signature] = [parseQuote(evidence.quote), parseTpmSignature(evidence.signature)];
  const { ak, pcrs } = evidence;
  for (const part of [quote, signature, ak, pcrs])
    if (!part.ok) return report.fail('EVIDENCE_MALFORMED', `${part.fault}: ${part.detail}`);
  if (!quote.ok || !signature.ok || !ak.ok || !pcrs.ok) return undefined;
  report.pass('EVIDENCE_MALFORMED', `a quote of ${selectionText(quote.value.selection)}, and its signature`);
  const authentic = { quote: quote.value, signature: signature.value, ak: ak.value, pcrs: pcrs.value };
  const held =
    isEnrolled(report, ak.value, policy) &&
    hasAttributes(report, ak.value.area) &&
    isInScheme(report, authentic) &&
    isStrong(report, authentic) &&
    report.record('BAD_SIGNATURE', {
      ok: isSignedBy(ak.value, signature.value, evidence.quote),
      detail: `${signature.value.scheme} with ${signature.value.hash.name} by the key ${ak.value.spkiSha256}`,
    });
  return held ? authentic : undefined;
}

function isEnrolled(report: QuoteChecks, ak: AttestationKey, inForce: PcrPolicyInForce | undefined): boolean {
  const name = nameOf(ak);
  const named = inForce && isEnrolledBy(inForce.policy, { name, spki_sha256: ak.spkiSha256 });
  if (named === undefined) {
    report.skip('AK_NOT_ENROLLED', 'no policy names keys: the key that was given is taken as it is');
    return true;
  }
  const detail = named ? 'the policy names the key' : `expected a key of the policy, got ${name ?? ak.spkiSha256}`;
  return report.record('AK_NOT_ENROLLED', { ok: named, detail });
}

const REQUIRED = ['fixedTPM', 'fixedParent', 'sensitiveDataOrigin', 'restricted', 'sign'] as const;

function hasAttributes(report: QuoteChecks, area: PublicArea | null): boolean {
  if (area === null) {
    report.skip('AK_ATTRIBUTES', 'a PEM says nothing about them: give the key as TPM2B_PUBLIC');
    return true;
  }
  const has = (name: keyof typeof OBJECT_ATTRIBUTES): boolean => (area.attributes & OBJECT_ATTRIBUTES[name]) !== 0;
  const missing = REQUIRED.filter((name) => !has(name));
  const wrong = [...missing.map((name) => `without ${name}`), ...(has('decrypt') ? ['with decrypt'] : [])];
  const detail = `expected ${REQUIRED.join(', ')} and not decrypt`;
  const ok = wrong.length === 0;
  return report.record('AK_ATTRIBUTES', { ok, detail: ok ? detail : `${detail}, got a key ${wrong.join(', ')}` });
}

function isInScheme(report: QuoteChecks, { ak, signature }: Authentic): boolean {
  const objection = schemeObjection(ak, signature);
  const { scheme, hash } = signature;
  return report.record('SCHEME', { ok: objection === undefined, detail: objection ?? `${scheme} with ${hash.name}` });
}

function isStrong(report: QuoteChecks, { quote, signature, ak }: Authentic): boolean {
  const banks = quote.selection.filter(({ indices }) => indices.length > 0).map(({ bank }) => bank);
  const weak = [signature.hash, ...(ak.area === null ? [] : [ak.area.nameAlgorithm]), ...banks].find(
    (hash) => !isStrongHash(hash),
  );
  const detail = 'expected sha256, sha384 or sha512 as hash of the signature, of the key and of each bank';
  return report.record('WEAK_HASH', {
    ok: weak === undefined,
    detail: weak === undefined ? detail : `${detail}, got ${weak.name}`,
  });
}

export const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const nameOf = ({ area }: AttestationKey): string | null => (area === null ? null : hexOf(area.name));
export const firmwareHex = ({ firmwareVersion }: Pick<Quote, 'firmwareVersion'>): string =>
  firmwareVersion.toString(16).padStart(16, '0');

export function factsOf({ quote, signature, ak }: Authentic): QuotedFacts {
  return {
    selection: selectionText(quote.selection),
    pcr_digest: hexOf(quote.pcrDigest),
    nonce: hexOf(quote.extraData),
    ak_name: nameOf(ak),
    ak_spki_sha256: ak.spkiSha256,
    scheme: signature.scheme,
    hash: signature.hash.name,
    clock_ms: String(quote.clock),
    reset_count: quote.resetCount,
    restart_count: quote.restartCount,
    safe: quote.safe,
    firmware_version: firmwareHex(quote),
  };
}
