import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import type { Payload } from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import { makeKeyring, newKey, type Keyring } from '../../../workers/codec/keyring.js';
import { EncryptionCodec } from '../../../workers/codec/payload-codec.js';
import { payloadConverter } from '../../../workers/codec/payload-converter.js';

const key1 = randomBytes(32);
const key2 = randomBytes(32);
const ring = (current: string): Keyring =>
  makeKeyring(current, [
    ['k-1', key1],
    ['k-2', key2],
  ]);
const codec = new EncryptionCodec(ring('k-1'));
const bytes = (text: string): Uint8Array => Buffer.from(text, 'utf8');

async function encrypt(value: unknown, by = codec): Promise<Payload> {
  return (await by.encode([payloadConverter.toPayload(value)]))[0] as Payload;
}

async function decrypted(payload: Payload, by = codec): Promise<unknown> {
  return payloadConverter.fromPayload((await by.decode([payload]))[0] as Payload);
}

const refused = (reason: string): unknown => ({ undecodable: true, reason });

describe('when a payload was made with a key of the ring', () => {
  it.each([[{ text: 'ü' }], [null], [undefined], ['x'.repeat(100_000)], [[1, 2]]])(
    'gives back what went in',
    async (value) => {
      expect(await decrypted(await encrypt(value))).toEqual(value);
    },
  );

  it('gives back bytes as bytes', async () => {
    expect(Buffer.from((await decrypted(await encrypt(Uint8Array.of(0, 255)))) as Uint8Array)).toEqual(
      Buffer.of(0, 255),
    );
  });

  it('shows nothing of the value, and no two payloads alike', async () => {
    const [a, b] = [await encrypt('secret-secret'), await encrypt('secret-secret')];
    expect(Buffer.from(a.data ?? []).includes('secret')).toBe(false);
    expect(a.data).not.toEqual(b.data);
  });

  it('still decrypts after a rotation', async () => {
    const old = await encrypt('old');
    const rotated = new EncryptionCodec(ring('k-2'));
    expect(await decrypted(old, rotated)).toBe('old');
    expect(Buffer.from((await encrypt('new', rotated)).metadata?.['reseal-key-id'] ?? []).toString()).toBe('k-2');
  });

  it('keeps number and order of a list', async () => {
    const list = [await encrypt(1), { metadata: {} }, await encrypt(3)];
    const values = (await codec.decode(list)).map((payload) => payloadConverter.fromPayload(payload));
    expect(values).toEqual([1, refused('missing_encoding'), 3]);
    expect(await codec.decode([])).toEqual([]);
  });
});

describe('when a payload cannot be decrypted', () => {
  it('refuses every single changed bit of a small one', async () => {
    const good = await encrypt('x');
    const data = good.data ?? new Uint8Array();
    for (let bit = 0; bit < data.length * 8; bit++) {
      const changed = Uint8Array.from(data);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(await decrypted({ ...good, data: changed })).toEqual(refused('tampered'));
    }
  });

  it('refuses every truncation', async () => {
    const good = await encrypt('x');
    for (let length = 0; length < (good.data?.length ?? 0); length++) {
      const shorter = { ...good, data: good.data?.subarray(0, length) };
      expect(await decrypted(shorter)).toEqual(refused(length < 28 ? 'truncated' : 'tampered'));
    }
    expect(await decrypted({ metadata: good.metadata })).toEqual(refused('truncated'));
  });

  it('refuses a key id that it was not made under, even with the same key', async () => {
    const twins = new EncryptionCodec(
      makeKeyring('a', [
        ['a', key1],
        ['b', key1],
      ]),
    );
    const good = await encrypt('x', twins);
    const moved = { ...good, metadata: { ...good.metadata, 'reseal-key-id': bytes('b') } };
    expect(await decrypted(moved, twins)).toEqual(refused('tampered'));
  });

  it.each([
    ['plaintext', { encoding: bytes('json/plain') }, 'not_encrypted'],
    ['an unknown encoding', { encoding: bytes('binary/snappy') }, 'unknown_encoding'],
    ['an encoding that is no text', { encoding: randomBytes(40) }, 'unknown_encoding'],
    ['no encoding', {}, 'missing_encoding'],
    ['no key id', { encoding: bytes('binary/encrypted') }, 'unknown_key'],
    ['an unknown key id', { encoding: bytes('binary/encrypted'), 'reseal-key-id': bytes('__proto__') }, 'unknown_key'],
  ])('refuses %s', async (_, metadata, reason) => {
    const payload = { metadata, data: bytes('{"act":"approve"}') };
    expect(await decrypted(payload)).toEqual(refused(reason));
    expect(await codec.decode([payload])).toEqual(await codec.decode([payload]));
  });

  it('refuses one over 2 MiB, and makes none', async () => {
    const good = await encrypt('x');
    expect(await decrypted({ ...good, data: new Uint8Array(2 * 1024 * 1024 + 1) })).toEqual(refused('too_large'));
    await expect(encrypt('x'.repeat(2 * 1024 * 1024))).rejects.toThrow(RangeError);
  });

  it('never throws, whatever the shape', async () => {
    const shapes: Payload[] = [{}, { metadata: null, data: null }, { metadata: { encoding: new Uint8Array() } }];
    for (const shape of shapes) expect(await decrypted(shape)).toEqual(refused('missing_encoding'));
    const broken = [{ metadata: { encoding: 'text' } }, null] as unknown as Payload[];
    for (const shape of broken) expect(await decrypted(shape)).toMatchObject({ undecodable: true });
  });
});

describe('a keyring', () => {
  it.each([
    ['a short key', 'a', [['a', new Uint8Array(16)]]],
    ['a current key that is missing', 'b', [['a', key1]]],
    [
      'an id twice',
      'a',
      [
        ['a', key1],
        ['a', key2],
      ],
    ],
    ['an id that is not plain', 'A b', [['A b', key1]]],
  ] as [string, string, [string, Uint8Array][]][])('refuses %s', (_, current, keys) => {
    expect(() => makeKeyring(current, keys)).toThrow(expect.objectContaining({ code: 'keyring_invalid' }));
  });

  it('shows no key when printed', () => {
    const { id, key } = newKey();
    const printed = inspect(makeKeyring(id, [[id, key]]), { depth: null, showHidden: true });
    expect(printed).not.toContain(Buffer.from(key).toString('hex').slice(0, 8));
    expect(JSON.stringify([...makeKeyring(id, [[id, key]]).keys])).toBe(`[["${id}",{}]]`);
  });
});
