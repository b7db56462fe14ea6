import type { SignedKind } from '../../domain/signed-documents.js';
import { rootKeyRefusal, type ContractRoots } from '../../proofs/contract-roots.js';
import { isSignatureOf, signedBytes, signWith, withSignature, type Unsigned } from '../../proofs/contract-signing.js';
import type { DsseEnvelope } from '../../proofs/dsse.js';
import { importRolePrivateKey, type RoleKey } from '../../proofs/role-key.js';
import { ResealError } from '../api/reseal-error.js';
import { readKeyFile } from '../keys/key-file.js';
import { SignerError } from '../keys/signer.js';
import { execSignature } from './exec-signer.js';

/** Who signs: paths of key files, and commands that sign. */
export interface SigningMeans {
  keys: readonly string[];
  commands: readonly string[];
  cwd: string;
  env: Readonly<Record<string, string | undefined>>;
  timeoutMs: number;
}

/**
 * Adds a signature by each of the means. Every signature is checked before it is kept, and must be of a key of the roots
 * that may sign this kind now: one that would never count is refused.
 *
 * @throws {ResealError} `key_unusable`, naming file or command, and never key material.
 */
export async function signByAll(
  kind: SignedKind,
  envelope: Unsigned & Partial<DsseEnvelope>,
  means: SigningMeans,
  roots: ContractRoots,
  nowMs: number,
): Promise<DsseEnvelope> {
  let signed: DsseEnvelope = { signatures: [], ...envelope };
  for (const path of means.keys) {
    const key = await readSignerKey(path);
    mustCount(kind, key.keyid, path, roots, nowMs);
    signed = signWith(signed, key);
  }
  for (const command of means.commands) {
    const { cwd, env, timeoutMs } = means;
    const signature = await execSignature(command, signedBytes(signed), { cwd, env, timeoutMs });
    const whose = [...roots.keys.values()].find(({ public_key }) => isSignatureOf(signed, public_key, signature));
    const program = command.trim().split(/\s+/)[0] ?? '';
    if (whose === undefined)
      throw new ResealError(
        'key_unusable',
        `--signer ${program} signed with no key of the contract roots, or other bytes`,
        {
          hint: 'it must sign standard input as it is, with pure Ed25519 (RFC 8032), by a key that is in --roots',
        },
      );
    mustCount(kind, whose.keyid, `--signer ${program}`, roots, nowMs);
    signed = withSignature(signed, { keyid: whose.keyid, sig: signature.toString('base64') });
  }
  return signed;
}

/**
 * A signer's key file: unencrypted PKCS#8 PEM, Ed25519, mode 0600.
 *
 * @throws {ResealError} `key_unusable`.
 */
export async function readSignerKey(path: string): Promise<RoleKey> {
  const file = await readKeyFile(path).catch((error: unknown) => {
    if (error instanceof SignerError) throw new ResealError('key_unusable', error.message, { cause: error });
    throw error;
  });
  const read = importRolePrivateKey(file.text);
  if (read.ok) return read.key;
  throw new ResealError('key_unusable', `${path}: ${read.reason}: expected an Ed25519 key in PKCS#8 PEM`, {
    hint: 'reseal contract keygen makes one; a key in an HSM signs by --signer COMMAND',
  });
}

function mustCount(kind: SignedKind, keyid: string, what: string, roots: ContractRoots, nowMs: number): void {
  const key = roots.keys.get(keyid);
  const why = key === undefined ? 'key_unknown' : rootKeyRefusal(key, kind, nowMs);
  if (why === undefined) return;
  const whose = key === undefined ? `key ${keyid}` : `key ${keyid} of ${key.name}`;
  throw new ResealError('key_unusable', `${what}: ${whose} may not sign a ${kind}: ${why}`, {
    hint: 'the contract roots say who signs what and until when: see reseal contract roots',
  });
}
