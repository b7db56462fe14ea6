import { PAYLOAD_TYPES, type SignedKind } from '../domain/signed-documents.js';
import { sha256Hex } from './canonical-json.js';
import { documentName } from './contract-registry.js';
import { rootKeyRefusal, type ContractRoots } from './contract-roots.js';
import { MAX_SIGNED_BYTES, readPayload } from './contract.js';
import { verifyDsse, type DsseEnvelope } from './dsse.js';

/**
 * Why a document is not taken for publication. `publication_misnamed`: it is not what it is put under.
 * `publication_unsigned`: nobody who may sign it did. `publication_foreign`: it has a signature besides, by a key that may
 * not, or one that does not verify. `publication_taken`: another list was signed in full under that number.
 * `publication_full`: the registry is, or too much of this signer's waits for others.
 */
export type PublicationRefusal =
  | 'publication_malformed'
  | 'publication_misnamed'
  | 'publication_unsigned'
  | 'publication_foreign'
  | 'publication_taken'
  | 'publication_full';

/** What a registry that anybody can reach keeps of a document. `digest` is the hex SHA-256 of its payload. */
export interface Publication {
  envelope: DsseEnvelope;
  digest: string;
  /** The distinct signers of the roots who signed it, by name, sorted; at least one. */
  signers: string[];
  /** Whether they are as many as the roots want. */
  complete: boolean;
}

/** Verdict on an envelope that somebody puts. */
export type JudgedPublication = ({ ok: true } & Publication) | { ok: false; code: PublicationRefusal; message: string };

/**
 * Whether an envelope may be kept under this name, at `nowMs` (epoch milliseconds): it is one document of that kind, in its
 * one serialisation, and each of its signatures is by a key of the roots that may sign it now. Fewer signatures than the
 * roots want are enough to wait there for the others; whether it is in force is for whoever reads it.
 *
 * The envelope is anybody's: never throws.
 */
export function judgePublication(
  kind: SignedKind,
  name: string,
  envelope: unknown,
  roots: ContractRoots,
  nowMs: number,
): JudgedPublication {
  const refused = (code: PublicationRefusal, message: string): JudgedPublication => ({ ok: false, code, message });
  const named = documentName(kind, envelope);
  if (named === undefined) return refused('publication_malformed', `not the envelope of a ${kind}`);
  if (named !== name) return refused('publication_misnamed', `it is ${named}`);
  const verified = verifyDsse(envelope, {
    payloadType: PAYLOAD_TYPES[kind],
    keys: (keyid) => {
      const key = roots.keys.get(keyid);
      return key !== undefined && rootKeyRefusal(key, kind, nowMs) === undefined ? key.publicKey : undefined;
    },
    maxBytes: MAX_SIGNED_BYTES,
  });
  if (!verified.ok) {
    const unsigned = verified.reason === 'threshold_not_met';
    const code = unsigned ? 'publication_unsigned' : 'publication_foreign';
    return refused(code, unsigned ? 'nobody who may sign it did' : 'a signature on it does not verify');
  }
  const held = envelope as DsseEnvelope;
  if (verified.keyids.length !== held.signatures.length)
    return refused('publication_foreign', 'a signature on it is by a key that may not sign it');
  const read = readPayload(kind, verified.payload);
  if (!read.ok) return refused('publication_malformed', read.message);
  if (kind === 'contract' && !('contract' in read.value))
    return refused('publication_malformed', 'the policy has no contract section');
  const signers = [...new Set(verified.keyids.map((keyid) => roots.keys.get(keyid)?.name ?? ''))].sort();
  const { payloadType, payload, signatures } = held;
  return {
    ok: true,
    envelope: { payloadType, payload, signatures: signatures.map(({ keyid, sig }) => ({ keyid, sig })) },
    digest: sha256Hex(verified.payload),
    signers,
    complete: signers.length >= roots.threshold,
  };
}
