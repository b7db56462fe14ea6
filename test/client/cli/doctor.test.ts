import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { TemporalHealth } from '../../../client/api/health-shape.js';
import { ResealError } from '../../../client/api/reseal-error.js';
import { MachineApi } from '../machine-api.js';
import { makePeople, testPolicy } from '../people.js';
import { reseal, type Ran } from '../terminal.js';

// Made before the tests are listed: the command lines in their tables name its keys.
const people = makePeople();
let api: MachineApi;
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'reseal-doctor-'));
  writeFileSync(join(folder, 'other-policy.yaml'), JSON.stringify({ ...testPolicy, name: 'other' }));
  writeFileSync(join(folder, 'bad.yaml'), 'as: [\n');
});
afterAll(() => {
  people.dispose();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(() => {
  api = new MachineApi({ policy: testPolicy, roster: people.roster, now: Date.now });
});

interface Told {
  ok: boolean;
  checks: { name: string; verdict: string; detail: string; todo: string | null }[];
}
const as = (name: string, key = name): string[] => ['--as', `${name}@example.test`, '--key', people.keyOf(key)];
const doctor = (argv: readonly string[] = as('alice'), options: Parameters<typeof reseal>[2] = {}): Promise<Ran> =>
  reseal(api, ['doctor', '-o', 'json', ...argv], { cwd: folder, ...options });
const toldIn = ({ out }: Ran): Told => JSON.parse(out) as Told;
const check = (ran: Ran, name: string): Told['checks'][number] | undefined =>
  toldIn(ran).checks.find((one) => one.name === name);

describe('when everything is right', () => {
  it('says so of each part in the order in which they are mended, and exits 0', async () => {
    const ran = await doctor();
    expect(ran.status).toBe(0);
    const { ok, checks } = toldIn(ran);
    expect(ok).toBe(true);
    expect(checks.map(({ name, verdict }) => `${name} ${verdict}`)).toEqual([
      'configuration ok',
      'who I am ok',
      'key ok',
      'gateway ok',
      'Temporal ok',
      'namespace ok',
      'register ok',
      'clock ok',
      'policy ok',
      'workers ok',
      '--direct -',
    ]);
  });

  it('shows one line a check', async () => {
    const ran = await reseal(api, ['doctor', ...as('alice')], { cwd: folder });
    expect(ran.out).toMatch(/^ok {4}who I am {7}alice@example\.test \(alice on the roster\)$/m);
    expect(ran.out).toMatch(/^ok {4}key {12}\S+ SHA256:\S+, on the roster$/m);
    expect(ran.out).toMatch(/^ok {4}Temporal {7}server 1\.32\.0 \(asked by the gateway\)$/m);
  });
});

describe('when something is wrong', () => {
  const temporal = (change: Partial<TemporalHealth>) => () => {
    api.parts = { ...api.parts, temporal: { ...api.parts.temporal, ...change } };
  };
  const nothing = (): void => undefined;

  it.each([
    ['a key that is not theirs', as('alice', 'bob'), nothing, 'key', 'fail', 2, 'is not among the keys of alice'],
    ['a key that is not there', ['--as', 'alice', '--key', '/nowhere'], nothing, 'key', 'fail', 2, '/nowhere'],
    ['no key', ['--as', 'alice@example.test'], nothing, 'key', 'fail', 2, 'no key for alice@example.test'],
    ['a stranger', as('mallory'), nothing, 'who I am', 'fail', 2, 'is not on the roster'],
    ['nobody acting', [], nothing, 'who I am', 'warn', 0, 'nobody said who acts'],
    ['an old server', as('alice'), temporal({ server_version: '1.31.9' }), 'Temporal', 'fail', 2, 'too old'],
    ['a newer server', as('alice'), temporal({ server_version: '2.0.0' }), 'Temporal', 'ok', 0, '2.0.0'],
    ['no server', as('alice'), temporal({ problem: 'no answer' }), 'Temporal', 'fail', 6, 'no answer'],
    ['no namespace', as('alice'), temporal({ namespace_found: false }), 'namespace', 'fail', 2, 'no namespace test'],
    [
      'unregistered search attributes',
      as('alice'),
      temporal({ missing_search_attributes: ['ResealState'] }),
      'namespace',
      'fail',
      2,
      'lacks search attributes: ResealState',
    ],
    [
      'idle roles',
      as('alice'),
      temporal({ idle_roles: ['authority'] }),
      'workers',
      'fail',
      6,
      'nobody plays authority',
    ],
  ] as const)('names %s', async (_name, argv, change, name, verdict, status, says) => {
    change();
    const ran = await doctor(argv);
    expect(ran.status).toBe(status);
    expect(check(ran, name)).toMatchObject({ verdict, detail: expect.stringContaining(says) as string });
    if (verdict !== 'ok') expect(check(ran, name)?.todo).toMatch(/\S/);
    expect(toldIn(ran).ok).toBe(status === 0);
  });

  it.each([
    ['unreachable', 'fail', 6],
    ['none', 'warn', 0],
  ] as const)('names a register that is %s', async (register, verdict, status) => {
    api.parts = { ...api.parts, register };
    const ran = await doctor();
    expect(ran.status).toBe(status);
    expect(check(ran, 'register')?.verdict).toBe(verdict);
  });

  it.each([
    ['a minute and more ahead', 90_000, 'fail', 2],
    ['ten minutes behind', -600_000, 'fail', 2],
    ['half a minute ahead', 30_000, 'warn', 0],
  ] as const)('names a clock that is %s of the gateway', async (_name, skew, verdict, status) => {
    const ran = await doctor(as('alice'), { now: () => Date.now() + skew });
    expect(ran.status).toBe(status);
    expect(check(ran, 'clock')?.verdict).toBe(verdict);
  });

  it('names a policy file that is not the policy in force', async () => {
    const ran = await doctor(as('alice'), { env: { RESEAL_POLICY: 'other-policy.yaml' } });
    expect(check(ran, 'policy')).toMatchObject({ verdict: 'warn' });
    expect((await doctor(as('alice'), { env: { RESEAL_POLICY: 'none.yaml' } })).status).toBe(2);
  });

  it('goes on when the gateway does not answer, and exits 6', async () => {
    const down = () => Promise.reject(new ResealError('gateway_unreachable', 'no answer'));
    Object.assign(api, { health: down, person: down, policy: down });
    const ran = await doctor();
    expect(ran.status).toBe(6);
    expect(check(ran, 'gateway')).toMatchObject({ verdict: 'fail' });
    expect(check(ran, 'key')).toMatchObject({ verdict: 'warn' });
    for (const name of ['who I am', 'Temporal', 'namespace', 'register', 'clock', 'policy', 'workers'])
      expect(check(ran, name)?.verdict).toBe('-');
  });

  it('names what is wrong with the configuration, and asks nobody then', async () => {
    const ran = await doctor(as('alice'), { env: { RESEAL_CONFIG: 'bad.yaml' } });
    expect(ran.status).toBe(2);
    expect(toldIn(ran).checks).toMatchObject([{ name: 'configuration', verdict: 'fail' }]);
  });
});
