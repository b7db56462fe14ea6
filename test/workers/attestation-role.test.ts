import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPglite } from '../../activities/register/database-pglite.js';
import type { Database } from '../../activities/register/database.js';
import { VERIFIER_MIGRATIONS } from '../../activities/tpm/verifier-migrations.js';
import type { AttestHostInput, AttestationTasks } from '../../domain/incidents/attestation-result.js';
import { STATEMENT_DOMAIN } from '../../domain/statement.js';
import { instant } from '../../domain/identifiers.js';
import { sha256Hex } from '../../proofs/canonical-json.js';
import { makeReference } from '../../proofs/incidents/make-reference.js';
import { generateRoleKey } from '../../proofs/role-key.js';
import { attestationRole } from '../../workers/attestation-role.js';
import { attestationSettingsSchema } from '../../workers/attestation-settings.js';
import type { RoleContext } from '../../workers/role-context.js';
import { makePeople } from '../client/people.js';
import { sized, softwareAk } from '../proofs/tpm/software-quote.js';
import { signWith } from '../support/signing.js';
import { opensslMissing, VendorAuthority, type ListOf } from '../support/vendor-authority.js';

const HOST = 'vault-1';
const ASKED = {
  incident_id: null,
  host: HOST,
  attempt: 1,
  containment_binding: null,
  purpose: 'scheduled' as const,
  contained_at: null,
};

describe('the attestation of hosts, as a process is configured to do it', () => {
  const people = makePeople();
  const folder = mkdtempSync(join(tmpdir(), 'reseal-attestation-role-'));
  const logged: string[] = [];
  let journal: Database;
  beforeAll(async () => {
    journal = await openPglite(null);
    await journal.migrate(VERIFIER_MIGRATIONS);
    mkdirSync(join(folder, 'references'));
    enrolled('references', []);
    writeFileSync(join(folder, 'token'), 'a-token-of-at-least-thirty-two-characters', { mode: 0o600 });
    hosts(
      `  ${HOST}:\n    attest_agent: {url: "http://127.0.0.1:1", token_file: ${join(folder, 'token')}}\n  vault-2: {}\n`,
    );
  });
  afterAll(async () => {
    await journal.close();
    people.dispose();
    rmSync(folder, { recursive: true, force: true });
  });

  const endorsement = softwareAk('rsassa');
  /** A reference in a folder, with this chain of its endorsement key. */
  function enrolled(references: string, ekChain: Buffer[]): void {
    const [ek, ak] = [sized(endorsement.area), sized(softwareAk('ecdsa').area)];
    const at = instant(Date.now());
    const values = { sha256: { '7': '11'.repeat(32) } };
    const shown = { host: HOST, ek, ak, ekChain, eventLog: false, pcrs: values, label: 'installed', by: 'bob', at };
    const reference = makeReference(shown);
    const statement = {
      domain: STATEMENT_DOMAIN,
      act: 'enroll_host',
      host: HOST,
      reference_digest: sha256Hex(reference),
      person: 'bob',
      issued_at: at,
      not_after: instant(Date.now() + 3_600_000),
    };
    const acceptances = [signWith(people.keyOf('bob'), statement)];
    writeFileSync(
      join(folder, references, `${HOST}.1.json`),
      JSON.stringify({ schema: 'reseal.signed_host_reference.v1', reference, acceptances }),
    );
  }
  const emptied = async (): Promise<void> => {
    await journal.query('DROP SCHEMA verifier CASCADE');
    await journal.query('DELETE FROM schema_migrations');
    await journal.migrate(VERIFIER_MIGRATIONS);
  };

  const hosts = (text: string): void =>
    writeFileSync(join(folder, 'hosts.yaml'), `schema: reseal.hosts.v1\nhosts:\n${text}`);
  const role = (
    attestation: object | undefined,
    databases: RoleContext['databases'] = journal,
  ): Partial<AttestationTasks> => {
    const settings = {
      verifier: {
        hosts_path: join(folder, 'hosts.yaml'),
        ...(attestation && { attestation: attestationSettingsSchema.parse(attestation) }),
      },
    };
    const tasks = attestationRole({
      settings,
      clock: { now: Date.now },
      contracts: { roster: () => people.roster },
      keys: new Map([['verifier', generateRoleKey()]]),
      databases,
      log: (message: string, { code, detail = '' }: Record<string, string>) =>
        logged.push(`${code}: ${detail || message}`),
    } as unknown as RoleContext);
    const { attestHost } = tasks;
    if (attestHost === undefined) return tasks;
    // It heartbeats: it runs as an activity does.
    return { ...tasks, attestHost: (input: AttestHostInput) => new MockActivityEnvironment().run(attestHost, input) };
  };
  const PATHS = { references_path: join(folder, 'references') };

  it('is not offered where nothing is said of it, or there is no journal', () => {
    expect(role(undefined)).toEqual({});
    expect(role(PATHS, new Map())).toEqual({});
    expect(logged.pop()).toContain('attestation_without_database');
  });

  it('asks the agents of its hosts file, by the references of its folder', async () => {
    const { attestHost, listAttested } = role(PATHS);
    expect(await listAttested?.()).toEqual({ hosts: [HOST] });
    expect(await attestHost?.(ASKED)).toMatchObject({ outcome: 'waiting', reason: 'unreachable' });
    for (const host of ['vault-2', 'vault-3'])
      await expect(attestHost?.({ ...ASKED, host })).rejects.toMatchObject({ type: 'host_unknown' });
    await expect(attestHost?.({ ...ASKED, host: '../etc' })).rejects.toMatchObject({ type: 'invalid_input' });
  });

  it('takes no reference that the vendors of its TPMs do not vouch for, where it knows them', async () => {
    await emptied();
    const { attestHost } = role({ ...PATHS, ek_roots_path: join(folder, 'token') });
    expect(await attestHost?.(ASKED)).toMatchObject({ outcome: 'result' });
    expect(logged.pop()).toContain('holds no certificates in PEM');
    expect(await journal.query('SELECT digest FROM verifier.host_references')).toEqual([]);
  });

  it('wants roots where it is told of lists of revoked certificates', () => {
    const parsed = attestationSettingsSchema.safeParse({ ...PATHS, ek_crls_path: 'crls.pem' });
    expect(parsed.error?.issues[0]).toMatchObject({ path: ['ek_crls_path'] });
  });

  it.skipIf(opensslMissing)(
    `refuses a host whose endorsement key its vendor revoked, when it is new and when it is known${opensslMissing ? ' (skipped: no openssl)' : ''}`,
    async () => {
      await emptied();
      const vendor = new VendorAuthority(folder);
      const [root, between] = [vendor.authority('root', 'ec'), vendor.authority('between', 'ec', 'root')];
      const leaf = vendor.endorsed('leaf', endorsement.pem, 'between');
      mkdirSync(join(folder, 'certified'));
      enrolled('certified', [leaf.raw, between.raw]);
      writeFileSync(join(folder, 'roots.pem'), root.toString());
      const lists = (ofBetween: ListOf): void =>
        writeFileSync(join(folder, 'crls.pem'), vendor.list('root') + vendor.list('between', ofBetween));
      const settings = {
        references_path: join(folder, 'certified'),
        ek_roots_path: join(folder, 'roots.pem'),
        ek_crls_path: join(folder, 'crls.pem'),
      };
      let attempt = 0;
      const asks = async (): Promise<string> => {
        const answer = await role(settings).attestHost?.({ ...ASKED, attempt: (attempt += 1) });
        if (answer?.outcome !== 'result') return answer?.reason ?? 'no answer';
        const { failed_check, expected } = JSON.parse(Buffer.from(answer.result.payload, 'base64').toString()) as {
          failed_check: string;
          expected: string;
        };
        return `${failed_check}: ${expected}`;
      };
      for (const [of, code] of [
        [{ revoked: [leaf] }, 'ek_certificate_revoked'],
        [{ days: -1 }, 'ek_certificate_stale_list'],
      ] as [ListOf, string][]) {
        lists(of);
        expect(await asks()).toContain('AK_NOT_ENROLLED: expected a reference of vault-1');
        expect(logged.pop()).toContain(code);
      }
      lists({});
      expect(await asks()).toBe('unreachable');
      // It is known now: a vendor that is late with its list does not stop it, and one that revokes its key does.
      lists({ days: -1 });
      expect(await asks()).toBe('unreachable');
      lists({ days: -1, revoked: [leaf] });
      expect(await asks()).toMatch(/^AK_NOT_ENROLLED: .*ek_certificate_revoked: CN=between has revoked CN=leaf/);
      writeFileSync(join(folder, 'crls.pem'), 'no list');
      await expect(asks()).rejects.toMatchObject({ code: 'file_invalid' });
    },
  );
});
