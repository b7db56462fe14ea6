import { createHash, randomBytes } from 'node:crypto';
import { tpmUint32 } from './tpm-wire.js';

const DOMAIN = 'reseal-attestation-v1';
const RANDOM_BYTES = 32;

/** What a quote is asked for: one attempt of one incident, for one containment. */
export interface NonceFor {
  incident: string;
  /** From 1 on: each attempt has a nonce of its own, which is spent once. */
  attempt: number;
  /** Hex of the containment that the attestation answers. */
  binding: string;
}

/**
 * The nonce of an attempt: SHA-256 over domain, incident, attempt, binding and 32 random bytes, each with its length in four
 * bytes before it, so that no two lists of parts make the same bytes. A quote over it answers this attempt and nothing else.
 */
export function attestationNonce({ incident, attempt, binding }: NonceFor, random = randomBytes(RANDOM_BYTES)): Buffer {
  if (random.length !== RANDOM_BYTES) throw new RangeError(`expected ${RANDOM_BYTES} random bytes`);
  const parts = [Buffer.from(DOMAIN), Buffer.from(incident), tpmUint32(attempt), Buffer.from(binding), random];
  const hash = createHash('sha256');
  for (const part of parts) hash.update(tpmUint32(part.length)).update(part);
  return hash.digest();
}
