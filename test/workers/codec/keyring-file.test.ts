import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readKeyringFile, readOrCreateKeyringFile } from '../../../workers/codec/keyring-file.js';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'reseal-keyring-'));
  path = join(folder, 'keys', 'payload.json');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('when there is no keyring file', () => {
  it('makes one that only its owner can read, and reads it again', async () => {
    const made = await readOrCreateKeyringFile(path);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const again = await readOrCreateKeyringFile(path);
    expect(again.current).toBe(made.current);
    expect(again.keys.get(made.current)?.equals(made.keys.get(made.current) as never)).toBe(true);
    expect(readdirSync(join(folder, 'keys'))).toEqual(['payload.json']);
  });

  it('gives everybody who starts at once the same keyring', async () => {
    const rings = await Promise.all(Array.from({ length: 8 }, () => readOrCreateKeyringFile(path)));
    expect(new Set(rings.map((ring) => ring.current)).size).toBe(1);
  });

  it('refuses to read', async () => {
    await expect(readKeyringFile(path)).rejects.toMatchObject({ code: 'keyring_unreadable' });
  });
});

describe('when a keyring file is not as it should be', () => {
  it.each([0o640, 0o604, 0o620, 0o666])('refuses mode %o and names the command to run', async (mode) => {
    await readOrCreateKeyringFile(path);
    chmodSync(path, mode);
    const named = { code: 'keyring_permissions', message: expect.stringContaining(`chmod 600 '${path}'`) as string };
    await expect(readKeyringFile(path)).rejects.toMatchObject(named);
    await expect(readOrCreateKeyringFile(path)).rejects.toMatchObject(named);
  });

  it.each([
    ['text', 'hello'],
    ['an unknown member', '{"current":"a","keys":[{"id":"a","key_b64":"AAAA"}],"more":1}'],
    ['no key', '{"current":"a","keys":[]}'],
    ['a short key', '{"current":"a","keys":[{"id":"a","key_b64":"c2VjcmV0"}]}'],
  ])('refuses %s without quoting it', async (_, text) => {
    await readOrCreateKeyringFile(path);
    writeFileSync(path, text);
    const error: unknown = await readKeyringFile(path).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'keyring_invalid' });
    expect((error as Error).message).not.toContain('c2VjcmV0');
    expect(readFileSync(path, 'utf8')).toBe(text);
  });
});
