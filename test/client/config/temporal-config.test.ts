import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { effectiveSettings } from '../../../client/config/effective-settings.js';
import { loadSettings, type SettingsFlags } from '../../../client/config/settings.js';
import { readTemporalConfig } from '../../../client/config/temporal-config.js';

let folder: string;
let toml: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'reseal-temporal-'));
  toml = join(folder, 'xdg', 'temporalio', 'temporal.toml');
  mkdirSync(join(folder, 'xdg', 'temporalio'), { recursive: true });
  const text = [
    '[profile.default]\naddress = "default.example:7233"\nnamespace = "default-ns"',
    '[profile.prod]\naddress = "prod.example:7233"\nnamespace = "prod-ns"\napi_key = "s3cret"',
  ].join('\n\n');
  writeFileSync(toml, text);
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const envWith = (more: Record<string, string> = {}): Record<string, string> => ({
  XDG_CONFIG_HOME: join(folder, 'xdg'),
  ...more,
});

async function effective(more: Record<string, string> = {}, flags: SettingsFlags = {}) {
  const env = envWith(more);
  const all = await effectiveSettings(await loadSettings({ flags, env, cwd: folder }), env);
  return Object.fromEntries(all.map(({ name, value, from }) => [name, [value, from]]));
}

describe("when Temporal's own configuration says where it is", () => {
  it('takes the default profile, else the named one, and says which', async () => {
    expect(await effective()).toMatchObject({
      'temporal.address': ['default.example:7233', `${toml} [profile.default]`],
      'temporal.namespace': ['default-ns', `${toml} [profile.default]`],
    });
    expect(await effective({ TEMPORAL_PROFILE: 'prod' })).toMatchObject({
      'temporal.address': ['prod.example:7233', `${toml} [profile.prod]`],
    });
    expect(await effective({ RESEAL_TEMPORAL_PROFILE: 'prod', TEMPORAL_PROFILE: 'default' })).toMatchObject({
      'temporal.namespace': ['prod-ns', `${toml} [profile.prod]`],
      'temporal.profile': ['prod', 'RESEAL_TEMPORAL_PROFILE'],
    });
  });

  it('takes RESEAL_… before reseal.yaml before TEMPORAL_… before the file before the default', async () => {
    const address = async (more: Record<string, string>) => (await effective(more))['temporal.address'];
    const temporal = { TEMPORAL_ADDRESS: 'env.example:7233' };
    expect(await address(temporal)).toEqual(['env.example:7233', 'TEMPORAL_ADDRESS']);
    writeFileSync(join(folder, 'reseal.yaml'), 'temporal: { address: "yaml.example:7233", profile: prod }\n');
    expect(await address(temporal)).toEqual(['yaml.example:7233', join(folder, 'reseal.yaml')]);
    const own = { ...temporal, RESEAL_TEMPORAL_ADDRESS: 'reseal.example:7233' };
    expect(await address(own)).toEqual(['reseal.example:7233', 'RESEAL_TEMPORAL_ADDRESS']);
    expect((await effective())['temporal.namespace']).toEqual(['prod-ns', `${toml} [profile.prod]`]);
    rmSync(toml);
    rmSync(join(folder, 'reseal.yaml'));
    expect(await address({})).toEqual(['localhost:7233', 'default']);
    expect(await address({ TEMPORAL_ADDRESS: '' })).toEqual(['localhost:7233', 'default']);
  });

  it('says that a key is set and never what it is', async () => {
    const all = await effective({ TEMPORAL_PROFILE: 'prod', RESEAL_DATABASE_URL: 'postgres://u:s3cret@db/r' });
    expect(all['temporal.api_key']).toEqual([null, `${toml} [profile.prod]`]);
    expect(all['temporal.tls']).toEqual(['on', 'default']);
    expect(all['database_url']).toEqual([null, 'RESEAL_DATABASE_URL']);
    expect(JSON.stringify(all)).not.toContain('s3cret');
  });

  it.each([
    ['a profile that is not there', { TEMPORAL_PROFILE: 'nope' }, /has no profile "nope"/],
    ['what is not TOML', { TEMPORAL_CONFIG_FILE: '$bad' }, /cannot be read: .*bad\.toml: /],
    ['a file without profiles', { TEMPORAL_CONFIG_FILE: '$empty' }, /cannot be read: .*empty\.toml: /],
  ])('names the file of %s', async (_name, more, says) => {
    writeFileSync(join(folder, 'bad.toml'), '[profile.default\n');
    writeFileSync(join(folder, 'empty.toml'), 'x = 1\n');
    const env = Object.fromEntries(
      Object.entries(more).map(([name, value]) => [name, value.replace(/^\$(.*)/, join(folder, '$1.toml'))]),
    );
    await expect(readTemporalConfig(envWith(env), undefined)).rejects.toMatchObject({
      code: 'config_invalid',
      message: expect.stringMatching(says) as string,
    });
  });
});
