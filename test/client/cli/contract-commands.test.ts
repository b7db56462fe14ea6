import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { DocumentStanding } from '../../../client/contract/document-standing.js';
import { contractInput, NOW, policyInput, ROSTER, TENANT } from '../../support/contract-signers.js';
import { MachineApi } from '../machine-api.js';
import { testPolicy } from '../people.js';
import { reseal, type Ran } from '../terminal.js';

const api = new MachineApi({ policy: testPolicy, roster: ROSTER, now: () => NOW });
let root: string;
let folder: string;
let nowMs = NOW;

const here = (argv: readonly string[], options: { env?: Record<string, string>; typed?: string } = {}): Promise<Ran> =>
  reseal(api, argv, {
    cwd: folder,
    env: {
      PATH: process.env['PATH'] ?? '',
      RESEAL_REGISTRY: 'registry',
      RESEAL_CONTRACT_ROOTS: '../roots.json',
      ...options.env,
    },
    now: () => nowMs,
    ...(options.typed === undefined ? {} : { typed: options.typed }),
  });
const json = async (...argv: string[]): Promise<Record<string, unknown>> => {
  const ran = await here([...argv, '-o', 'json']);
  expect(ran.err).not.toMatch(/^reseal: /m);
  return JSON.parse(ran.out) as Record<string, unknown>;
};
const policyFile = (
  over: { version?: number; [member: string]: unknown } = {},
  more: Record<string, unknown> = {},
): string => {
  const file = `policy-${over.version ?? 1}.yaml`;
  writeFileSync(join(folder, file), JSON.stringify(policyInput(contractInput(over), more)));
  return file;
};
const BOTH = ['--key', '../ann.pem', '--key', '../ben.pem'];
const publish = async (version = 1, by = BOTH): Promise<string> => {
  const { name } = await json('contract', 'publish', policyFile({ version }), ...by);
  return String(name);
};
const standings = async (...flags: string[]): Promise<Record<string, string>> => {
  const { documents } = (await json('contract', 'list', ...flags)) as { documents: DocumentStanding[] };
  return Object.fromEntries(documents.map(({ kind, version, code }) => [`${kind} ${version ?? 0}`, code]));
};

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'reseal-contract-'));
  folder = root;
  for (const name of ['ann', 'ben', 'cleo', 'eve'])
    expect((await here(['contract', 'keygen', `${name}.pem`])).status).toBe(0);
  const added = ['ann', 'ben', 'cleo'].flatMap((name) => ['--add', `${name}=${name}.pem.pub`]);
  const ran = await here(['contract', 'roots', 'roots.json', ...added]);
  expect(ran).toMatchObject({ status: 0 });
});
beforeEach(() => {
  nowMs = NOW;
  folder = mkdtempSync(join(root, 'case-'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('keys of signers', () => {
  it('are made with mode 0600, never over another, and never shown', async () => {
    const ran = await here(['contract', 'keygen', 'dora.pem']);
    expect(ran.status).toBe(0);
    expect(statSync(join(folder, 'dora.pem')).mode & 0o777).toBe(0o600);
    const secret = readFileSync(join(folder, 'dora.pem'), 'utf8').split('\n')[1] ?? 'none';
    expect(ran.out + ran.err).not.toContain(secret);
    const again = await here(['contract', 'keygen', 'dora.pem']);
    expect(again.status).toBe(2);
    expect(again.err).toContain('never overwritten');
  });

  it('are refused when others may read them, when they are none, and when the roots do not know them', async () => {
    chmodSync(join(root, 'eve.pem'), 0o600);
    const file = policyFile();
    const ran = async (key: string): Promise<string> => {
      const { status, err } = await here(['contract', 'publish', file, '--key', key]);
      expect(status).toBe(2);
      return err;
    };
    expect(await ran('../eve.pem')).toContain('key_unknown');
    expect(await ran('../ann.pem.pub')).toContain('expected an Ed25519 key in PKCS#8 PEM');
    expect(await ran('nobody.pem')).toContain('there is no key file');
    writeFileSync(join(folder, 'open.pem'), readFileSync(join(root, 'ann.pem')), { mode: 0o644 });
    expect(await ran('open.pem')).toContain('chmod 600');
    expect(existsSync(join(folder, 'registry'))).toBe(false);
  });
});

describe('the roots', () => {
  it('are shown, and say what is wrong with a change', async () => {
    const shown = await here(['contract', 'roots']);
    expect(shown.out).toMatch(
      /^2 signers are wanted\n\nSIGNER +SIGNS +UNTIL +STANDS +KEYID\nann +everything +2027-11-21 +counts +[0-9a-f]{64}$/m,
    );
    const alone = await here(['contract', 'roots', 'own.json', '--add', 'ann=../ann.pem.pub']);
    expect(alone.status).toBe(2);
    expect(alone.err).toContain('there are 1 signers: nothing could ever be signed');
    const secret = await here(['contract', 'roots', 'own.json', '--add', 'ann=../ann.pem']);
    expect(secret.err).toContain('this is a private key');
    expect(existsSync(join(folder, 'own.json'))).toBe(false);
  });

  it('take a key back, and a new one in its place', async () => {
    await here(['contract', 'roots', 'own.json', '--add', 'ann=../ann.pem.pub', '--add', 'ben=../ben.pem.pub']);
    const keys = async () =>
      (
        (await json('contract', 'roots', 'own.json')) as {
          keys: { keyid: string; name: string; revoked_at?: string }[];
        }
      ).keys;
    const [ann] = await keys();
    const env = { RESEAL_CONTRACT_ROOTS: 'own.json' };
    const ran = await here(
      ['contract', 'roots', '--revoke', ann?.keyid ?? '', '--add', 'ann=../cleo.pem.pub', '--signs', 'contract,roster'],
      { env },
    );
    expect(ran.status).toBe(0);
    expect(ran.out).toContain('key_revoked');
    expect((await keys()).map(({ name, revoked_at }) => [name, revoked_at])).toEqual([
      ['ann', '2026-11-21T12:00:00.000Z'],
      ['ben', undefined],
      ['ann', undefined],
    ]);
    const old = await here(['contract', 'publish', policyFile(), ...BOTH], { env });
    expect(old.err).toContain('of ann may not sign a contract: key_revoked');
    const fresh = await here(['contract', 'publish', policyFile(), '--key', '../cleo.pem', '--key', '../ben.pem'], {
      env,
    });
    expect(fresh.status).toBe(0);
    const list = await here(['contract', 'revoke', '--key', '../cleo.pem'], { env });
    expect(list.err).toContain('key_signs_other_kinds');
  });
});

describe('publishing a contract', () => {
  it('signs it twice, says where it stands, and what is declared and not enforced', async () => {
    const ran = await here(['contract', 'publish', policyFile(), ...BOTH]);
    expect(ran).toMatchObject({ status: 0 });
    expect(ran.out).toMatch(/^contract +[0-9a-f]{64}\nhash +b64u:[A-Za-z0-9_-]{43}\nversion +1 of local\n/);
    expect(ran.out).toMatch(/^signed by +2 of 2: ann, ben$/m);
    // There is no list of revocations yet.
    expect(ran.out).toMatch(/^stands +revocations_stale: /m);
    expect(ran.err).toContain('next: reseal contract revoke');
    expect(ran.err).toContain('declared, not enforced: contract.execution.runtime');
    expect((await here(['contract', 'revoke', ...BOTH])).status).toBe(0);
    expect(await standings()).toEqual({ 'contract 1': 'in_force', 'revocations 1': 'in_force' });
    expect(readdirSync(join(folder, 'registry', 'revocations'))).toEqual(['1.json']);
  });

  it('with one signature waits for another', async () => {
    await here(['contract', 'revoke', ...BOTH]);
    const ran = await here(['contract', 'publish', policyFile(), '--key', '../ann.pem']);
    expect(ran.status).toBe(0);
    expect(ran.out).toMatch(/^stands +contract_unsigned: 1 of 2 signers who may sign a contract: ann$/m);
    const digest = /contract +([0-9a-f]{64})/.exec(ran.out)?.[1] ?? '';
    expect(ran.err).toContain(`another signer runs: reseal contract sign ${digest}`);
    expect((await here(['contract', 'fetch', digest])).status).toBe(7);
    const read = await here(['contract', 'fetch', digest, '--unverified']);
    expect(read).toMatchObject({ status: 0 });
    expect(read.err).toContain('not verified: contract_unsigned');
    const no = await here(['contract', 'sign', digest, '--key', '../ben.pem'], { typed: 'n\n' });
    expect(no.status).toBe(4);
    expect((await standings())['contract 1']).toBe('contract_unsigned');
    const yes = await here(['contract', 'sign', digest, '--key', '../ben.pem'], { typed: 'y\n' });
    expect(yes).toMatchObject({ status: 0 });
    expect(yes.out).toMatch(/^signed by +2 of 2: ann, ben$/m);
    expect((await standings())['contract 1']).toBe('in_force');
  });

  it('refuses what does not follow, and gathers signatures for what is there', async () => {
    await here(['contract', 'revoke', ...BOTH]);
    await publish(2);
    const again = await here(['contract', 'publish', policyFile({ version: 2 }), '--key', '../cleo.pem']);
    expect(again.out).toMatch(/^signed by +3 of 2: ann, ben, cleo$/m);
    for (const version of [1, 2]) {
      const ran = await here(['contract', 'publish', policyFile({ version }, { grace: '11m' }), ...BOTH]);
      expect(ran.status).toBe(3);
      expect(ran.err).toContain('contract_superseded: version 2 of local is there already');
      expect(ran.err).toContain('publish it as version 3');
    }
    expect(
      (await here(['contract', 'publish', policyFile({ version: 3, valid_until: '2026-11-21T12:00:00Z' }), ...BOTH]))
        .err,
    ).toContain('contract_expired');
    expect((await here(['contract', 'publish', policyFile({ version: 1, series: 'other' }), ...BOTH])).status).toBe(0);
  });

  it('refuses a policy without a contract, a faulty one, and options of rosters', async () => {
    const { contract: _, ...plain } = policyInput();
    writeFileSync(join(folder, 'plain.yaml'), JSON.stringify(plain));
    const ran = await here(['contract', 'publish', 'plain.yaml', ...BOTH]);
    expect([ran.status, ran.err]).toEqual([2, expect.stringContaining('has no contract section')]);
    const lax = policyFile({ execution: { ...(contractInput()['execution'] as object), tools_allowlist: [] } });
    expect((await here(['contract', 'publish', lax, ...BOTH])).err).toContain(
      'nothing could be verified or taken back',
    );
    expect((await here(['contract', 'publish', policyFile(), '--series', 'x', ...BOTH])).err).toContain(
      '--series is for --roster',
    );
  });

  it('is completed by its digest, and a list by its number', async () => {
    await here(['contract', 'revoke', ...BOTH]);
    const digest = await publish(1);
    const at = async (line: string): Promise<string> => (await here(['complete', '--', line])).out;
    expect(await at('reseal contract verify ')).toBe(`${digest}\tcontract\n`);
    expect(await at('reseal contract sign --revocations ')).toBe('1\trevocations\n');
    expect(await at('reseal contract fetch --registry nowhere ')).toBe('');
    expect(await at('reseal contract fetch --registry https://registry.example.test ')).toBe('');
  });

  it('says what is missing', async () => {
    const file = policyFile();
    expect((await here(['contract', 'publish', file])).err).toContain('who signs?');
    expect((await here(['contract', 'publish', file, ...BOTH], { env: { RESEAL_REGISTRY: '' } })).err).toContain(
      'where are the contracts?',
    );
    expect((await here(['contract', 'publish', file, ...BOTH], { env: { RESEAL_CONTRACT_ROOTS: '' } })).err).toContain(
      'whose signatures count?',
    );
    const plain = await here(['contract', 'list', '--registry', 'http://registry.example.test']);
    expect([plain.status, plain.err]).toEqual([2, expect.stringContaining('expected a directory or an https URL')]);
    const none = await here(['contract', 'list']);
    expect([none.status, none.err]).toEqual([6, expect.stringContaining('cannot be reached: ENOENT')]);
  });
});

describe('a key that lives elsewhere', () => {
  const signer = (body: string): string => {
    writeFileSync(join(folder, 'sign.mjs'), body);
    return `${process.execPath} sign.mjs`;
  };
  const SIGN = (encode: string, key = '../ben.pem'): string =>
    `import { sign } from 'node:crypto'; import { readFileSync } from 'node:fs';
     const made = sign(null, readFileSync(0), readFileSync('${key}'));
     process.stdout.write(${encode});`;
  const ran = (body: string, ...more: string[]): Promise<Ran> =>
    here(['contract', 'publish', policyFile(), '--key', '../ann.pem', '--signer', signer(body), ...more]);

  it.each(['made', `made.toString('base64') + '\\n'`, `made.toString('base64url')`])(
    'signs with %s',
    async (encode) => {
      const { status, out } = await ran(SIGN(encode));
      expect(status).toBe(0);
      expect(out).toMatch(/^signed by +2 of 2: ann, ben$/m);
    },
  );

  it.each([
    ['of a stranger', SIGN('made', '../eve.pem'), 'signed with no key of the contract roots'],
    [
      'of other bytes',
      SIGN('made').replace('readFileSync(0)', `Buffer.from('x')`),
      'signed with no key of the contract roots',
    ],
    ['that is none', `process.stdout.write('yes')`, 'answered no signature: expected 64 bytes'],
    ['too long', `process.stdout.write('x'.repeat(5000))`, 'answered more than 4096 bytes'],
    ['with another status', SIGN('made') + 'process.exitCode = 3', 'exited with status 3'],
    ['that never comes', `setInterval(() => undefined, 1000)`, 'gave no signature within 1 s'],
  ])('refuses a signature %s', async (_name, body, message) => {
    const { status, err } = await ran(body, ...(message.includes('within') ? ['--signer-timeout', '1s'] : []));
    expect(err).toContain(message);
    expect(status).toBe(2);
    expect(existsSync(join(folder, 'registry'))).toBe(false);
  });

  it('is started without a shell, with its words as they are quoted', async () => {
    writeFileSync(
      join(folder, 'show.mjs'),
      `import { writeFileSync } from 'node:fs'; writeFileSync('argv.json', JSON.stringify(process.argv.slice(2)));`,
    );
    const command = `${process.execPath} show.mjs "two words" $HOME ; touch hacked`;
    await here(['contract', 'publish', policyFile(), '--signer', command]);
    expect(JSON.parse(readFileSync(join(folder, 'argv.json'), 'utf8'))).toEqual([
      'two words',
      '$HOME',
      ';',
      'touch',
      'hacked',
    ]);
    expect(existsSync(join(folder, 'hacked'))).toBe(false);
    const missing = await here(['contract', 'publish', policyFile(), '--signer', 'no-such-program']);
    expect(missing.err).toContain('cannot be started: ENOENT');
    expect((await here(['contract', 'publish', policyFile(), '--signer', 'a "b'])).err).toContain(
      'leaves a quote open',
    );
  });
});

describe('a registry', () => {
  it('says how each version stands, as time goes by', async () => {
    await here(['contract', 'revoke', ...BOTH, '--fresh-until', '2026-12-31T00:00:00Z']);
    await publish(1);
    const second = await json(
      'contract',
      'publish',
      policyFile({ version: 2, valid_from: '2026-12-01T00:00:00Z', valid_until: '2027-01-15T00:00:00Z' }),
      ...BOTH,
    );
    expect(second['code']).toBe('contract_not_yet_valid');
    expect(await standings()).toMatchObject({ 'contract 1': 'in_force', 'contract 2': 'contract_not_yet_valid' });
    nowMs = Date.parse('2026-12-01T00:00:00Z');
    expect(await standings()).toMatchObject({ 'contract 1': 'contract_superseded', 'contract 2': 'in_force' });
    nowMs = Date.parse('2026-12-31T00:00:00Z');
    expect(await standings()).toMatchObject({
      'contract 2': 'revocations_stale',
      'revocations 1': 'revocations_stale',
    });
    await here(['contract', 'revoke', ...BOTH]);
    expect(await standings()).toMatchObject({
      'contract 2': 'in_force',
      'revocations 1': 'revocations_superseded',
      'revocations 2': 'in_force',
    });
    nowMs = Date.parse('2027-01-15T00:00:00Z');
    expect(await standings()).toMatchObject({ 'contract 1': 'contract_superseded', 'contract 2': 'contract_expired' });
    const table = await here(['contract', 'list']);
    expect(table.out).toMatch(/^KIND +SERIES +VERSION +UNTIL +SIGNED +STANDS +DIGEST\n/);
  });

  it('revokes, keeps what was revoked, and never comes back to an older version', async () => {
    const [one, two] = [await publish(1), await publish(2)];
    const revoked = await json('contract', 'revoke', two, ...BOTH);
    expect(revoked['code']).toBe('in_force');
    expect(await standings('--roster')).toEqual({});
    expect(await standings()).toMatchObject({ 'contract 1': 'contract_superseded', 'contract 2': 'contract_revoked' });
    const { status, out } = await here(['contract', 'verify', two]);
    expect([status, out]).toEqual([
      3,
      expect.stringContaining('contract_revoked: version 2 of local is revoked, by list 1'),
    ]);
    await here(['contract', 'revoke', one, ...BOTH]);
    expect(await json('contract', 'fetch', '2', '--revocations')).toMatchObject({
      number: 2,
      contracts: [one, two].sort(),
    });
    expect((await here(['contract', 'publish', policyFile({ version: 2 }), ...BOTH])).err).toContain(
      'contract_revoked',
    );
    const unknown = await here(['contract', 'revoke', 'a'.repeat(64), ...BOTH]);
    expect([unknown.status, unknown.err]).toEqual([2, expect.stringContaining('no contract and no roster')]);
    expect((await here(['contract', 'revoke', 'x', ...BOTH])).err).toContain('is no digest');
    expect((await here(['contract', 'revoke', ...BOTH, '--fresh-until', '2028-01-01T00:00:00Z'])).err).toContain(
      'at most 92 days',
    );
  });

  it('takes a key back with all that it signed', async () => {
    await here(['contract', 'revoke', ...BOTH]);
    await publish(1);
    const { keys } = (await json('contract', 'roots')) as { keys: { name: string; keyid: string }[] };
    const keyid = keys.find(({ name }) => name === 'ben')?.keyid ?? '';
    await here(['contract', 'revoke', '--keyid', keyid, '--key', '../ann.pem', '--key', '../cleo.pem']);
    expect((await standings())['contract 1']).not.toBe('in_force');
    const digest = (await json('contract', 'verify', await digestOfFirst()))['code'];
    expect(digest).toMatch(/^contract_un/);
  });

  it('that was changed is found out, by name', async () => {
    await here(['contract', 'revoke', ...BOTH]);
    const [one, two] = [await publish(1), await publish(2)];
    const file = (digest: string): string => join(folder, 'registry', 'contracts', `${digest}.json`);
    const text = readFileSync(file(two), 'utf8');
    writeFileSync(file(two), readFileSync(file(one)));
    expect((await here(['contract', 'fetch', two])).err).toContain('contract_changed');
    expect((await here(['contract', 'verify', two])).status).toBe(7);
    expect((await standings())['contract 0']).toBe('contract_changed');
    writeFileSync(file(two), 'not JSON');
    expect((await here(['contract', 'verify', two])).status).toBe(7);
    writeFileSync(file(two), text.replace(/"sig":"[^"]{6}/, '"sig":"AAAAAA'));
    const ran = await here(['contract', 'verify', two]);
    expect([ran.status, ran.out]).toEqual([7, expect.stringContaining('contract_changed')]);
    writeFileSync(file(two), text);
    expect((await here(['contract', 'verify', two])).status).toBe(0);
  });

  async function digestOfFirst(): Promise<string> {
    return readdirSync(join(folder, 'registry', 'contracts'))[0]?.replace('.json', '') ?? '';
  }
});

describe('a contract that is fetched', () => {
  it('reads as it was written, and its envelope verifies elsewhere', async () => {
    await here(['contract', 'revoke', ...BOTH]);
    const digest = await publish(1);
    const ran = await here(['contract', 'fetch', digest]);
    expect(ran.out).toContain(`tenant_id: ${TENANT}\n`);
    writeFileSync(join(folder, 'fetched.yaml'), ran.out);
    expect((await here(['contract', 'diff', digest, 'fetched.yaml'])).out).toBe('no difference\n');
    expect((await here(['contract', 'fetch', digest, '--envelope', '--out', 'envelope.json'])).status).toBe(0);
    expect((await here(['contract', 'fetch', digest, '--envelope', '--out', 'envelope.json'])).err).toContain(
      '--force',
    );
    expect((await here(['contract', 'verify', 'envelope.json'])).status).toBe(0);
    const alone = await here(['contract', 'verify', 'envelope.json'], { env: { RESEAL_REGISTRY: '' } });
    expect([alone.status, alone.err]).toEqual([
      3,
      expect.stringContaining('what is newer or revoked is not known here'),
    ]);
    writeFileSync(join(folder, 'junk.json'), '{}');
    expect((await here(['contract', 'verify', 'junk.json'])).status).toBe(7);
    expect((await here(['contract', 'verify', 'b'.repeat(64)])).status).toBe(2);
  });

  it('is compared member by member', async () => {
    const digest = await publish(1);
    const targets = { tenant_ids: [TENANT], allowed_principals: ['bob@contoso.com'], allowed_roles: [] };
    const execution = { ...(contractInput()['execution'] as object), target_constraints: targets };
    const ran = await here(['contract', 'diff', digest, policyFile({ version: 2, execution })]);
    expect(ran.out.split('\n').filter((line) => line !== '')).toEqual(
      [
        '- contract.version: 1',
        '+ contract.version: 2',
        '- contract.execution.target_constraints.allowed_principals: "alice@contoso.com"',
        '+ contract.execution.target_constraints.allowed_principals: "bob@contoso.com"',
        '- contract.execution.target_constraints.allowed_roles: "e8611ab8-c189-46e8-94e1-60213ab1f814"',
      ].sort((a, b) => ran.out.indexOf(a) - ran.out.indexOf(b)),
    );
  });
});

describe('a roster', () => {
  it('is published, numbered, compared and revoked as contracts are', async () => {
    writeFileSync(join(folder, 'roster.yaml'), JSON.stringify(ROSTER));
    await here(['contract', 'revoke', ...BOTH]);
    const base = ['contract', 'publish', 'roster.yaml', '--roster', ...BOTH];
    expect((await here(base)).err).toContain('--series: which one?');
    expect((await here([...base, '--series', 'people'])).err).toContain('--valid-until is missing');
    const until = ['--valid-until', '2027-06-01T00:00:00Z'];
    const first = await json(...base, '--series', 'people', ...until);
    expect(first).toMatchObject({
      kind: 'roster',
      series: 'people',
      version: 1,
      code: 'in_force',
      valid_from: '2026-11-21T12:00:00.000Z',
    });
    writeFileSync(join(folder, 'roster.yaml'), JSON.stringify({ ...ROSTER, people: ROSTER.people.slice(0, 1) }));
    const second = await json(...base, ...until);
    expect(second).toMatchObject({ series: 'people', version: 2, code: 'in_force' });
    expect(await standings('--roster')).toEqual({ 'roster 1': 'roster_superseded', 'roster 2': 'in_force' });
    expect((await here([...base, ...until, '--number', '2'])).err).toContain('roster_superseded: version 2 of people');
    const changed = await here(['contract', 'diff', '--roster', String(first['name']), String(second['name'])]);
    expect(changed.out).toContain('- people.1: ');
    await here(['contract', 'revoke', String(second['name']), ...BOTH]);
    expect((await standings('--roster'))['roster 2']).toBe('roster_revoked');
  });
});
