import { hash } from 'node:crypto';
import type { PublicArea } from './public-area.js';
import { tpmUint16, tpmUint32 } from './tpm-wire.js';

const RH_ENDORSEMENT = 0x4000000b;

/**
 * The Qualified Name of a key made directly under a primary key of the endorsement hierarchy:
 * `H(H(TPM_RH_ENDORSEMENT || Name(EK)) || Name(AK))`, each with its algorithm before it (TPM 2.0 Part 1 §16.3 and §16.4).
 *
 * A consistency check only: software can sign any Qualified Name. That an AK lives beside an EK is proved by credential
 * activation.
 */
export function qualifiedNameUnder(ek: PublicArea, ak: PublicArea): Buffer {
  return qualify(ak, primaryName(ek));
}

/** The Qualified Name of a primary key of the endorsement hierarchy. */
export const primaryName = (ek: PublicArea): Buffer => qualify(ek, tpmUint32(RH_ENDORSEMENT));

const qualify = ({ nameAlgorithm, name }: PublicArea, parent: Buffer): Buffer =>
  Buffer.concat([tpmUint16(nameAlgorithm.id), hash(nameAlgorithm.node, Buffer.concat([parent, name]), 'buffer')]);
