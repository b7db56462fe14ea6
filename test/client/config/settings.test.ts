import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadSettings, type Settings, type SettingsFlags } from '../../../client/config/settings.js';

let folder: string;
let below: string;
let xdg: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'reseal-settings-'));
  below = join(folder, 'project', 'src');
  xdg = join(folder, 'xdg');
  mkdirSync(join(folder, 'project', '.reseal'), { recursive: true });
  mkdirSync(below);
  mkdirSync(join(xdg, 'reseal'), { recursive: true });
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const load = (flags: SettingsFlags = {}, env: Record<string, string> = {}): Promise<Settings> =>
  loadSettings({ flags, env: { XDG_CONFIG_HOME: xdg, ...env }, cwd: below });
const yaml = (text: string): void => {
  writeFileSync(join(folder, 'project', 'reseal.yaml'), text);
};
const dev = (change: object = {}): void => {
  const file = {
    pid: 1,
    temporal_address: '127.0.0.1:7233',
    temporal_namespace: 'default',
    temporal_ui_url: 'http://127.0.0.1:8233',
    gateway_url: 'http://127.0.0.1:9000',
    graph_url: 'http://127.0.0.1:9001',
    graph_control_url: 'http://127.0.0.1:9002',
    database_url: null,
    identities: [
      { upn: 'alice@example.test', object_id: 'a11ce000-0000-4000-8000-000000000001', key_path: '/keys/alice' },
      { upn: 'bob@example.test', object_id: 'b0b00000-0000-4000-8000-000000000002', key_path: '/keys/bob' },
    ],
    trust_path: '/dev/trust.json',
    ...change,
  };
  writeFileSync(join(folder, 'project', '.reseal', 'dev.json'), JSON.stringify(file));
};

describe('when several places say where things are', () => {
  it('takes flags before the environment, before reseal.yaml, before the local stack, before the default', async () => {
    expect((await load()).gatewayUrl).toBe('http://127.0.0.1:8515');
    dev();
    expect((await load()).gatewayUrl).toBe('http://127.0.0.1:9000');
    yaml('gateway: https://yaml.example');
    expect((await load()).gatewayUrl).toBe('https://yaml.example');
    const env = { RESEAL_GATEWAY_URL: 'https://env.example' };
    expect((await load({}, env)).gatewayUrl).toBe('https://env.example');
    expect((await load({ gateway: 'https://flag.example' }, env)).gatewayUrl).toBe('https://flag.example');
  });

  it('finds reseal.yaml upwards, and in the XDG folder only when there is none', async () => {
    writeFileSync(join(xdg, 'reseal', 'reseal.yaml'), 'as: xdg@example.test\nkey: id\n');
    expect(await load()).toMatchObject({ as: 'xdg@example.test', keyPath: join(xdg, 'reseal', 'id') });
    yaml('as: project@example.test\nkey: keys/mine');
    expect(await load()).toMatchObject({
      as: 'project@example.test',
      keyPath: join(folder, 'project', 'keys', 'mine'),
    });
  });

  it('does not mix the local stack into ceremonies that are elsewhere', async () => {
    dev();
    expect(await load()).toMatchObject({ local: true, trustPath: '/dev/trust.json' });
    const elsewhere = await load({ gateway: 'https://production.example' });
    expect(elsewhere).toMatchObject({ local: false, trustPath: undefined });
  });
});

describe('when somebody acts', () => {
  it("finds the trust roots that a stopped local stack left, and does not offer them for another gateway's bundles", async () => {
    const trust = join(folder, 'project', '.reseal', 'trust.json');
    writeFileSync(trust, '{}');
    expect((await load()).trustPath).toBe(trust);
    expect((await load({ gateway: 'http://127.0.0.1:9999' })).trustPath).toBeUndefined();
  });

  it('knows the people of the local stack by either name', async () => {
    dev();
    expect(await load({ as: 'bob' })).toMatchObject({ as: 'bob@example.test', keyPath: '/keys/bob' });
    expect(await load({ as: 'Bob@Example.test' })).toMatchObject({ as: 'bob@example.test', keyPath: '/keys/bob' });
    expect(await load({ as: 'bob', key: '/other' })).toMatchObject({ as: 'bob@example.test', keyPath: '/other' });
  });

  it('never signs for one person with the key that was set for another', async () => {
    dev();
    yaml('as: alice@example.test\nkey: /keys/of-alice');
    expect(await load()).toMatchObject({ as: 'alice@example.test', keyPath: '/keys/of-alice' });
    expect(await load({ as: 'bob' })).toMatchObject({ as: 'bob@example.test', keyPath: '/keys/bob' });
  });
});

describe('when people are listed in reseal.yaml', () => {
  const listed =
    'identities:\n  - { as: dora@corp.test, key: keys/dora }\n  - { as: bob@corp.test, key: ~/.ssh/bob }\n';

  it('knows each by either name, with paths from the file and from home', async () => {
    yaml(listed);
    const dora = { as: 'dora@corp.test', keyPath: join(folder, 'project', 'keys', 'dora') };
    expect(await load({ as: 'dora' })).toMatchObject(dora);
    expect(await load({}, { RESEAL_AS: 'Dora@corp.test' })).toMatchObject(dora);
    expect(await load({ as: 'bob' }, { HOME: '/home/bob' })).toMatchObject({ keyPath: '/home/bob/.ssh/bob' });
  });

  it('takes the file before the local stack, and a full name before a short one', async () => {
    yaml(listed);
    dev();
    expect(await load({ as: 'bob' })).toMatchObject({ as: 'bob@corp.test' });
    expect(await load({ as: 'bob@example.test' })).toMatchObject({ as: 'bob@example.test', keyPath: '/keys/bob' });
  });
});

describe('when somebody asks who said what', () => {
  it('names flag, variable, file, local stack or default of each setting', async () => {
    yaml('trust: trust.json\n');
    dev({ roster_path: '/dev/roster.yaml' });
    const { origins } = await load({ as: 'alice' }, { RESEAL_POLICY: '/my/policy.yaml' });
    const told = Object.fromEntries(origins.map(({ name, value, from }) => [name, [value, from]]));
    expect(told).toMatchObject({
      gateway: ['http://127.0.0.1:9000', 'the local stack'],
      as: ['alice', '--as'],
      key: ['/keys/alice', 'the local stack'],
      trust: [join(folder, 'project', 'trust.json'), join(folder, 'project', 'reseal.yaml')],
      roster: ['/dev/roster.yaml', 'the local stack'],
      policy: ['/my/policy.yaml', 'RESEAL_POLICY'],
      payload_keyring: [null, null],
      hosts: [null, null],
      references: [null, null],
      'temporal.address': ['127.0.0.1:7233', 'the local stack'],
    });
  });

  it('reads the file that RESEAL_CONFIG names, and no other', async () => {
    yaml('as: project@example.test\n');
    writeFileSync(join(folder, 'other.yaml'), 'gateway: https://other.example\n');
    const named = await load({}, { RESEAL_CONFIG: '../../other.yaml' });
    expect(named).toMatchObject({ as: undefined, gatewayUrl: 'https://other.example' });
    expect(named.filePath).toBe(join(folder, 'other.yaml'));
    await expect(load({}, { RESEAL_CONFIG: '/nowhere.yaml' })).rejects.toThrow(/there is no file \/nowhere\.yaml/);
  });

  it("leaves the local stack's Temporal alone when the gateway is elsewhere", async () => {
    dev();
    expect(await load()).toMatchObject({ temporalAddress: '127.0.0.1:7233', temporalNamespace: 'default' });
    const elsewhere = await load({ gateway: 'https://production.example' });
    expect(elsewhere).toMatchObject({ temporalAddress: undefined, temporalNamespace: undefined });
  });
});

describe('when a file is wrong', () => {
  it.each([
    ['a value', 'as: me\ngateway: ftp://x\n', 'reseal.yaml:2:1: gateway: '],
    ['a member', 'as: me\ntemporal:\n  adress: x\n', 'reseal.yaml:3:3: temporal.adress: there is no such member'],
    ['its syntax', 'as: [\n', 'reseal.yaml:2:1: '],
    ['a duplicate', 'as: a\nas: b\n', 'reseal.yaml:2:1: '],
    ['an alias', 'as: &a x\nkey: *a\n', 'aliases'],
  ])('names file, line and column of %s', async (_name, text, says) => {
    yaml(text);
    await expect(load()).rejects.toMatchObject({
      code: 'config_invalid',
      message: expect.stringContaining(says) as string,
    });
  });

  it("says so of the stack's own file, and of an address that is none", async () => {
    dev({ gateway_url: 7 });
    await expect(load()).rejects.toThrow(/dev\.json: gateway_url/);
    dev();
    await expect(load({ gateway: 'localhost:1' })).rejects.toThrow(/"localhost:1" is not an http/);
  });
});
