import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MachineApi } from '../machine-api.js';
import { makePeople, testPolicy, type People } from '../people.js';
import { reseal } from '../terminal.js';

let people: People;
let api: MachineApi;
let folder: string;

beforeAll(() => {
  people = makePeople();
  api = new MachineApi({ policy: testPolicy, roster: people.roster, now: Date.now });
  folder = mkdtempSync(join(tmpdir(), 'reseal-config-'));
  const entry = (name: string): string => `  - { as: ${name}@example.test, key: ${people.keyOf(name)} }\n`;
  writeFileSync(join(folder, 'reseal.yaml'), `identities:\n${entry('alice')}${entry('bob')}`);
});
afterAll(() => {
  people.dispose();
  rmSync(folder, { recursive: true, force: true });
});

const here = (argv: readonly string[], typed?: string) =>
  reseal(api, argv, {
    cwd: folder,
    env: { RESEAL_DATABASE_URL: 'postgres://u:s3cret@db/r' },
    ...(typed === undefined ? {} : { typed }),
  });
const asked = ['breakglass', '--profile', 'security-admin', '--reason-code', 'incident'];
const why = ['--justification', 'Contain the mailbox rule of INC-4711'];

describe('when the configuration is shown', () => {
  it('says of each setting what it comes to and who said it, without secrets', async () => {
    const ran = await here(['config', 'show', '--as', 'alice']);
    expect(ran.status).toBe(0);
    expect(ran.out).toMatch(/^SETTING +VALUE +FROM$/m);
    expect(ran.out).toMatch(/^as +alice +--as$/m);
    expect(ran.out).toMatch(new RegExp(`^key +${people.keyOf('alice')} +${folder}/reseal\\.yaml$`, 'm'));
    expect(ran.out).toMatch(/^database_url +\(set, not shown\) +RESEAL_DATABASE_URL$/m);
    expect(ran.out).toMatch(/^temporal\.address +localhost:7233 +default$/m);
    expect(ran.out).toMatch(/^policy +-$/m);
    expect(ran.out).not.toContain('s3cret');
  });

  it('answers JSON with the same', async () => {
    const shown = JSON.parse((await here(['config', 'show', '-o', 'json'])).out) as Record<string, unknown>;
    expect(shown).toMatchObject({ file: join(folder, 'reseal.yaml'), local_stack: null });
    expect(JSON.stringify(shown)).not.toContain('s3cret');
  });
});

describe('when nobody said who acts', () => {
  it('lets a person on a terminal pick one whose key is known here', async () => {
    const ran = await here([...asked, ...why], '2\n');
    expect(ran.status).toBe(0);
    expect(ran.out).toMatch(/^invoker +bob@example\.test$/m);
  });

  it('names them where nobody can be asked', async () => {
    const ran = await here([...asked, ...why]);
    expect(ran.status).toBe(2);
    expect(ran.err).toContain('--as alice@example.test, or --as bob@example.test');
  });

  it('suggests whose key there is for a misspelt name', async () => {
    const ran = await here([...asked, ...why, '--as', 'boob@example.test']);
    expect(ran.status).toBe(2);
    expect(ran.err).toContain('bob@example.test). Did you mean bob@example.test?\n');
    const other = await here([...asked, ...why, '--as', 'zebediah@example.test']);
    expect(other.err).toMatch(/^reseal: no key for zebediah@example.test \(there are keys here for .*test\)$/m);
  });
});
