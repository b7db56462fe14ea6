import { generateKeyPairSync } from 'node:crypto';

import { describe, expect, it } from 'vitest';

import { sha256Hex } from '../../proofs/canonical-json.js';
import {
  exportRolePrivateKey,
  exportRolePublicKey,
  generateRoleKey,
  importRolePrivateKey,
  importRolePublicKey,
  keyidOf,
} from '../../proofs/role-key.js';

describe('role keys', () => {
  it('survive export and import, both halves, under the same keyid', () => {
    const key = generateRoleKey();
    const publicHalf = importRolePublicKey(exportRolePublicKey(key.publicKey));
    const privateHalf = importRolePrivateKey(exportRolePrivateKey(key));
    expect(publicHalf).toMatchObject({ ok: true, keyid: key.keyid });
    expect(privateHalf.ok && privateHalf.key.keyid).toBe(key.keyid);
    expect(privateHalf.ok && privateHalf.key.privateKey.equals(key.privateKey)).toBe(true);
  });

  it('are named by the SHA-256 of their SPKI DER', () => {
    const { publicKey, keyid } = generateRoleKey();
    expect(keyid).toBe(sha256Hex(publicKey.export({ type: 'spki', format: 'der' })));
    expect(keyidOf(publicKey)).toBe(keyid);
    expect(generateRoleKey().keyid).not.toBe(keyid);
  });
});

describe('importRolePublicKey', () => {
  const text = exportRolePublicKey(generateRoleKey().publicKey);
  const der = Buffer.from(text, 'base64');
  const smallOrder = Buffer.concat([der.subarray(0, -32), Buffer.of(1), Buffer.alloc(31)]).toString('base64');
  const ec = exportRolePublicKey(generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).publicKey);

  it.each([
    ['nothing', '', 'role_key_malformed'],
    ['whitespace', `${text}\n`, 'role_key_malformed'],
    ['a cut key', der.subarray(0, -1).toString('base64'), 'role_key_malformed'],
    ['trailing bytes', Buffer.concat([der, Buffer.of(0)]).toString('base64'), 'role_key_malformed'],
    ['a long text', 'A'.repeat(10_000), 'role_key_malformed'],
    ['another algorithm', ec, 'role_key_type_unsupported'],
    ['a point of small order', smallOrder, 'role_key_too_weak'],
  ])('refuses %s', (_name, candidate, reason) => {
    expect(importRolePublicKey(candidate)).toEqual({ ok: false, reason });
  });
});

describe('importRolePrivateKey', () => {
  it('refuses what is not a private Ed25519 key', () => {
    const ec = generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey;
    const pem = ec.export({ type: 'pkcs8', format: 'pem' }).toString();
    expect(importRolePrivateKey(pem)).toEqual({ ok: false, reason: 'role_key_type_unsupported' });
    expect(importRolePrivateKey('x')).toEqual({ ok: false, reason: 'role_key_malformed' });
    const publicPem = generateRoleKey().publicKey.export({ type: 'spki', format: 'pem' }).toString();
    expect(importRolePrivateKey(publicPem)).toEqual({ ok: false, reason: 'role_key_malformed' });
  });
});
