import { createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';

import { sshMpint, sshString, sshUint32 } from '../../proofs/ssh-wire.js';

/** A FIDO authenticator in software, as PROTOCOL.u2f describes it, to make the signatures that hardware would make. */
export interface Authenticator {
  publicLine: string;
  /** Wire signature over `data`. */
  sign(data: Uint8Array, options?: { flags?: number; counter?: number; application?: string }): Buffer;
}

export const TOUCHED = 0x01;
export const TOUCHED_AND_VERIFIED = 0x05;

export function ed25519Authenticator(application = 'ssh:'): Authenticator {
  const type = 'sk-ssh-ed25519@openssh.com';
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const point = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url');
  const blob = Buffer.concat([sshString(type), sshString(point), sshString(application)]);
  return authenticator(type, blob, application, (data) => sign(null, data, privateKey));
}

export function ecdsaAuthenticator(application = 'ssh:'): Authenticator {
  const type = 'sk-ecdsa-sha2-nistp256@openssh.com';
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
  const point = Buffer.concat([Buffer.of(4), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]);
  const blob = Buffer.concat([sshString(type), sshString('nistp256'), sshString(point), sshString(application)]);
  return authenticator(type, blob, application, (data) => ecdsaNumbers(privateKey, data));
}

function ecdsaNumbers(key: KeyObject, data: Uint8Array): Buffer {
  const fixed = sign('sha256', data, { key, dsaEncoding: 'ieee-p1363' });
  return Buffer.concat([sshMpint(fixed.subarray(0, 32)), sshMpint(fixed.subarray(32))]);
}

function authenticator(
  type: string,
  blob: Buffer,
  application: string,
  signRaw: (data: Uint8Array) => Buffer,
): Authenticator {
  return {
    publicLine: `${type} ${blob.toString('base64')} key@authenticator`,
    sign(data, options = {}) {
      const tail = Buffer.concat([Buffer.of(options.flags ?? TOUCHED), sshUint32(options.counter ?? 7)]);
      const signed = Buffer.concat([sha256(options.application ?? application), tail, sha256(data)]);
      return Buffer.concat([sshString(type), sshString(signRaw(signed)), tail]);
    },
  };
}

function sha256(data: Uint8Array | string): Buffer {
  return createHash('sha256').update(data).digest();
}
