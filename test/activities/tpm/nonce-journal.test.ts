import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mintNonce, spendNonce, type AttemptOf } from '../../../activities/tpm/nonce-journal.js';
import { VERIFIER_MIGRATIONS } from '../../../activities/tpm/verifier-migrations.js';
import { sqlState } from '../../../activities/register/database.js';
import { bothDatabases, type TestDatabase } from '../register/both-databases.js';

const NOW = Date.parse('2026-11-21T12:00:00Z');
const OF: AttemptOf = {
  incident_id: 'INC-20261121-120000-0001',
  host: 'vault-1',
  attempt: 1,
  containment_binding: 'ab'.repeat(32),
  purpose: 'recovery',
};

describe.each(bothDatabases)('the nonces of the verifier in %s', (_kind, skip, open) => {
  let opened: TestDatabase | undefined;
  beforeAll(async () => {
    if (skip !== null) return;
    opened = await open();
    await opened.database.migrate(VERIFIER_MIGRATIONS);
  });
  afterAll(() => opened?.close());
  const journal = () => {
    if (opened === undefined) throw new Error('no database');
    return opened.database;
  };
  const run = it.skipIf(skip !== null);

  run('are each minted once and spent once', async () => {
    const [one, two] = [await mintNonce(journal(), OF, NOW), await mintNonce(journal(), OF, NOW)];
    expect(one.nonce.equals(two.nonce)).toBe(false);
    const spent = await Promise.all(
      [1, 2, 3].map(() => journal().transaction((tx) => spendNonce(tx, one.nonce, OF, 'passed', NOW + 1000))),
    );
    expect(spent.filter(Boolean)).toHaveLength(1);
    expect(await spendNonce(journal(), two.nonce, OF, 'refused', NOW + 1000)).toBe(true);
  });

  run('are of one attempt, and none before they were minted here or after their deadline', async () => {
    const { nonce, expiresMs } = await mintNonce(journal(), OF, NOW);
    const spend = (changed: Partial<AttemptOf>, nowMs = NOW + 1000) =>
      spendNonce(journal(), nonce, { ...OF, ...changed }, 'passed', nowMs);
    for (const other of [
      { attempt: 2 },
      { host: 'vault-2' },
      { purpose: 'baseline' as const },
      { incident_id: 'INC-20261121-120000-0002' },
      { containment_binding: 'cd'.repeat(32) },
      { incident_id: null },
    ])
      expect(await spend(other)).toBe(false);
    expect(await spend({}, expiresMs)).toBe(false);
    expect(await spendNonce(journal(), Buffer.alloc(32, 1), OF, 'passed', NOW)).toBe(false);
    expect(await spend({})).toBe(true);
  });

  run('stay as they were written', async () => {
    const { nonce } = await mintNonce(journal(), OF, NOW);
    await spendNonce(journal(), nonce, OF, 'refused', NOW + 1000);
    for (const statement of [
      `UPDATE verifier.nonces SET expires_at = expires_at + interval '1 day'`,
      `UPDATE verifier.spent SET outcome = 'passed'`,
      'DELETE FROM verifier.spent',
      'TRUNCATE verifier.results',
    ]) {
      const state = await journal()
        .query(statement)
        .then(() => 'done', sqlState);
      expect(state).toBe('42501');
    }
  });
});
