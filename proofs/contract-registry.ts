import { PAYLOAD_TYPES, type SignedKind } from '../domain/signed-documents.js';
import { sha256Hex } from './canonical-json.js';
import { MAX_SIGNED_BYTES, readPayload } from './contract.js';
import { parseDsseEnvelope, type DsseEnvelope } from './dsse.js';

/**
 * Where signed documents are kept. Nothing it says is trusted: it may hide, hold back and make up, and what it shows is
 * verified from the bytes. It is content-addressed: the name of a contract or a roster is the digest of its payload, of a
 * list of revocations its number.
 */
export interface ContractRegistry {
  /** The names of all that is there. Rejects when it cannot be reached. */
  list(kind: SignedKind): Promise<string[]>;
  /**
   * What is there under that name, parsed where it is JSON and otherwise as text; undefined when there is nothing. Whoever
   * asked checks that it is what it is called: {@link documentName}. Rejects when it cannot be reached.
   */
  fetch(kind: SignedKind, name: string): Promise<unknown>;
  /** Stores an envelope, with the signatures of one that is there already, and answers its name. */
  put(kind: SignedKind, envelope: DsseEnvelope): Promise<string>;
}

/** A name as a registry may be asked for it: it becomes part of a path. */
export const isDocumentName = (kind: SignedKind, name: string): boolean =>
  (kind === 'revocations' ? /^[1-9][0-9]{0,9}$/ : /^[0-9a-f]{64}$/).test(name);

/**
 * What an envelope is called: the hex SHA-256 of its payload, and of a list of revocations its number. Undefined when it is
 * no envelope of that kind, or none whose payload can be read. Signatures are not looked at. Never throws.
 */
export function documentName(kind: SignedKind, envelope: unknown): string | undefined {
  const parsed = parseDsseEnvelope(envelope, MAX_SIGNED_BYTES);
  if (!parsed.ok || parsed.envelope.payloadType !== PAYLOAD_TYPES[kind]) return undefined;
  if (kind !== 'revocations') return sha256Hex(parsed.payload);
  const read = readPayload(kind, parsed.payload);
  return read.ok ? String(read.value.number) : undefined;
}
