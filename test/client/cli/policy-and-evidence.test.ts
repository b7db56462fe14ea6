import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Policy } from '../../../domain/policy.js';
import type { Entry } from '../../../domain/entry.js';
import { buildBundle } from '../../../proofs/bundle.js';
import { digestOf } from '../../../proofs/canonical-json.js';
import { genesisLedgerHash, ledgerEntry } from '../../../proofs/ledger.js';
import { signReceipt } from '../../../proofs/receipt.js';
import { generateRoleKey } from '../../../proofs/role-key.js';
import { trustFileText } from '../../../proofs/trust.js';
import { MachineApi } from '../machine-api.js';
import { makePeople, testPolicy, type People } from '../people.js';
import { aliceAsks, signedRequest } from '../signed.js';
import { reseal } from '../terminal.js';

const ID = '0123456789abcdef';
const policies = fileURLToPath(new URL('../../../deploy/policies/', import.meta.url));
const register = generateRoleKey();
let folder: string;
let people: People;
let api: MachineApi;
let entries: Entry[];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'reseal-cli-'));
  people = makePeople();
  api = new MachineApi({ policy: testPolicy, roster: people.roster, now: Date.now });
  const envelope = await signedRequest(people, aliceAsks(ID));
  await api.open(envelope, ID);
  const { envelope: body } = signReceipt(
    {
      schema: 'reseal.entry.v1',
      event_id: ID,
      transition: 'request',
      type: 'request',
      at: '2026-01-01T00:00:00.000Z',
      data: { statement: envelope },
    },
    register,
  );
  entries = [ledgerEntry({ seq: 1, prev_ledger_hash: genesisLedgerHash(ID), body })];
  api.ledger = () => Promise.resolve(entries as never);
  const roles = [{ role: 'register' as const, publicKey: register.publicKey }];
  writeFileSync(join(folder, 'trust.json'), trustFileText({ roles, roster: people.roster }));
});
afterAll(() => {
  people.dispose();
  rmSync(folder, { recursive: true, force: true });
});

const here = (argv: readonly string[], env: Record<string, string> = {}) => reseal(api, argv, { cwd: folder, env });

describe('when a policy is checked', () => {
  it.each(['two-teams.yaml', 'small-team.yaml'])('finds the example %s in order, without a warning', async (name) => {
    const ran = await here(['policy', 'lint', join(policies, name)]);
    expect(ran).toMatchObject({ status: 0, out: '' });
    expect(ran.err).not.toContain('warning');
  });

  it('points at the line and column of every fault', async () => {
    const text = [
      'version: 1',
      'name: x',
      'tenant_id: nope',
      'approvals: { min_approvers: 1, approvers: [group:a] }',
      'grace: 1h',
      'profiles:',
      '  admin:',
      '    action: entra.directory_role',
      '    rolle: 3',
      '    role:',
      '      template_id: 194ae4cb-b126-40b2-bd5b-6091b380977d',
      '      name: Security Administrator',
      '    timebox: { default: 5m, max: 1h }',
    ].join('\n');
    writeFileSync(join(folder, 'bad.yaml'), text);
    const ran = await here(['policy', 'lint', 'bad.yaml']);
    expect(ran.status).toBe(2);
    for (const place of [
      '3:1: tenant_id',
      '5:1: grace',
      '9:5: profiles.admin.rolle',
      '13:16: profiles.admin.timebox.default',
    ]) {
      expect(ran.out).toContain(`bad.yaml:${place}`);
    }
    const json = JSON.parse((await here(['policy', 'lint', 'bad.yaml', '-o', 'json'])).out) as { faults: unknown[] };
    expect(json.faults).toHaveLength(4);
  });

  it('points at what is weak, and exits 3 for it where that is asked for', async () => {
    const text = [
      'version: 1',
      'name: x',
      `tenant_id: ${testPolicy.tenant_id}`,
      'approvals: { min_approvers: 1, approvers: [group:security, group:nobody] }',
      'grace: 5m',
      'responders: [group:security]',
      'limits: { cooldown: 1m }',
      'rules:',
      '  - name: everybody',
      '  - name: nobody-left',
      '    reason_codes: [incident]',
      'profiles:',
      '  admin:',
      '    action: entra.directory_role',
      '    role: { template_id: 194ae4cb-b126-40b2-bd5b-6091b380977d, name: Security Administrator }',
      '    tier0: true',
    ].join('\n');
    writeFileSync(join(folder, 'weak.yaml'), text);
    writeFileSync(join(folder, 'roster.yaml'), JSON.stringify(people.roster));
    const ran = await here(['policy', 'lint', 'weak.yaml']);
    expect(ran.status).toBe(0);
    const lines = ran.out.trim().split('\n');
    expect(lines.map((line) => line.split(' ').slice(0, 3).join(' '))).toEqual([
      'weak.yaml:4:1: warning: approvals:',
      'weak.yaml:5:1: warning: grace:',
      'weak.yaml:10:5: warning: rules.1:',
    ]);
    expect(ran.out).toContain(
      'nobody-left never matches: everybody before it takes all that it would [rule_never_matches]',
    );
    expect(ran.err).toContain('not checked without --roster FILE');
    const known = await here(['policy', 'lint', 'weak.yaml', '--roster', 'roster.yaml', '--strict', '-o', 'json']);
    expect(known.status).toBe(3);
    expect(JSON.parse(known.out)).toMatchObject({
      ok: true,
      faults: [],
      not_checked: [],
      warnings: [
        { code: 'quorum_of_one', line: 4, column: 1 },
        { code: 'group_of_nobody', line: 4, column: 60, path: 'approvals.approvers.1' },
        { code: 'shortest_grace', line: 5 },
        { code: 'rule_never_matches', line: 10, column: 5 },
        { code: 'tier0_software_keys', line: 13, path: 'profiles.admin' },
      ],
    });
    expect((await here(['policy', 'lint', join(policies, 'two-teams.yaml'), '--strict'])).status).toBe(0);
  });

  it('points at a zone that there is not, and at a rule for a profile that there is not', async () => {
    const text = readFileSync(join(policies, 'two-teams.yaml'), 'utf8').replaceAll('Europe/Berlin', 'Europe/Berlni');
    writeFileSync(join(folder, 'zone.yaml'), text.replace('profiles: [exchange-admin]', 'profiles: [exchnage-admin]'));
    const ran = await here(['policy', 'lint', 'zone.yaml']);
    expect(ran.status).toBe(2);
    const line = text.split('\n').findIndex((of) => of.includes('days: [mon, tue, wed, thu]')) + 1;
    expect(ran.out).toContain(`zone.yaml:${line}:`);
    expect(ran.out).toContain('rules.1.time.0.zone: there is no such zone: expected an IANA name');
    expect(ran.out).toContain('(it is "Europe/Berlni")');
  });

  it('prints the schema of policy files', async () => {
    const ran = await here(['policy', 'schema']);
    expect(ran.status).toBe(0);
    expect(JSON.parse(ran.out)).toEqual(JSON.parse(readFileSync(join(policies, 'policy.schema.json'), 'utf8')));
  });

  it('shows the policy in force with its profiles by name', async () => {
    const ran = await here(['policy', 'show', '-o', 'json']);
    const shown = JSON.parse(ran.out) as Policy & { policy_digest: string };
    expect(shown.profiles['security-admin']).toMatchObject({ role: { name: 'Security Administrator' } });
    expect(shown.policy_digest).toBe(digestOf(testPolicy));
    expect((await here(['policy', 'show'])).out).toContain('2 (1 security + 1 platform)');
    const told = async (name: string) => (await here(['policy', 'show', join(policies, name)])).out;
    expect(await told('small-team.yaml')).toMatch(/user-admin .* 2, 1 after 10m\n/);
    const night = await told('night-watch.yaml');
    expect(night).toMatch(/investigate .* none: at once for group:watch\n/);
    expect(night).toContain('limits: 30m between two of one person and profile; 3 a person in 24h');
    expect(night).toMatch(/watch-at-night +investigate +group:watch +incident, recovery +at most 30m +every day 22:00/);
  });
});

describe('when a ledger is read', () => {
  it('shows its entries, and verifies them with the trusted keys', async () => {
    expect((await here(['ledger', 'show', ID])).out).toContain('request');
    const ran = await here(['ledger', 'verify', ID, '--trust', 'trust.json']);
    expect(ran.status).toBe(0);
    expect(ran.out).toContain(`ok: 1 entries, head ${entries[0]?.ledger_hash ?? ''}`);
  });

  it('exits 7 and names the entry when one was changed', async () => {
    const kept = entries;
    entries = kept.map((entry) => ({ ...entry, prev_ledger_hash: 'f'.repeat(64) }));
    const ran = await here(['ledger', 'verify', ID, '--trust', 'trust.json']);
    entries = kept;
    expect(ran.status).toBe(7);
    expect(ran.out).toContain('entry 1: prev_mismatch');
  });

  it('asks whose signatures are trusted when nobody said', async () => {
    const ran = await here(['ledger', 'verify', ID]);
    expect(ran.status).toBe(2);
    expect(ran.err).toContain('--trust FILE or set RESEAL_TRUST');
  });
});

describe('when evidence is exported and verified', () => {
  it('writes the exact text for its owner alone, and overwrites nothing unasked', async () => {
    api.bundleText = buildBundle({
      eventId: ID,
      stage: 'confirmed',
      sealedAt: '2026-01-01T01:00:00.000Z',
      policy: testPolicy,
      entries,
      key: register,
    });
    const argv = ['evidence', 'export', ID, '--out', 'bundle.json'];
    const ran = await here(argv);
    expect(ran.status).toBe(0);
    expect(ran.err).toContain('next: reseal evidence verify bundle.json');
    expect(readFileSync(join(folder, 'bundle.json'), 'utf8')).toBe(api.bundleText);
    expect(statSync(join(folder, 'bundle.json')).mode & 0o777).toBe(0o600);
    expect((await here(argv)).status).toBe(2);
    expect((await here([...argv, '--force'])).status).toBe(0);
    expect((await here(['evidence', 'export', ID, '--out', '-'])).out).toBe(api.bundleText);
  });

  it('verifies offline: what holds is told, what does not exits 7', async () => {
    const offline = new MachineApi({ policy: testPolicy, roster: people.roster, now: Date.now });
    const env = { RESEAL_TRUST: join(folder, 'trust.json') };
    const verify = (file: string) => reseal(offline, ['evidence', 'verify', file, '-o', 'json'], { cwd: folder, env });
    const checks = async (file: string): Promise<Record<string, boolean>> => {
      const { checks: all } = JSON.parse((await verify(file)).out) as { checks: { name: string; ok: boolean }[] };
      return Object.fromEntries(all.map(({ name, ok }) => [name, ok]));
    };
    // One entry is no whole ceremony, so that it cannot verify; its format and signature do.
    expect((await verify('bundle.json')).status).toBe(7);
    expect(await checks('bundle.json')).toMatchObject({ format: true, signature: true, ledger: true, end: false });
    const text = readFileSync(join(folder, 'bundle.json'), 'utf8');
    writeFileSync(
      join(folder, 'tampered.json'),
      text.replace(/"sig":"(.)/, (_, first) => `"sig":"${first === 'A' ? 'B' : 'A'}`),
    );
    expect(await checks('tampered.json')).toMatchObject({ signature: false });
    const table = await reseal(offline, ['evidence', 'verify', 'tampered.json'], { cwd: folder, env });
    expect(table).toMatchObject({ status: 7 });
    expect(table.out).toContain('NOT VERIFIED');
  });

  it('exits 2 before the end, and says what to run', async () => {
    api.bundleText = undefined;
    const ran = await here(['evidence', 'export', ID, '--out', 'none.json']);
    expect(ran.status).toBe(2);
    expect(ran.err).toContain('not ended');
  });
});
