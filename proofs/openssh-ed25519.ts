import { createPublicKey, randomBytes, type KeyObject } from 'node:crypto';

import { fingerprint, parseSshPublicKeyBlob, sshPublicKeyLine } from './ssh-public-key.js';
import { sshString, sshUint32 } from './ssh-wire.js';

/**
 * Writes an ed25519 key as the two files that `ssh-keygen -t ed25519 -N ''` makes and that OpenSSH reads
 * (PROTOCOL.key, unencrypted).
 *
 * @throws {TypeError} when the key is not a private ed25519 key or the comment holds control characters.
 */
export function encodeOpenSshEd25519(input: { privateKey: KeyObject; comment: string }): {
  /** The private file's text. Secret. */
  privatePem: string;
  /** The `.pub` file's line, without newline. */
  publicLine: string;
  /** `SHA256:…` */
  fingerprint: string;
} {
  const { privateKey, comment } = input;
  if (privateKey.asymmetricKeyType !== 'ed25519' || privateKey.type !== 'private') {
    throw new TypeError('expected a private ed25519 key');
  }
  if (/\p{Cc}/u.test(comment)) throw new TypeError('the comment holds control characters');
  const seed = member(privateKey.export({ format: 'jwk' }).d);
  const point = member(createPublicKey(privateKey).export({ format: 'jwk' }).x);
  const blob = Buffer.concat([sshString('ssh-ed25519'), sshString(point)]);
  const parsed = parseSshPublicKeyBlob(blob);
  if (!parsed.ok) throw new TypeError(`not a usable key: ${parsed.reason}`);
  const check = randomBytes(4);
  const pair = Buffer.concat([check, check, blob, sshString(Buffer.concat([seed, point])), sshString(comment)]);
  const padding = Buffer.from(Array.from({ length: (8 - (pair.length % 8)) % 8 }, (_, index) => index + 1));
  const container = Buffer.concat([
    Buffer.from('openssh-key-v1\0', 'latin1'),
    sshString('none'),
    sshString('none'),
    sshString(''),
    sshUint32(1),
    sshString(blob),
    sshString(Buffer.concat([pair, padding])),
  ]);
  const lines = container.toString('base64').match(/.{1,70}/g) ?? [];
  return {
    privatePem: `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines.join('\n')}\n-----END OPENSSH PRIVATE KEY-----\n`,
    publicLine: sshPublicKeyLine(parsed.key, comment),
    fingerprint: fingerprint(parsed.key),
  };
}

function member(value: string | undefined): Buffer {
  return Buffer.from(value ?? '', 'base64url');
}
