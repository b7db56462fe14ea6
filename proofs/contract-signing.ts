import { verify } from 'node:crypto';

import { PAYLOAD_TYPES, type SignedKind } from '../domain/signed-documents.js';
import { canonicalJson } from './canonical-json.js';
import { MAX_SIGNED_BYTES, readPayload, type SignedPayloads } from './contract.js';
import { pae, parseDsseEnvelope, signDsse, type DsseEnvelope } from './dsse.js';
import { importRolePublicKey, type RoleKey } from './role-key.js';

/** An envelope that nobody signed yet. */
export type Unsigned = Pick<DsseEnvelope, 'payloadType' | 'payload'>;

/**
 * The bytes of a document, ready to be signed: its RFC 8785 form.
 *
 * @throws {TypeError} when it could not be opened again: it was not parsed by its schema, or is no contract.
 */
export function toBeSigned<Kind extends SignedKind>(kind: Kind, value: SignedPayloads[Kind]): Unsigned {
  const payload = Buffer.from(canonicalJson(value));
  const read = readPayload(kind, payload);
  if (!read.ok) throw new TypeError(`this ${kind} cannot be signed: ${read.message}`);
  if (kind === 'contract' && !Object.hasOwn(value, 'contract'))
    throw new TypeError('this policy has no contract section');
  return { payloadType: PAYLOAD_TYPES[kind], payload: payload.toString('base64') };
}

/** What a signer signs: the DSSE pre-authentication encoding, to be handed to a key that lives elsewhere. */
export const signedBytes = ({ payloadType, payload }: Unsigned): Buffer =>
  pae(payloadType, Buffer.from(payload, 'base64'));

/** The envelope with one more signature by a key that is here; one by the same key is replaced. */
export function signWith(envelope: Unsigned & Partial<DsseEnvelope>, key: RoleKey): DsseEnvelope {
  const { payloadType, payload } = envelope;
  const [signature] = signDsse({ payloadType, payload: Buffer.from(payload, 'base64'), key }).signatures;
  return signature === undefined ? { signatures: [], ...envelope } : withSignature(envelope, signature);
}

/** Signs a document with these keys. Shapes and errors as {@link toBeSigned}. */
export function signDocument<Kind extends SignedKind>(
  kind: Kind,
  value: SignedPayloads[Kind],
  keys: readonly RoleKey[],
): DsseEnvelope {
  return keys.reduce<DsseEnvelope>((envelope, key) => signWith(envelope, key), {
    ...toBeSigned(kind, value),
    signatures: [],
  });
}

/** The envelope with one more signature; one by the same keyid is replaced. */
export function withSignature(
  envelope: Unsigned & Partial<DsseEnvelope>,
  signature: DsseEnvelope['signatures'][number],
): DsseEnvelope {
  const { payloadType, payload, signatures = [] } = envelope;
  const others = signatures.filter(({ keyid }) => keyid !== signature.keyid);
  return { payloadType, payload, signatures: [...others, signature] };
}

/** Whether 64 bytes that came from elsewhere are this public key's signature of the envelope. Never throws. */
export function isSignatureOf(envelope: Unsigned, publicKey: string, signature: Uint8Array): boolean {
  const key = importRolePublicKey(publicKey);
  return key.ok && signature.length === 64 && verify(null, signedBytes(envelope), key.publicKey, signature);
}

/** Two envelopes of one payload as one with the signatures of both; undefined when they are of different payloads. Never throws. */
export function mergeSignatures(one: unknown, other: unknown): DsseEnvelope | undefined {
  const [a, b] = [parseDsseEnvelope(one, MAX_SIGNED_BYTES), parseDsseEnvelope(other, MAX_SIGNED_BYTES)];
  if (!a.ok || !b.ok) return undefined;
  if (a.envelope.payloadType !== b.envelope.payloadType || a.envelope.payload !== b.envelope.payload) return undefined;
  return b.envelope.signatures.reduce<DsseEnvelope>(withSignature, a.envelope);
}
