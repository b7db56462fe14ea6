import { chmod, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { beforeEach, describe, expect, it } from 'vitest';

import { importKeysSchema, readImportKeys } from '../../workers/import-keys.js';

const SECRET = 'k'.repeat(32);
let folder: string;
const logged: Record<string, unknown>[] = [];
const log = (_message: string, fields: Record<string, unknown>): void => void logged.push(fields);
const keysOf = async (places: string | Record<string, string>): Promise<[string, string][]> =>
  [...(await readImportKeys(places, log))].map(([id, secret]) => [id, Buffer.from(secret).toString()]);

async function file(name: string, text: string, mode = 0o600): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  await chmod(path, mode);
  return path;
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reseal-keys-'));
  logged.length = 0;
});

describe("the keys of Sentinel's logs", () => {
  it('are read by key id, from a file each', async () => {
    const path = await file('any-name', `${SECRET}\n`);
    expect(await keysOf({ 'key-2026-01': path })).toEqual([['key-2026-01', SECRET]]);
  });

  it('are read from a folder, whose files are named after them', async () => {
    await file('key-a', SECRET);
    await file('a b', SECRET);
    expect(await keysOf(folder)).toEqual([['key-a', SECRET]]);
  });

  it('are read anew each time, so that one may be added while it runs', async () => {
    expect(await keysOf(folder)).toEqual([]);
    await file('key-b', SECRET);
    expect(await keysOf(folder)).toHaveLength(1);
  });

  it('are none where there is no folder', async () => {
    expect(await keysOf(join(folder, 'nowhere'))).toEqual([]);
    expect(await keysOf({})).toEqual([]);
  });

  it('do not count, and say why by their id alone, when they are open to others, short or not there', async () => {
    const places = {
      open: await file('open', SECRET, 0o644),
      short: await file('short', 'k'.repeat(31)),
      gone: join(folder, 'gone'),
      folder,
    };
    expect(await keysOf(places)).toEqual([]);
    expect(logged).toEqual([
      { key_id: 'open', code: 'key_permissions' },
      { key_id: 'short', code: 'key_too_short' },
      { key_id: 'gone', code: 'key_missing' },
      { key_id: 'folder', code: 'key_missing' },
    ]);
  });

  it('are named in settings by key id or by folder, and by nothing else', () => {
    expect(importKeysSchema.safeParse({ 'key-1': '/etc/key' }).success).toBe(true);
    expect(importKeysSchema.safeParse('/etc/keys').success).toBe(true);
    for (const wrong of ['', 7, { 'key 1': '/x' }, { k: '' }])
      expect(importKeysSchema.safeParse(wrong).success).toBe(false);
  });
});
