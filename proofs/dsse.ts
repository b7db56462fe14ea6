import { sign, verify, type KeyObject } from 'node:crypto';

import { decodeCanonicalBase64 } from './base64.js';
import { keyidOf } from './role-key.js';

/** One signature of an envelope. `keyid` is a hint and decides nothing (DSSE protocol.md). */
export interface DsseSignature {
  keyid: string;
  /** Base64 of 64 bytes. */
  sig: string;
}

/** A DSSE v1 envelope (https://github.com/secure-systems-lab/dsse, envelope.md), signed with Ed25519. */
export interface DsseEnvelope {
  payloadType: string;
  /** Base64 of the exact signed bytes. */
  payload: string;
  signatures: DsseSignature[];
}

/** Why an envelope was refused. */
export type DsseReason =
  'envelope_malformed' | 'envelope_too_large' | 'payload_type_mismatch' | 'signature_invalid' | 'threshold_not_met';

type Refused<Reason extends string> = { ok: false; reason: Reason; detail?: string };

/** Verdict on an envelope; `keyids` are those of the distinct keys that signed, computed from the keys themselves. */
export type DsseVerdict = { ok: true; payload: Buffer; keyids: string[] } | Refused<DsseReason>;

const MAX_SIGNATURES = 16;
const DEFAULT_MAX_BYTES = 1024 * 1024;

/** The Pre-Authentication Encoding: the bytes that are signed (DSSE protocol.md). */
export function pae(payloadType: string, payload: Uint8Array): Buffer {
  const type = Buffer.from(payloadType, 'utf8');
  return Buffer.concat([
    Buffer.from(`DSSEv1 ${type.length} `, 'latin1'),
    type,
    Buffer.from(` ${payload.length} `, 'latin1'),
    payload,
  ]);
}

/**
 * Signs a payload with one Ed25519 key.
 *
 * @throws {TypeError} when the key is of another type.
 */
export function signDsse(input: {
  payloadType: string;
  payload: Uint8Array;
  key: { keyid: string; privateKey: KeyObject };
}): DsseEnvelope {
  const { payloadType, payload, key } = input;
  if (key.privateKey.asymmetricKeyType !== 'ed25519') throw new TypeError('expected a private ed25519 key');
  const sig = sign(null, pae(payloadType, payload), key.privateKey).toString('base64');
  return { payloadType, payload: Buffer.from(payload).toString('base64'), signatures: [{ keyid: key.keyid, sig }] };
}

/**
 * The shape of an envelope without its signatures' truth: exactly these members, canonical standard base64 (the
 * specification would allow base64url too: here an envelope has one spelling), 1 to 16 signatures of 64 bytes.
 *
 * The envelope is attacker-controlled: never throws. `maxBytes` bounds the decoded payload, as a rule 1 MiB.
 */
export function parseDsseEnvelope(
  envelope: unknown,
  maxBytes = DEFAULT_MAX_BYTES,
): { ok: true; envelope: DsseEnvelope; payload: Buffer } | Refused<'envelope_malformed' | 'envelope_too_large'> {
  if (!hasExactly(envelope, ['payloadType', 'payload', 'signatures'])) return malformed('members of the envelope');
  const { payloadType, payload, signatures } = envelope;
  if (typeof payloadType !== 'string' || !/^[\x21-\x7e]{1,255}$/.test(payloadType)) return malformed('payloadType');
  if (typeof payload !== 'string') return malformed('payload');
  if (payload.length > Math.ceil(maxBytes / 3) * 4) return { ok: false, reason: 'envelope_too_large' };
  const bytes = decodeCanonicalBase64(payload);
  if (bytes === undefined) return malformed('payload is not canonical base64');
  if (bytes.length > maxBytes) return { ok: false, reason: 'envelope_too_large' };
  if (!Array.isArray(signatures) || signatures.length === 0 || signatures.length > MAX_SIGNATURES) {
    return malformed(`expected 1 to ${MAX_SIGNATURES} signatures`);
  }
  const checked: DsseSignature[] = [];
  for (const signature of signatures as unknown[]) {
    if (!hasExactly(signature, ['keyid', 'sig'])) return malformed('members of a signature');
    const { keyid, sig } = signature;
    if (typeof keyid !== 'string' || !/^[\x21-\x7e]{1,255}$/.test(keyid)) return malformed('keyid');
    if (typeof sig !== 'string' || sig.length !== 88 || decodeCanonicalBase64(sig)?.length !== 64) {
      return malformed('sig is not canonical base64 of 64 bytes');
    }
    checked.push({ keyid, sig });
  }
  return { ok: true, envelope: { payloadType, payload, signatures: checked }, payload: bytes };
}

/**
 * Verifies an envelope against trusted keys.
 *
 * The envelope is attacker-controlled: never throws. `keys` answers the trusted Ed25519 key for a keyid (the keyid is
 * the attacker's: look it up in a Map, never in an object, and answer `undefined` for a stranger); signatures
 * by keys that it does not know are skipped, but one that claims a known key and is wrong refuses the whole envelope.
 * Distinct keys count, not keyids or signatures: at least `threshold` (default 1) of them must have signed.
 */
export function verifyDsse(
  envelope: unknown,
  options: {
    payloadType: string;
    keys: (keyid: string) => KeyObject | undefined;
    threshold?: number;
    maxBytes?: number;
  },
): DsseVerdict {
  const parsed = parseDsseEnvelope(envelope, options.maxBytes);
  if (!parsed.ok) return parsed;
  const { payloadType, signatures } = parsed.envelope;
  if (payloadType !== options.payloadType) {
    return { ok: false, reason: 'payload_type_mismatch', detail: payloadType };
  }
  const signed = pae(payloadType, parsed.payload);
  const signers = new Set<string>();
  for (const { keyid, sig } of signatures) {
    const key = options.keys(keyid);
    if (key === undefined) continue;
    if (!verifyEd25519(signed, key, Buffer.from(sig, 'base64'))) {
      return { ok: false, reason: 'signature_invalid', detail: `keyid ${keyid}` };
    }
    signers.add(keyidOf(key));
  }
  // A threshold below one would accept an envelope that nobody signed.
  const threshold = Math.max(1, options.threshold ?? 1);
  if (!(signers.size >= threshold)) {
    return { ok: false, reason: 'threshold_not_met', detail: `${signers.size} of ${threshold} known keys signed` };
  }
  return { ok: true, payload: parsed.payload, keyids: [...signers] };
}

function verifyEd25519(data: Buffer, key: KeyObject, signature: Buffer): boolean {
  if (key.type !== 'public' || key.asymmetricKeyType !== 'ed25519') return false;
  try {
    return verify(null, data, key, signature);
  } catch {
    return false;
  }
}

function hasExactly<Name extends string>(value: unknown, names: readonly Name[]): value is Record<Name, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const own = Object.keys(value);
  return own.length === names.length && names.every((name) => Object.hasOwn(value, name));
}

function malformed(detail: string): Refused<'envelope_malformed'> {
  return { ok: false, reason: 'envelope_malformed', detail };
}
