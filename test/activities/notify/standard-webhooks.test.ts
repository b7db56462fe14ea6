import { generateKeyPairSync, randomBytes, verify } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';

import {
  isAuthentic,
  parseWebhookKeys,
  webhookHeaders,
  webhookPublicKey,
} from '../../../activities/notify/standard-webhooks.js';

const secret = (): string => `whsec_${randomBytes(32).toString('base64')}`;
const body = JSON.stringify({ type: 'requested', event_id: '0123456789abcdef', summary: 'ümlaut' });
const id = 'notice_0123456789abcdef_7';

function signed(text: string, nowMs = Date.now()): Record<string, string> {
  const keys = parseWebhookKeys(text);
  if (keys === undefined) throw new Error('no keys');
  return webhookHeaders(keys, { id, body, nowMs });
}

describe("Standard Webhooks' own library", () => {
  it('verifies what is sent', () => {
    const key = secret();
    expect(new Webhook(key).verify(body, signed(key))).toEqual(JSON.parse(body));
  });

  it('refuses it with another body, another id, another secret, or after five minutes', () => {
    const key = secret();
    const headers = signed(key);
    expect(() => new Webhook(key).verify(`${body} `, headers)).toThrow();
    expect(() => new Webhook(key).verify(body, { ...headers, 'webhook-id': 'notice_x_1' })).toThrow();
    expect(() => new Webhook(secret()).verify(body, headers)).toThrow();
    expect(() => new Webhook(key).verify(body, signed(key, Date.now() - 301_000))).toThrow();
  });

  it('verifies with the old and the new secret while both are in the file', () => {
    const [before, after] = [secret(), secret()];
    const headers = signed(`${before}\n${after}\n`);
    for (const key of [before, after]) expect(new Webhook(key).verify(body, headers)).toEqual(JSON.parse(body));
  });
});

describe('an Ed25519 key', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const seed = Buffer.from(privateKey.export({ format: 'jwk' }).d ?? '', 'base64url');
  const point = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url');

  it.each([
    ['its seed', seed],
    ['its seed and its public key', Buffer.concat([seed, point])],
  ])('signs as v1a, from %s', (_, bytes) => {
    const headers = signed(`whsk_${bytes.toString('base64')}`);
    const [scheme, signature] = (headers['webhook-signature'] ?? '').split(',');
    const content = `${id}.${headers['webhook-timestamp']}.${body}`;
    expect(scheme).toBe('v1a');
    expect(verify(null, Buffer.from(content), publicKey, Buffer.from(signature ?? '', 'base64'))).toBe(true);
  });

  it('is given to receivers as its public half', () => {
    const [key] = parseWebhookKeys(`whsk_${seed.toString('base64')}`) ?? [];
    if (key?.scheme !== 'v1a') throw new Error('no key');
    const given = webhookPublicKey(key.privateKey);
    expect(given).toBe(`whpk_${point.toString('base64')}`);
    const headers = signed(`whsk_${seed.toString('base64')}`);
    expect(isAuthentic(given, headers, { body, nowMs: Date.now() })).toBe(true);
    expect(isAuthentic(given, headers, { body: `${body} `, nowMs: Date.now() })).toBe(false);
    expect(isAuthentic(secret(), headers, { body, nowMs: Date.now() })).toBe(false);
  });
});

describe('a receiver', () => {
  const key = secret();
  const now = Date.now();

  it("believes what Standard Webhooks' own library signed", () => {
    const at = new Date(now);
    const signature = new Webhook(key).sign(id, at, body);
    const headers = {
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(now / 1000)),
      'webhook-signature': `v1,${randomBytes(32).toString('base64')} ${signature}`,
    };
    expect(isAuthentic(key, headers, { body, nowMs: now })).toBe(true);
  });

  it.each([
    ['no headers', {}],
    ['a time that is none', { ...signed(key, now), 'webhook-timestamp': 'now' }],
    ['an old time', signed(key, now - 301_000)],
    ['a time to come', signed(key, now + 301_000)],
    ['a signature that is none', { ...signed(key, now), 'webhook-signature': 'v1' }],
    ['no signature', { ...signed(key, now), 'webhook-signature': '' }],
    [
      'the HMAC under the name of Ed25519',
      { ...signed(key, now), 'webhook-signature': signed(key, now)['webhook-signature']?.replace('v1,', 'v1a,') },
    ],
  ])('does not believe %s', (_, headers) => {
    expect(isAuthentic(key, headers, { body, nowMs: now })).toBe(false);
  });
});

describe('a secret file', () => {
  it.each([
    ['nothing', ''],
    ['words', 'correct horse battery staple'],
    ['a secret under 24 bytes', `whsec_${randomBytes(23).toString('base64')}`],
    ['a secret over 64 bytes', `whsec_${randomBytes(65).toString('base64')}`],
    ['a public key', `whpk_${randomBytes(32).toString('base64')}`],
    ['an Ed25519 key of another length', `whsk_${randomBytes(33).toString('base64')}`],
    ['a good key beside a bad one', `${secret()}\nwhsec_`],
    ['five keys', Array.from({ length: 5 }, secret).join('\n')],
  ])('is refused with %s in it', (_, text) => {
    expect(parseWebhookKeys(text)).toBeUndefined();
  });
});
