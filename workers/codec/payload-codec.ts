import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { Payload, PayloadCodec } from '@temporalio/common';
import { decode as decodeText, encode as encodeText } from '@temporalio/common/lib/encoding.js';
import proto from '@temporalio/proto';
import type { Keyring } from './keyring.js';
import { undecodable, type UndecodableReason } from './undecodable.js';

const PayloadProto = proto.temporal.api.common.v1.Payload;

const ENCRYPTED = 'binary/encrypted';
const KEY_ID = 'reseal-key-id';
const CIPHER = 'aes-256-gcm';
const IV_BYTES = 12;
const TAG_BYTES = 16;
const MAX_BYTES = 2 * 1024 * 1024;
const PLAIN_ENCODINGS = new Set(['json/plain', 'binary/plain', 'binary/null', 'json/protobuf', 'binary/protobuf']);

/**
 * Encrypts each whole Payload (AES-256-GCM, NIST SP 800-38D; data = 12-byte random IV, ciphertext, 16-byte tag; the key
 * id is authenticated). It gives confidentiality, never authority: every role holds the key.
 *
 * `decode` never throws and never passes plaintext through: the bytes are attacker-controlled, and an exception would
 * fail the workflow task for ever. What it cannot decrypt becomes a `json/plain` payload of `{undecodable, reason}`, by
 * the bytes and the keyring alone, so that a replay decides the same.
 */
export class EncryptionCodec implements PayloadCodec {
  constructor(private readonly keyring: Keyring) {}

  /** Throws RangeError for a payload over 2 MiB, which no server stores and `decode` would refuse. */
  encode(payloads: Payload[]): Promise<Payload[]> {
    return Promise.resolve().then(() => payloads.map((payload) => this.encrypt(payload)));
  }

  /** As many payloads as it was given, in the same order. */
  decode(payloads: Payload[]): Promise<Payload[]> {
    return Promise.resolve(payloads.map((payload) => this.decryptOrExplain(payload)));
  }

  private encrypt(payload: Payload): Payload {
    const { current, keys } = this.keyring;
    const key = keys.get(current);
    if (key === undefined) throw new RangeError('the current payload key is missing');
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv(CIPHER, key, iv, { authTagLength: TAG_BYTES });
    cipher.setAAD(boundTo(current));
    const ciphertext = [cipher.update(PayloadProto.encode(payload).finish()), cipher.final()];
    const data = Buffer.concat([iv, ...ciphertext, cipher.getAuthTag()]);
    if (data.length > MAX_BYTES) throw new RangeError(`a payload of ${data.length} bytes is over the limit of 2 MiB`);
    return { metadata: { encoding: encodeText(ENCRYPTED), [KEY_ID]: encodeText(current) }, data };
  }

  private decryptOrExplain(payload: Payload): Payload {
    try {
      const outcome = this.decrypt(payload);
      return typeof outcome === 'string' ? explained(outcome) : outcome;
    } catch {
      return explained('malformed');
    }
  }

  private decrypt(payload: Payload): Payload | UndecodableReason {
    const encoding = textOf(payload.metadata?.['encoding']);
    if (encoding === null) return 'missing_encoding';
    if (encoding !== ENCRYPTED) return PLAIN_ENCODINGS.has(encoding) ? 'not_encrypted' : 'unknown_encoding';
    const keyId = textOf(payload.metadata?.[KEY_ID]) ?? '';
    const key = this.keyring.keys.get(keyId);
    if (key === undefined) return 'unknown_key';
    const data = payload.data ?? new Uint8Array();
    if (data.length > MAX_BYTES) return 'too_large';
    if (data.length < IV_BYTES + TAG_BYTES) return 'truncated';
    const decipher = createDecipheriv(CIPHER, key, data.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES });
    decipher.setAAD(boundTo(keyId));
    decipher.setAuthTag(data.subarray(data.length - TAG_BYTES));
    const plain = decipher.update(data.subarray(IV_BYTES, data.length - TAG_BYTES));
    try {
      decipher.final();
    } catch {
      return 'tampered';
    }
    return PayloadProto.decode(plain);
  }
}

function boundTo(keyId: string): Buffer {
  return Buffer.from(`reseal-payload-v1\n${keyId}`, 'utf8');
}

function textOf(bytes: Uint8Array | null | undefined): string | null {
  return bytes && bytes.length > 0 && bytes.length <= 256 ? decodeText(bytes) : null;
}

function explained(reason: UndecodableReason): Payload {
  return {
    metadata: { encoding: encodeText('json/plain') },
    data: encodeText(JSON.stringify(undecodable(reason))),
  };
}
