import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AUTHORITY_MIGRATIONS } from '../../activities/authority/authority-migrations.js';
import { openPostgres } from '../../activities/register/database-postgres.js';
import { sqlState } from '../../activities/register/database.js';
import { REGISTER_MIGRATIONS } from '../../activities/register/register-migrations.js';
import { mintNonce, spendNonce, type AttemptOf } from '../../activities/tpm/nonce-journal.js';
import { VERIFIER_MIGRATIONS } from '../../activities/tpm/verifier-migrations.js';
import { available } from '../../deploy/local/postgres/start-postgres.js';
import { openRoleDatabases } from '../../workers/role-databases.js';
import type { WorkerSettings } from '../../workers/settings.js';
import { documentedSql, runSql, urlAs } from '../support/role-files.js';
import { TemporaryPostgres } from '../support/temporary-postgres.js';

const skip = await available();
const OF: AttemptOf = {
  incident_id: null,
  host: 'vault-1',
  attempt: 1,
  containment_binding: null,
  purpose: 'scheduled',
};

/** The journal's user as docs/deploy.md makes it. */
describe.skipIf(skip !== null)(`the verifier's own database user${skip === null ? '' : ` (skipped: ${skip})`}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'reseal-verifier-database-'));
  let server: TemporaryPostgres;
  beforeAll(async () => {
    server = await TemporaryPostgres.start();
    await runSql(server.url, await documentedSql('-- users and database'));
    await runSql(server.url, await documentedSql('-- user for attestation'));
    const owner = await openPostgres(urlAs(server.url, 'reseal_owner', 'reseal'), { max: 1 });
    await owner.migrate([...REGISTER_MIGRATIONS, ...AUTHORITY_MIGRATIONS, ...VERIFIER_MIGRATIONS]);
    await owner.close();
    for (const block of ['-- grants\n', '-- grants for attestation'])
      await runSql(urlAs(server.url, 'reseal_owner', 'reseal'), await documentedSql(block));
  });
  afterAll(async () => {
    await server?.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  const openAs = (user: string) => {
    const file = join(folder, user);
    writeFileSync(file, urlAs(server.url, user, 'reseal'));
    chmodSync(file, 0o600);
    const attestation = { database_url_path: file, references_path: folder, enrol: 1, quorum: 2, every_seconds: null };
    return openRoleDatabases({ roles: ['verifier'], verifier: { attestation } } as unknown as WorkerSettings);
  };

  it('mints and spends, and can change nothing of what it wrote', async () => {
    const opened = await openAs('reseal_verifier');
    try {
      const journal = opened.databases.get('verifier');
      if (journal === undefined) throw new Error('no database');
      const { nonce } = await mintNonce(journal, OF, Date.now());
      expect(await spendNonce(journal, nonce, OF, 'passed', Date.now())).toBe(true);
      expect(await spendNonce(journal, nonce, OF, 'passed', Date.now())).toBe(false);
      for (const statement of [`UPDATE verifier.spent SET outcome = 'passed'`, 'DELETE FROM verifier.nonces'])
        expect(await journal.query(statement).then(() => 'done', sqlState)).toBe('42501');
    } finally {
      await opened.close();
    }
  });

  it.each([
    ['reseal_owner', /owns schema|can read|can change/],
    ['reseal_authority', /SQLSTATE 42501|can read authority/],
  ])('is not %s', async (user, message) => {
    await expect(openAs(user)).rejects.toThrow(message);
  });

  it('is not needed where no host is attested', async () => {
    const opened = await openRoleDatabases({ roles: ['verifier'], verifier: {} } as unknown as WorkerSettings);
    expect([...opened.databases.keys()]).toEqual([]);
    await opened.close();
  });
});
