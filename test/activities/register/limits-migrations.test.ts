import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { AUTHORITY_MIGRATIONS } from '../../../activities/authority/authority-migrations.js';
import { REGISTER_MIGRATIONS } from '../../../activities/register/register-migrations.js';
import { usageOf } from '../../../activities/register/usage.js';
import { instant } from '../../../domain/identifiers.js';
import { entryOf, T0 } from '../../proofs/ceremony-people.js';
import { fullCeremony, sign } from '../../proofs/full-ceremony.js';
import { tupleOf } from '../../../proofs/evidence.js';
import { bothDatabases, type TestDatabase } from './both-databases.js';
import { RegisterWorld } from './register-world.js';

const FIRST = ['register/001-tables', 'register/002-lookups'];

describe.each(bothDatabases)('a register of the first release over %s', (_, skip, open) => {
  describe.skipIf(skip !== null)(`migrated${skip === null ? '' : ` (skipped: ${skip})`}`, () => {
    let db: TestDatabase;
    const { request, intent, payloads } = fullCeremony();
    const { event_id } = request;
    const denied = 'd'.repeat(16);

    beforeAll(async () => {
      db = await open();
      const sql = db.database;
      for (const schema of ['authority', 'register']) await sql.query(`DROP SCHEMA ${schema} CASCADE`);
      await sql.query('DROP TABLE schema_migrations');
      await sql.migrate(REGISTER_MIGRATIONS.filter(({ id }) => FIRST.includes(id)));
      await sql.query(`INSERT INTO register.policies (digest, document) VALUES ('p', '{}')`);
      for (const id of [event_id, denied]) {
        await sql.query(
          `INSERT INTO register.events (event_id, run_id, request_digest, policy_digest, profile, invoker_person,
             invoker_upn, tenant_id, principal_id, role_template_id, directory_scope_id, admitted_at, open, state, view,
             view_seq, ledger_head, ledger_count)
           VALUES ($1, 'r', 'd', 'p', 'admin', 'alice', 'alice@example.com', 't', 'p', 'r', '/', $2, false, 'expired',
             '{"flags": []}', 1, 'h', 2)`,
          [id, instant(T0)],
        );
      }
      // Words of people are in entries too: what jsonb would refuse must not keep a register from being migrated.
      const odd = entryOf(event_id, 'statement', 'statement/1', T0, { note: 'a\u0000b' });
      const told = payloads.filter(({ type }) => type === 'intent');
      for (const [index, entry] of [...told, odd].entries()) {
        await sql.query(
          `INSERT INTO register.entries (event_id, seq, transition, type, prev_ledger_hash, ledger_hash, body)
           VALUES ($1, $2, $3, $4, 'a', 'b', $5)`,
          [event_id, index + 1, entry.transition, entry.type, JSON.stringify(sign(entry).envelope)],
        );
      }
      await sql.migrate([...REGISTER_MIGRATIONS, ...AUTHORITY_MIGRATIONS]);
    }, 60_000);
    afterAll(() => db.close());

    it('knows when what its ledgers hold was granted, and counts it', async () => {
      const question = { invoker: 'alice', profile: 'admin', tuple: tupleOf(request), limits: undefined };
      const usage = await usageOf(db.database, { ...question, nowMs: T0 });
      expect(usage.last_of_pair_at).toBe(intent.issued_at);
      const rows = await db.database.query(
        'SELECT event_id, granted_at, quorum FROM register.events ORDER BY event_id',
      );
      expect(rows).toHaveLength(2);
      expect(rows).toContainEqual({ event_id, granted_at: intent.issued_at, quorum: null });
      expect(rows).toContainEqual({ event_id: denied, granted_at: null, quorum: null });
    });

    it('owes no review for what was granted before there were any', async () => {
      const world = new RegisterWorld(db.database);
      expect((await world.reader.getEvent(event_id))?.review).toBeNull();
      expect(await world.reader.listEvents({ review_owed: true })).toEqual([]);
    });
  });
});
