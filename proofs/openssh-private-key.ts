import { createECDH, createPrivateKey, createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';

import { decodeCanonicalBase64 } from './base64.js';
import { curveOf, isHardwareKeyType, type SshCurve } from './ssh-key-type.js';
import { parseSshPublicKeyBlob, type SshPublicKey } from './ssh-public-key.js';
import { SshReader, SshWireError } from './ssh-wire.js';

/** Why a private key file could not be used. */
export type OpenSshKeyErrorCode = 'key_is_encrypted' | 'key_malformed' | 'key_type_unsupported';

/** Thrown by {@link parseOpenSshPrivateKey}; the message says what to do and never holds key material. */
export class OpenSshKeyError extends Error {
  constructor(
    readonly code: OpenSshKeyErrorCode,
    message: string,
    /** The public half, where the file shows it in the clear, so that an agent can be asked for this key. */
    readonly publicKey?: SshPublicKey,
  ) {
    super(message);
    this.name = 'OpenSshKeyError';
  }
}

/** A private key with its public half. */
export interface OpenSshKeyPair {
  privateKey: KeyObject;
  publicKey: SshPublicKey;
  comment: string;
}

const MAGIC = Buffer.from('openssh-key-v1\0', 'latin1');
const ARMOR = /^-----BEGIN OPENSSH PRIVATE KEY-----\n([A-Za-z0-9+/=\n]+)\n-----END OPENSSH PRIVATE KEY-----\n*$/;
const OTHER_ARMOR = /-----BEGIN (?!OPENSSH )(?:[A-Z0-9]+ )*PRIVATE KEY-----/;
const MAX_LENGTH = 64 * 1024;

/**
 * Parses an unencrypted OpenSSH private key file (PROTOCOL.key; ed25519, ECDSA P-256 and P-384, RSA from 3072 bits).
 *
 * @throws {OpenSshKeyError} `key_is_encrypted` (use the agent), `key_type_unsupported` (`sk-` keys, DSA, other file
 * formats), `key_malformed` (also when the private and the public half disagree).
 */
export function parseOpenSshPrivateKey(text: string): OpenSshKeyPair {
  const container = dearmor(text);
  try {
    return readContainer(new SshReader(container));
  } catch (error) {
    if (error instanceof SshWireError) throw malformed(error.message);
    throw error;
  }
}

function dearmor(text: string): Buffer {
  if (text.length > MAX_LENGTH) throw malformed('more than 64 KiB');
  const base64 = ARMOR.exec(text.replaceAll('\r\n', '\n'))?.[1];
  if (base64 === undefined) {
    if (!OTHER_ARMOR.test(text)) throw malformed('no OpenSSH private key');
    const advice = 'convert it with `ssh-keygen -p -f FILE`, or load it with `ssh-add FILE`';
    throw new OpenSshKeyError('key_type_unsupported', `not in OpenSSH's own format: ${advice}`);
  }
  const bytes = decodeCanonicalBase64(base64.replaceAll('\n', ''));
  if (bytes === undefined) throw malformed('not base64');
  return bytes;
}

function readContainer(reader: SshReader): OpenSshKeyPair {
  if (!reader.take(MAGIC.length).equals(MAGIC)) throw malformed('wrong magic');
  const cipher = reader.ascii();
  const kdf = reader.ascii();
  const kdfOptions = reader.string();
  if (reader.uint32() !== 1) throw malformed('expected one key');
  const parsed = parseSshPublicKeyBlob(reader.string());
  const privateSection = reader.string();
  reader.end();
  if (!parsed.ok) {
    const code = parsed.reason === 'key_malformed' ? 'key_malformed' : 'key_type_unsupported';
    throw new OpenSshKeyError(code, `${parsed.reason}: ${parsed.detail ?? 'the public key'}`);
  }
  const publicKey = parsed.key;
  if (cipher !== 'none' || kdf !== 'none' || kdfOptions.length !== 0) {
    const message = 'the private key is encrypted: load it with `ssh-add FILE` and sign with the agent';
    throw new OpenSshKeyError('key_is_encrypted', message, publicKey);
  }
  if (isHardwareKeyType(publicKey.type)) {
    const message = `${publicKey.type} signs in its authenticator: load it with \`ssh-add FILE\`, or use \`ssh-keygen -Y sign\``;
    throw new OpenSshKeyError('key_type_unsupported', message, publicKey);
  }
  return readPrivateSection(new SshReader(privateSection), publicKey);
}

function readPrivateSection(reader: SshReader, publicKey: SshPublicKey): OpenSshKeyPair {
  if (reader.uint32() !== reader.uint32()) throw malformed('check integers differ');
  if (reader.ascii() !== publicKey.type) throw malformed('the two halves are of different types');
  const privateKey = createKey(readPrivateJwk(reader, publicKey));
  if (!createPublicKey(privateKey).equals(publicKey.key)) throw malformed('the two halves do not belong together');
  const comment = reader
    .string(1024)
    .toString('utf8')
    .replace(/\p{Cc}/gu, '');
  // PROTOCOL.key §3: padding 1, 2, 3, … up to the block size, 8 without a cipher.
  for (let expected = 1; reader.remaining > 0; expected += 1) {
    if (expected > 7 || reader.byte() !== expected) throw malformed('wrong padding');
  }
  return { privateKey, publicKey, comment };
}

function readPrivateJwk(reader: SshReader, publicKey: SshPublicKey): JsonWebKey {
  const jwk = publicKey.key.export({ format: 'jwk' });
  const curve = curveOf(publicKey.type);
  if (publicKey.type === 'ssh-rsa') return { ...jwk, ...readRsa(reader) };
  if (curve !== undefined) return { ...jwk, d: readEcdsa(reader, curve) };
  const point = b64u(reader.string(32));
  const secret = reader.string(64);
  // The secret is the seed and, once more, the public key (draft-ietf-sshm-ssh-agent, private keys).
  if (secret.length !== 64 || point !== jwk.x || b64u(secret.subarray(32)) !== jwk.x) {
    throw malformed('the two halves do not belong together');
  }
  return { ...jwk, d: b64u(secret.subarray(0, 32)) };
}

function readEcdsa(reader: SshReader, curve: SshCurve): string {
  if (reader.ascii() !== curve.ssh) throw malformed('the two halves are on different curves');
  const point = reader.string(1 + 2 * curve.bytes);
  const scalar = reader.positiveMpint(curve.bytes);
  // A JWK carries both halves and OpenSSL does not compare them, so the public point is computed here.
  const ecdh = createECDH(curve.openssl);
  try {
    ecdh.setPrivateKey(scalar);
  } catch {
    throw malformed('scalar out of range');
  }
  if (!ecdh.getPublicKey().equals(point)) throw malformed('the two halves do not belong together');
  return b64u(Buffer.concat([Buffer.alloc(curve.bytes - scalar.length), scalar]));
}

function readRsa(reader: SshReader): JsonWebKey {
  const numbers = Array.from({ length: 6 }, () => BigInt(`0x${reader.positiveMpint(1024).toString('hex')}`));
  const [n, e, d, qi, p, q] = numbers as [bigint, bigint, bigint, bigint, bigint, bigint];
  const phi = (p - 1n) * (q - 1n);
  if (p * q !== n || phi === 0n || (e * d) % lcm(p - 1n, q - 1n) !== 1n || (q * qi) % p !== 1n) {
    throw malformed('RSA numbers do not belong together');
  }
  const members = { n, e, d, qi, p, q, dp: d % (p - 1n), dq: d % (q - 1n) };
  return Object.fromEntries(Object.entries(members).map(([name, value]) => [name, bigintToB64u(value)]));
}

function lcm(a: bigint, b: bigint): bigint {
  let [x, y] = [a, b];
  while (y !== 0n) [x, y] = [y, x % y];
  return (a / x) * b;
}

function bigintToB64u(value: bigint): string {
  const hex = value.toString(16);
  return b64u(Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex'));
}

function createKey(jwk: JsonWebKey): KeyObject {
  try {
    return createPrivateKey({ key: jwk, format: 'jwk' });
  } catch {
    throw malformed('not a valid key');
  }
}

function b64u(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url');
}

function malformed(what: string): OpenSshKeyError {
  return new OpenSshKeyError('key_malformed', `the private key file is malformed: ${what}`);
}
