import type { KeyObject } from 'node:crypto';
import {
  ATTESTATION_RESULT_TYPE,
  attestationResultSchema,
  type AttestationResult,
} from '../../domain/incidents/attestation-result.js';
import { canonicalJson } from '../canonical-json.js';
import { signDsse, verifyDsse, type DsseEnvelope } from '../dsse.js';
import type { RoleKeys } from '../receipt.js';
import { parseCanonicalJson } from '../strict-json.js';

/** Signs a result as the verifier: the payload is its RFC 8785 form. */
export const signAttestationResult = (
  result: AttestationResult,
  key: { keyid: string; privateKey: KeyObject },
): DsseEnvelope =>
  signDsse({ payloadType: ATTESTATION_RESULT_TYPE, payload: Buffer.from(canonicalJson(result), 'utf8'), key });

/** Verdict on an envelope that is said to hold a result. */
export type ReadAttestationResult =
  | { ok: true; result: AttestationResult; keyid: string }
  | { ok: false; code: 'attestation_unsigned' | 'attestation_malformed'; message: string };

/**
 * Reads a result: one signature, by a key that `keys` gives to the verifier, over the RFC 8785 form of a result. Whether it
 * answers what is asked is `attestationObjection`'s. The envelope is attacker-controlled: never throws.
 */
export function readAttestationResult(envelope: unknown, keys: RoleKeys): ReadAttestationResult {
  const verdict = verifyDsse(envelope, {
    payloadType: ATTESTATION_RESULT_TYPE,
    keys: (keyid) => {
      const known = keys(keyid);
      return known?.role === 'verifier' ? known.publicKey : undefined;
    },
  });
  if (!verdict.ok)
    return { ok: false, code: 'attestation_unsigned', message: `${verdict.reason}: the verifier did not sign it` };
  const [keyid] = verdict.keyids;
  if (keyid === undefined || (envelope as DsseEnvelope).signatures.length !== 1)
    return { ok: false, code: 'attestation_unsigned', message: 'expected exactly one signature' };
  const json = parseCanonicalJson(verdict.payload);
  const parsed = json.ok ? attestationResultSchema.safeParse(json.value) : undefined;
  if (parsed?.success !== true)
    return {
      ok: false,
      code: 'attestation_malformed',
      message: json.ok ? 'not a result of an attestation' : `not a result of an attestation: ${json.reason}`,
    };
  return { ok: true, result: parsed.data, keyid };
}
