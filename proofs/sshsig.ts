import type { SshPublicKey } from './ssh-public-key.js';
import { verifySshSignature, type SignatureMethod, type SshSignatureReason } from './ssh-signature.js';
import { parseSshsig, sshsigToBeSigned, type SshsigHash, type SshsigParseResult } from './sshsig-format.js';

/** Why an SSHSIG was refused. */
export type SshsigReason =
  | Extract<SshsigParseResult, { ok: false }>['reason']
  | SshSignatureReason
  | 'message_too_large'
  | 'namespace_mismatch'
  | 'hash_unsupported'
  | 'key_mismatch';

/** Verdict on an SSHSIG; `counter` is the authenticator's signature counter, for `sk-` keys. */
export type SshsigVerdict =
  | { ok: true; method: SignatureMethod; hash: SshsigHash; counter?: number }
  | { ok: false; reason: SshsigReason; detail?: string };

const MAX_MESSAGE_BYTES = 1024 * 1024;

/**
 * Verifies a detached, armored SSH signature as `ssh-keygen -Y sign` makes it (PROTOCOL.sshsig).
 *
 * `armored` and `message` are attacker-controlled: never throw here. `key` is the roster's, and the key inside the
 * signature must be that one; a signature for another `namespace` never counts. The reserved field is ignored as the
 * protocol asks, but it is part of the signed bytes, so that nothing can be added to a signature afterwards.
 * Messages are at most 1 MiB.
 */
export function verifySshsig(input: {
  armored: string;
  message: Uint8Array;
  namespace: string;
  key: SshPublicKey;
}): SshsigVerdict {
  const { armored, message, namespace, key } = input;
  if (message.length > MAX_MESSAGE_BYTES) return { ok: false, reason: 'message_too_large' };
  const parsed = parseSshsig(armored);
  if (!parsed.ok) return parsed;
  const { blob } = parsed;
  if (blob.namespace === '' || blob.namespace !== namespace) {
    return { ok: false, reason: 'namespace_mismatch', detail: `namespace "${blob.namespace.slice(0, 64)}"` };
  }
  if (blob.hash !== 'sha256' && blob.hash !== 'sha512') {
    return { ok: false, reason: 'hash_unsupported', detail: blob.hash };
  }
  if (!blob.publicKey.equals(key.blob)) return { ok: false, reason: 'key_mismatch' };
  const data = sshsigToBeSigned({ message, namespace, hash: blob.hash, reserved: blob.reserved });
  const verdict = verifySshSignature(blob.signature, key, data);
  return verdict.ok ? { ...verdict, hash: blob.hash } : verdict;
}
