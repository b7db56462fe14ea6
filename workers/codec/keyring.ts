import { createSecretKey, randomBytes, type KeyObject } from 'node:crypto';

/**
 * The payload keys of an installation. `current` encrypts; every key in `keys` decrypts. A key stays in the ring for as
 * long as a history made with it may be replayed: removing it turns those payloads undecodable, on replay too. To
 * rotate, give the new key to every process first and make it current afterwards.
 */
export interface Keyring {
  current: string;
  /** AES-256 keys by id; a KeyObject does not show its bytes when it is printed or serialised. */
  keys: ReadonlyMap<string, KeyObject>;
}

const KEY_ID = /^[a-z0-9][a-z0-9-]{0,62}$/;
const KEY_BYTES = 32;

/** A malformed keyring. The message never contains key material. */
export class KeyringError extends Error {
  override readonly name = 'KeyringError';
  constructor(
    readonly code: 'keyring_invalid' | 'keyring_permissions' | 'keyring_unreadable',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/**
 * Builds a keyring of raw 32-byte keys. Throws KeyringError `keyring_invalid` for a bad id or length, a repeated id, or
 * a current key that is not there.
 */
export function makeKeyring(current: string, keys: Iterable<readonly [id: string, key: Uint8Array]>): Keyring {
  const ring = new Map<string, KeyObject>();
  for (const [id, key] of keys) {
    if (!KEY_ID.test(id)) throw new KeyringError('keyring_invalid', 'a key id is not made of a-z, 0-9 and -');
    if (ring.has(id)) throw new KeyringError('keyring_invalid', `the key id ${id} appears twice`);
    if (key.length !== KEY_BYTES) throw new KeyringError('keyring_invalid', `the key ${id} is not of 32 bytes`);
    ring.set(id, createSecretKey(key));
  }
  if (!ring.has(current)) throw new KeyringError('keyring_invalid', 'the current key is not among the keys');
  return { current, keys: ring };
}

/** A fresh key and an id for it that no other key has. */
export function newKey(): { id: string; key: Uint8Array } {
  return { id: `k-${randomBytes(8).toString('hex')}`, key: randomBytes(KEY_BYTES) };
}
