import { BUNDLE_PAYLOAD_TYPE, MAX_BUNDLE_BYTES, bundleStatementSchema, type BundleStatement } from './bundle.js';
import type { BundleFindings } from './bundle-report.js';
import { parseDsseEnvelope, verifyDsse } from './dsse.js';
import { parseCanonicalJson } from './strict-json.js';
import type { Trust } from './trust.js';

/**
 * Opens a bundle's file: one serialisation, one signature by a trusted register key, one in-toto Statement. A signature
 * that does not verify is held against the file, and what can still be read is handed on, so that the checks behind it
 * can say which entry was changed.
 *
 * The bytes are attacker-controlled: never throws.
 */
export function openBundle(bytes: Uint8Array, trust: Trust, findings: BundleFindings): BundleStatement | undefined {
  if (bytes.length > MAX_BUNDLE_BYTES) {
    findings.fail('format', 'bundle_too_large', 'file', `more than ${MAX_BUNDLE_BYTES} bytes`);
    return undefined;
  }
  const json = parseCanonicalJson(bytes, { maxBytes: MAX_BUNDLE_BYTES, maxDepth: 8 });
  if (!json.ok) {
    const code = json.reason === 'not_canonical' ? 'bundle_not_canonical' : 'bundle_not_json';
    findings.fail('format', code, 'file', `${json.reason}${json.detail === undefined ? '' : `: ${json.detail}`}`);
    return undefined;
  }
  const parsed = parseDsseEnvelope(json.value, MAX_BUNDLE_BYTES);
  if (!parsed.ok) {
    findings.fail('format', 'envelope_malformed', 'envelope', parsed.detail ?? parsed.reason);
    return undefined;
  }
  checkSignature(json.value, parsed.envelope.signatures.length, trust, findings);
  const payload = parseCanonicalJson(parsed.payload, { maxBytes: MAX_BUNDLE_BYTES });
  if (!payload.ok) {
    const detail = payload.detail === undefined ? '' : `: ${payload.detail}`;
    findings.fail('format', 'statement_malformed', 'envelope.payload', `${payload.reason}${detail}`);
    return undefined;
  }
  const statement = bundleStatementSchema.safeParse(payload.value);
  if (statement.success) {
    findings.ran('format', 'one DSSE envelope over one in-toto Statement, RFC 8785');
    return statement.data;
  }
  const [issue] = statement.error.issues;
  findings.fail(
    'format',
    'statement_malformed',
    placeOf(issue?.path ?? []),
    issue?.message ?? 'not a bundle statement',
  );
  return undefined;
}

function checkSignature(envelope: unknown, signatures: number, trust: Trust, findings: BundleFindings): void {
  const keys = (keyid: string): ReturnType<typeof registerKey> => registerKey(trust, keyid);
  const verdict = verifyDsse(envelope, { payloadType: BUNDLE_PAYLOAD_TYPE, keys, maxBytes: MAX_BUNDLE_BYTES });
  if (!verdict.ok && verdict.reason === 'threshold_not_met') {
    findings.fail(
      'signature',
      'envelope_signer',
      'envelope.signatures[0].keyid',
      'no register key of the trust file signed',
    );
  } else if (!verdict.ok) {
    const where = verdict.reason === 'payload_type_mismatch' ? 'envelope.payloadType' : 'envelope.signatures[0].sig';
    findings.fail('signature', 'envelope_signature', where, `${verdict.reason}: payload or signature was changed`);
  } else if (signatures !== 1) {
    findings.fail('signature', 'envelope_signature', 'envelope.signatures', 'expected exactly one signature');
  } else {
    findings.ran('signature', `by the register's key ${verdict.keyids[0] ?? ''}`);
  }
}

const registerKey = (trust: Trust, keyid: string) => {
  const key = trust.keyOf(keyid);
  return key?.role === 'register' ? key.publicKey : undefined;
};

/** `predicate.entries[3].body`: a path as the reports write it. */
export function placeOf(path: readonly PropertyKey[]): string {
  return path
    .map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`))
    .join('')
    .replace(/^\./, '');
}
