import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  sign,
  timingSafeEqual,
  verify,
  type KeyObject,
} from 'node:crypto';

/** A key that signs webhooks. */
export type WebhookKey = { scheme: 'v1'; secret: Buffer } | { scheme: 'v1a'; privateKey: KeyObject };

/** Bytes before a raw Ed25519 seed that make it a PKCS#8 key, and before a raw public key an SPKI one (RFC 8410, section 10.3). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

/**
 * Reads signing keys, one a line: `whsec_` with 24 to 64 bytes in base64 for HMAC-SHA256, `whsk_` with an Ed25519 seed
 * (32 bytes, or 64 with its public key after it) in base64. Undefined for anything else; lines that are empty are passed
 * over. More than one is for changing a secret without a gap (Standard Webhooks 1.0.0, "Signature scheme").
 */
export function parseWebhookKeys(text: string): WebhookKey[] | undefined {
  const lines = text.split('\n').map((line) => line.trim());
  const keys = lines.filter((line) => line !== '').map(parseKey);
  return keys.length > 0 && keys.length <= 4 && keys.every((key) => key !== undefined) ? keys : undefined;
}

function parseKey(line: string): WebhookKey | undefined {
  const [, kind, base64] = /^(whsec|whsk)_([A-Za-z0-9+/]+={0,2})$/.exec(line) ?? [];
  if (kind === undefined || base64 === undefined) return undefined;
  const bytes = Buffer.from(base64, 'base64');
  if (kind === 'whsec') return bytes.length >= 24 && bytes.length <= 64 ? { scheme: 'v1', secret: bytes } : undefined;
  if (bytes.length !== 32 && bytes.length !== 64) return undefined;
  const der = Buffer.concat([PKCS8_PREFIX, bytes.subarray(0, 32)]);
  return { scheme: 'v1a', privateKey: createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }) };
}

/** The three headers of one attempt, made at `nowMs` (epoch milliseconds), with one signature a key. */
export function webhookHeaders(
  keys: readonly WebhookKey[],
  { id, body, nowMs }: { id: string; body: string; nowMs: number },
): Record<string, string> {
  const timestamp = String(Math.floor(nowMs / 1000));
  const signed = Buffer.from(`${id}.${timestamp}.${body}`, 'utf8');
  const signatures = keys.map((key) =>
    key.scheme === 'v1'
      ? `v1,${createHmac('sha256', key.secret).update(signed).digest('base64')}`
      : `v1a,${sign(null, signed, key.privateKey).toString('base64')}`,
  );
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures.join(' ') };
}

/** How far a receiver lets the timestamp of an attempt be from its own clock, in seconds. */
const TOLERANCE_SECONDS = 300;

/**
 * Whether a receiver that holds this key may believe the body. The key is what it was given: `whsec_…`, or `whpk_…` with
 * the 32 bytes of an Ed25519 public key in base64. Headers and body are attacker-controlled: never throws.
 */
export function isAuthentic(
  key: string,
  headers: Readonly<Record<string, string | undefined>>,
  { body, nowMs }: { body: string; nowMs: number },
): boolean {
  const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures } = headers;
  if (id === undefined || signatures === undefined || !/^\d{1,12}$/.test(timestamp ?? '')) return false;
  if (Math.abs(Number(timestamp) - nowMs / 1000) > TOLERANCE_SECONDS) return false;
  const signed = Buffer.from(`${id}.${timestamp}.${body}`, 'utf8');
  return signatures.split(' ').some((signature) => signedBy(key, signed, signature));
}

function signedBy(key: string, signed: Buffer, signature: string): boolean {
  const [scheme, base64 = ''] = signature.split(',');
  const given = Buffer.from(base64, 'base64');
  const bytes = Buffer.from(key.slice(key.indexOf('_') + 1), 'base64');
  if (scheme === 'v1' && key.startsWith('whsec_')) {
    const expected = createHmac('sha256', bytes).update(signed).digest();
    return given.length === expected.length && timingSafeEqual(given, expected);
  }
  if (scheme !== 'v1a' || !key.startsWith('whpk_') || bytes.length !== 32) return false;
  const publicKey = createPublicKey({ key: Buffer.concat([SPKI_PREFIX, bytes]), format: 'der', type: 'spki' });
  return verify(null, signed, publicKey, given);
}

/** What receivers of an Ed25519 channel are given: `whpk_` and the public key in base64. */
export function webhookPublicKey(privateKey: KeyObject): string {
  const der = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  return `whpk_${der.subarray(SPKI_PREFIX.length).toString('base64')}`;
}
