import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';

import { decodeCanonicalBase64 } from './base64.js';
import { isSmallOrderEd25519 } from './ed25519-small-order.js';

/** The signing key of one role: Ed25519, named by {@link keyidOf}. */
export interface RoleKey {
  keyid: string;
  /** Secret. */
  privateKey: KeyObject;
  publicKey: KeyObject;
}

/** Why a role key was refused. */
export type RoleKeyReason = 'role_key_malformed' | 'role_key_type_unsupported' | 'role_key_too_weak';

const keyids = new WeakMap<KeyObject, string>();

/** Lower-case hex SHA-256 of the public key's SubjectPublicKeyInfo DER (RFC 5280 §4.1.2.7). */
export function keyidOf(publicKey: KeyObject): string {
  const known = keyids.get(publicKey);
  if (known !== undefined) return known;
  const keyid = createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex');
  keyids.set(publicKey, keyid);
  return keyid;
}

/** Makes a new Ed25519 key from the system's secure source. */
export function generateRoleKey(): RoleKey {
  return toRoleKey(generateKeyPairSync('ed25519').privateKey);
}

/** The public key as base64 of its SPKI DER: the form of a trust-roots file. */
export function exportRolePublicKey(publicKey: KeyObject): string {
  return publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
}

/**
 * Reads {@link exportRolePublicKey}'s form. The text may come from a file that somebody sent along: never throws,
 * and refuses anything but the canonical form of an Ed25519 key that is not of small order.
 */
export function importRolePublicKey(
  text: string,
): { ok: true; publicKey: KeyObject; keyid: string } | { ok: false; reason: RoleKeyReason } {
  const der = text.length > 256 ? undefined : decodeCanonicalBase64(text);
  if (der === undefined) return { ok: false, reason: 'role_key_malformed' };
  let publicKey: KeyObject;
  try {
    publicKey = createPublicKey({ key: der, type: 'spki', format: 'der' });
  } catch {
    return { ok: false, reason: 'role_key_malformed' };
  }
  if (publicKey.asymmetricKeyType !== 'ed25519') return { ok: false, reason: 'role_key_type_unsupported' };
  if (exportRolePublicKey(publicKey) !== text) return { ok: false, reason: 'role_key_malformed' };
  if (isSmallOrderEd25519(der.subarray(-32))) return { ok: false, reason: 'role_key_too_weak' };
  return { ok: true, publicKey, keyid: keyidOf(publicKey) };
}

/** The private key as unencrypted PKCS#8 PEM (RFC 5958), to be stored with mode 0600. Secret. */
export function exportRolePrivateKey(key: RoleKey): string {
  return key.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** Reads {@link exportRolePrivateKey}'s form; never throws. */
export function importRolePrivateKey(pem: string): { ok: true; key: RoleKey } | { ok: false; reason: RoleKeyReason } {
  let privateKey: KeyObject;
  try {
    privateKey = createPrivateKey(pem);
  } catch {
    return { ok: false, reason: 'role_key_malformed' };
  }
  if (privateKey.asymmetricKeyType !== 'ed25519') return { ok: false, reason: 'role_key_type_unsupported' };
  return { ok: true, key: toRoleKey(privateKey) };
}

function toRoleKey(privateKey: KeyObject): RoleKey {
  const publicKey = createPublicKey(privateKey);
  return { keyid: keyidOf(publicKey), privateKey, publicKey };
}
