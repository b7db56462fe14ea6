import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventReader } from '../../../activities/register/events.js';
import { registerTasks } from '../../../activities/register/register-tasks.js';
import { givenInForce } from '../../../deploy/local/stack/given-in-force.js';
import type { Request } from '../../../domain/request.js';
import {
  T0,
  alice,
  bob,
  keyOf,
  policy,
  policyDigest,
  requestFor,
  roleKeys,
  roster,
  signRequest,
  type TestPerson,
} from '../../proofs/ceremony-people.js';
import { bothDatabases, type TestDatabase } from './both-databases.js';

describe.each(bothDatabases)('open ceremonies over %s', (_, skip, open) => {
  describe.skipIf(skip !== null)(`contract${skip === null ? '' : ` (skipped: ${skip})`}`, () => {
    let db: TestDatabase;
    let reader: ReturnType<typeof eventReader>;
    const asked = (by: TestPerson, principal: TestPerson, profile: string): Request =>
      requestFor({ by, profile, principal: { object_id: principal.object_id, upn: principal.upn } });
    const hers = asked(alice, alice, 'admin');
    const forHer = asked(bob, alice, 'reader');
    const forBob = asked(alice, bob, 'reader');
    const openFor = async (profile: string, ...people: TestPerson[]): Promise<string[]> =>
      (await reader.openFor({ profile, principal_ids: people.map(({ object_id }) => object_id) })).map(
        ({ event_id }) => event_id,
      );

    beforeAll(async () => {
      db = await open();
      reader = eventReader(db.database);
      const tasks = registerTasks({
        database: db.database,
        key: roleKeys.register,
        clock: { now: () => T0 },
        ...givenInForce(
          () => ({ policy, digest: policyDigest }),
          () => roster,
        ),
        roleKeys: keyOf,
        log: () => undefined,
      });
      for (const [request, by] of [
        [hers, alice],
        [forHer, bob],
        [forBob, alice],
      ] as const) {
        const admitted = await tasks.admit({
          event_id: request.event_id,
          run_id: 'run-1',
          envelope: signRequest(request, by),
        });
        expect(admitted.outcome).toBe('admitted');
      }
    }, 60_000);
    afterAll(() => db.close());

    it('are found by principal and profile, whoever asked for them', async () => {
      expect(await openFor('admin', alice)).toEqual([hers.event_id]);
      expect(await openFor('reader', alice)).toEqual([forHer.event_id]);
      expect(await openFor('reader', alice, bob)).toEqual([forHer.event_id, forBob.event_id].sort());
      expect(await openFor('admin', bob)).toEqual([]);
      expect(await openFor('reader')).toEqual([]);
    });

    it('come from an index, however many have ended', async () => {
      const plan = await db.database.transaction(async (tx) => {
        await tx.query('SET LOCAL enable_seqscan = off');
        return tx.query<{ 'QUERY PLAN': string }>(
          `EXPLAIN SELECT view FROM register.events WHERE open AND profile = $1 AND principal_id = ANY($2::text[])`,
          ['admin', [alice.object_id]],
        );
      });
      expect(plan.map((line) => line['QUERY PLAN']).join('\n')).toMatch(/Index.* Scan/);
      expect(JSON.stringify(plan)).not.toContain('Seq Scan');
    });

    it('are no longer found once they have ended', async () => {
      await db.database.query('UPDATE register.events SET open = false WHERE event_id = $1', [hers.event_id]);
      expect(await openFor('admin', alice)).toEqual([]);
    });
  });
});
