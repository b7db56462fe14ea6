import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openPglite } from '../../../activities/register/database-pglite.js';
import type { Database } from '../../../activities/register/database.js';
import { ReferenceDirectory } from '../../../activities/tpm/reference-directory.js';
import { acceptedReferences } from '../../../activities/tpm/reference-journal.js';
import { VERIFIER_MIGRATIONS } from '../../../activities/tpm/verifier-migrations.js';
import { hostReferenceSchema, type Acceptors, type HostReference } from '../../../domain/incidents/host-reference.js';
import { STATEMENT_DOMAIN } from '../../../domain/statement.js';
import { canonicalJson, sha256Hex } from '../../../proofs/canonical-json.js';
import { makeReference } from '../../../proofs/incidents/make-reference.js';
import { makePeople } from '../../client/people.js';
import { softwareAk, sized } from '../../proofs/tpm/software-quote.js';
import { signWith, signWithStranger } from '../../support/signing.js';

const NOW = Date.parse('2026-11-21T12:00:00Z');
const HOST = 'vault-1';

describe('references of hosts in a directory', () => {
  const people = makePeople();
  const keys = [softwareAk('rsassa'), softwareAk('ecdsa')].map(({ area }) => sized(area)) as [Buffer, Buffer];
  let journal: Database;
  let folder: string;
  let told: string[];
  beforeAll(async () => {
    journal = await openPglite(null);
    await journal.migrate(VERIFIER_MIGRATIONS);
  });
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'reseal-references-'));
    told = [];
    await journal.query('DROP SCHEMA verifier CASCADE');
    await journal.query('DELETE FROM schema_migrations');
    await journal.migrate(VERIFIER_MIGRATIONS);
    return () => rmSync(folder, { recursive: true, force: true });
  });
  afterAll(async () => {
    await journal.close();
    people.dispose();
  });

  const shown = (label = 'as installed', digest = '11'.repeat(32)) => ({
    host: HOST,
    ek: keys[1],
    ak: keys[0],
    ekChain: [],
    eventLog: false,
    pcrs: { sha256: { '7': digest } },
    label,
    by: 'bob',
    at: '2026-11-21T12:00:00.000Z',
  });
  const first = makeReference(shown());
  const parsed = (text: string): HostReference => hostReferenceSchema.parse(JSON.parse(text));
  const accepts = (person: string, text: string, changed: Record<string, unknown> = {}) => ({
    domain: STATEMENT_DOMAIN,
    act: 'enroll_host',
    host: HOST,
    reference_digest: sha256Hex(text),
    person,
    issued_at: '2026-11-21T12:00:00.000Z',
    not_after: '2026-11-21T13:00:00.000Z',
    ...changed,
  });
  const put = (name: string, reference: string, acceptances: unknown[]): void =>
    writeFileSync(
      join(folder, name),
      JSON.stringify({ schema: 'reseal.signed_host_reference.v1', reference, acceptances }),
    );
  const signed = (person: string, text: string) => signWith(people.keyOf(person), accepts(person, text));
  const directory = (acceptors: Partial<Acceptors> = {}, objection?: string) =>
    new ReferenceDirectory(folder, journal, {
      roster: () => people.roster,
      acceptors: { enrol: 1, quorum: 2, ...acceptors },
      objection: () => Promise.resolve(objection),
      log: (_message, { code }) => void told.push(code),
    });
  const known = async (enrol = 1) =>
    (await acceptedReferences(journal, HOST, enrol)).map(({ reference, sinceMs, acceptedBy }) => ({
      version: reference.version,
      sinceMs,
      acceptedBy,
    }));

  it('count from the moment at which they were first seen with the acceptances that it takes', async () => {
    put('vault-1.1.json', first, [signed('bob', first)]);
    const looks = directory();
    await looks.look(NOW);
    await looks.look(NOW + 60_000);
    put('vault-1.1.json', first, [signed('bob', first), signed('carol', first)]);
    await looks.look(NOW + 120_000);
    expect(await known()).toEqual([{ version: 1, sinceMs: NOW, acceptedBy: ['bob', 'carol'] }]);
    expect(await known(2)).toEqual([{ version: 1, sinceMs: NOW + 120_000, acceptedBy: ['bob', 'carol'] }]);
    expect(await known(3)).toEqual([]);
    expect(told).toEqual([]);
  });

  it('keep what was allowed before in the next version, and never change a version', async () => {
    const second = makeReference(shown('kernel 6.2', '22'.repeat(32)), parsed(first));
    expect(parsed(second).policy.pcrs.sha256?.['7']?.map(({ label }) => label)).toEqual(['as installed', 'kernel 6.2']);
    expect(parsed(makeReference(shown(), parsed(first))).policy.pcrs.sha256?.['7']).toHaveLength(1);
    put('a.json', first, [signed('bob', first)]);
    put('b.json', second, [signed('bob', second)]);
    const other = makeReference(shown('not what it was', '33'.repeat(32)));
    put('c.json', other, [signed('bob', other)]);
    await directory().look(NOW);
    expect((await known()).map(({ version }) => version)).toEqual([2, 1]);
    expect(told).toEqual(['version_taken']);
  });

  it.each([
    ['nobody', (_text: string) => []],
    ['a stranger', (text: string) => [signWithStranger(accepts('bob', text))]],
    ['somebody in another’s name', (text: string) => [signWith(people.keyOf('mallory'), accepts('bob', text))]],
    ['somebody, of another reference', () => [signWith(people.keyOf('bob'), accepts('bob', '{}'))]],
    [
      'somebody, yesterday',
      (text: string) => [
        signWith(
          people.keyOf('bob'),
          accepts('bob', text, { issued_at: '2026-11-20T11:00:00.000Z', not_after: '2026-11-30T00:00:00.000Z' }),
        ),
      ],
    ],
    [
      'somebody, of another host',
      (text: string) => [signWith(people.keyOf('bob'), accepts('bob', text, { host: 'vault-2' }))],
    ],
  ])('are not recorded when %s accepted them, and that is said once', async (_who, acceptances) => {
    put('x.json', first, acceptances(first));
    const looks = directory();
    await looks.look(NOW);
    await looks.look(NOW + 1000);
    expect(await known()).toEqual([]);
    expect(told).toEqual(['nobody_accepted']);
  });

  it('count by whom the verifier’s own settings name alone, and not when its vendor roots refuse them', async () => {
    put('x.json', first, [signed('bob', first)]);
    await directory({ parties: ['group:platform'] }).look(NOW);
    await directory({}, 'ek_certificate_untrusted').look(NOW);
    expect(await known()).toEqual([]);
    expect(told).toEqual(['nobody_accepted', 'reference_refused']);
    await directory({ parties: ['group:security'] }).look(NOW);
    expect(await known()).toHaveLength(1);
  });

  it('are passed over when they are broken', async () => {
    writeFileSync(join(folder, 'a.json'), 'not JSON');
    writeFileSync(join(folder, 'b.txt'), 'not looked at');
    put('c.json', first.replace('"version":1', '"version": 1'), []);
    const otherKey = { ...parsed(first), ak: keys[1].toString('base64') };
    put('d.json', canonicalJson(otherKey), []);
    await directory().look(NOW);
    expect(told).toEqual(['reference_malformed', 'reference_malformed', 'reference_malformed']);
    await new ReferenceDirectory(join(folder, 'nowhere'), journal, {
      roster: () => people.roster,
      acceptors: { enrol: 1, quorum: 2 },
      objection: () => Promise.resolve(undefined),
      log: () => undefined,
    }).look(NOW);
  });
});
