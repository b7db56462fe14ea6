import { createPublicKey, sign, type KeyObject } from 'node:crypto';

import { curveOf, isHardwareKeyType, type SshCurve } from './ssh-key-type.js';
import type { SshPublicKey } from './ssh-public-key.js';
import { sshMpint, sshString } from './ssh-wire.js';
import { armorSshsig, sshsigToBeSigned, type SshsigHash } from './sshsig-format.js';

/** Why a signature could not be made. */
export type SshsigSignErrorCode = 'namespace_invalid' | 'key_mismatch' | 'key_type_unsupported';

/** Thrown by {@link signSshsig}. */
export class SshsigSignError extends Error {
  constructor(
    readonly code: SshsigSignErrorCode,
    message: string,
  ) {
    super(message);
    this.name = 'SshsigSignError';
  }
}

/**
 * Signs a message as `ssh-keygen -Y sign -n namespace` does and returns the armored text.
 *
 * RSA keys sign with rsa-sha2-512, as OpenSSH does. The default hash of the message is OpenSSH's, SHA-512.
 *
 * @throws {SshsigSignError} `namespace_invalid` (1 to 255 printable ASCII characters), `key_mismatch` (the private key
 * is not the public key's), `key_type_unsupported` (`sk-` keys sign in an agent or in ssh-keygen).
 */
export function signSshsig(input: {
  privateKey: KeyObject;
  publicKey: SshPublicKey;
  message: Uint8Array;
  namespace: string;
  hash?: SshsigHash;
}): string {
  const { privateKey, publicKey, message, namespace, hash = 'sha512' } = input;
  if (!/^[\x20-\x7e]{1,255}$/.test(namespace)) {
    throw new SshsigSignError('namespace_invalid', 'the namespace must be 1 to 255 printable ASCII characters');
  }
  if (isHardwareKeyType(publicKey.type)) {
    throw new SshsigSignError('key_type_unsupported', `${publicKey.type} signs in its authenticator only`);
  }
  if (privateKey.type !== 'private' || !createPublicKey(privateKey).equals(publicKey.key)) {
    throw new SshsigSignError('key_mismatch', 'the private key does not belong to the public key');
  }
  const signature = signWire(privateKey, publicKey, sshsigToBeSigned({ message, namespace, hash }));
  return armorSshsig({ publicKey: publicKey.blob, namespace, hash, signature });
}

function signWire(privateKey: KeyObject, publicKey: SshPublicKey, data: Buffer): Buffer {
  if (publicKey.type === 'ssh-rsa') {
    return Buffer.concat([sshString('rsa-sha2-512'), sshString(sign('sha512', data, privateKey))]);
  }
  const curve = curveOf(publicKey.type);
  const raw = curve === undefined ? sign(null, data, privateKey) : signEcdsa(curve, privateKey, data);
  return Buffer.concat([sshString(publicKey.type), sshString(raw)]);
}

function signEcdsa(curve: SshCurve, key: KeyObject, data: Buffer): Buffer {
  const fixed = sign(curve.hash, data, { key, dsaEncoding: 'ieee-p1363' });
  return Buffer.concat([sshMpint(fixed.subarray(0, curve.bytes)), sshMpint(fixed.subarray(curve.bytes))]);
}
