import { createPublicKey } from 'node:crypto';
import { parseContractRoots, type ContractRoots, type ContractRootsFile } from '../../proofs/contract-roots.js';
import { exportRolePublicKey, importRolePublicKey } from '../../proofs/role-key.js';
import { ResealError } from '../api/reseal-error.js';
import { readText } from '../config/read-text.js';

/**
 * The contract roots of a file.
 *
 * @throws {ResealError} `config_invalid`, naming the file and what is wrong with it.
 */
export async function readContractRoots(path: string): Promise<{ roots: ContractRoots; file: ContractRootsFile }> {
  const parsed = parseContractRoots(await readText(path));
  if (parsed.ok) return parsed;
  throw new ResealError('config_invalid', `${path}: ${parsed.message}`, {
    hint: 'reseal contract roots FILE --add NAME=PUBLIC-KEY-FILE makes one',
  });
}

/**
 * A public key as people have it, in a file: SPKI PEM (what `openssl pkey -pubout` writes), or base64 of its DER. Private keys
 * are refused: they have no business here.
 *
 * @throws {ResealError} `key_unusable`, naming the file.
 */
export async function readPublicKey(path: string): Promise<{ keyid: string; public_key: string }> {
  const text = (await readText(path)).trim();
  const refuse = (why: string): ResealError =>
    new ResealError('key_unusable', `${path}: ${why}`, {
      hint: 'expected an Ed25519 public key, in PEM or as base64 of its DER, such as reseal contract keygen writes',
    });
  if (text.includes('PRIVATE KEY')) throw refuse('this is a private key');
  const read = importRolePublicKey(text.includes('-----BEGIN') ? derOf(text, refuse) : text);
  if (!read.ok) throw refuse(read.reason);
  return { keyid: read.keyid, public_key: exportRolePublicKey(read.publicKey) };
}

function derOf(pem: string, refuse: (why: string) => ResealError): string {
  try {
    return exportRolePublicKey(createPublicKey(pem));
  } catch {
    throw refuse('role_key_malformed');
  }
}
