import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { noticesOf } from '../../../activities/register/notice-reader.js';
import { openIntents } from '../../../activities/register/open-intents.js';
import { keepOwedNotices } from '../../../activities/register/owed-notices.js';
import type { NoticeType } from '../../../domain/notices.js';
import { alice, bob, carol, entryOf, newPerson, T0 } from '../../proofs/ceremony-people.js';
import { sign } from '../../proofs/full-ceremony.js';
import { bothDatabases, type TestDatabase } from './both-databases.js';
import { newEvent, profileNamed, RegisterWorld } from './register-world.js';

const DESK = { notices: [{ channel: 'desk' }] };
const IMMEDIATE = {
  timebox: { default: '30m', max: '1h' },
  approvals: { min_approvers: 0, approvers: ['group:security'], immediate: ['person:alice'] },
};

describe.each(bothDatabases)('the notices of the register over %s', (_, skip, open) => {
  describe.skipIf(skip !== null)(`contract${skip === null ? '' : ` (skipped: ${skip})`}`, () => {
    let db: TestDatabase;
    let world: RegisterWorld;

    beforeAll(async () => {
      db = await open();
      world = new RegisterWorld(db.database);
    }, 60_000);
    afterAll(() => db.close());
    beforeEach(() => world.clear());

    const told = async (eventId: string): Promise<NoticeType[]> =>
      (await noticesOf(db.database, eventId)).map(({ type }) => type);
    const channelsOf = async (eventId: string): Promise<Record<string, string[]>> =>
      Object.fromEntries(
        (await noticesOf(db.database, eventId)).map(({ type, deliveries }) => [
          type,
          deliveries.map(({ channel }) => channel),
        ]),
      );
    const factsOf = async (eventId: string, type: NoticeType): Promise<Record<string, unknown>> => {
      const text = 'SELECT facts FROM register.notices WHERE event_id = $1 AND type = $2';
      const [row] = await db.database.query<{ facts: string }>(text, [eventId, type]);
      return JSON.parse(row?.facts ?? 'null') as Record<string, unknown>;
    };
    const keepOwed = (timeOf: ((eventId: string) => Promise<number | null>) | null = null) =>
      keepOwedNotices(world.holdings, timeOf);

    describe('when a request is admitted', () => {
      it('asks those who may approve it, and nobody else', async () => {
        world.setPolicy(DESK);
        const request = world.request();
        await world.admitted(request);
        expect(await channelsOf(request.event_id)).toEqual({ requested: ['desk'] });
        expect(await factsOf(request.event_id, 'requested')).toMatchObject({
          to: [bob.upn, carol.upn],
          approvals_wanted: 2,
          duration_seconds: 1800,
        });
      });

      it('tells of it once, however often it is asked for', async () => {
        world.setPolicy(DESK);
        const request = world.request();
        await world.admitted(request);
        await world.admitted(request);
        expect(await told(request.event_id)).toEqual(['requested']);
      });

      it('goes to every channel that wants it', async () => {
        world.setPolicy({
          notices: [
            { channel: 'desk' },
            { channel: 'pager', events: ['finding'] },
            { channel: 'log', events: ['requested'] },
          ],
        });
        const request = world.request();
        await world.admitted(request);
        expect(await channelsOf(request.event_id)).toEqual({ requested: ['desk', 'log'] });
      });

      it('tells nobody where the policy names no channel', async () => {
        const request = world.request();
        await world.admitted(request);
        expect(await told(request.event_id)).toEqual([]);
      });

      it('tells nobody of what was rolled back', async () => {
        world.setPolicy(DESK);
        const request = world.request();
        const { database } = world.holdings;
        world.holdings.database = {
          ...database,
          transaction: (work) =>
            database.transaction(async (tx) => {
              await work(tx);
              throw new Error('lost before the commit');
            }),
        };
        await expect(world.admit(request)).rejects.toThrow('lost before the commit');
        world.holdings.database = database;
        expect(await told(request.event_id)).toEqual([]);
      });

      it('tells of an invoker who was granted a lot', async () => {
        world.setPolicy({ ...DESK, limits: { escalation_threshold: 1 } });
        await world.granted();
        const request = world.request();
        expect(await world.admitted(request)).toMatchObject({ escalated: true });
        expect(await told(request.event_id)).toEqual(['requested', 'escalated']);
        expect(await factsOf(request.event_id, 'escalated')).toEqual({ threshold: 1 });
      });

      it('asks nobody where nobody needs to approve', async () => {
        world.setPolicy({ ...DESK, profiles: { fire: profileNamed('fire', IMMEDIATE) } });
        const request = world.request({ profile: 'fire' });
        await world.admitted(request);
        expect(await told(request.event_id)).toEqual([]);
      });
    });

    describe('when a request is refused', () => {
      it('says who asked and why not, without the justification', async () => {
        world.setPolicy(DESK);
        const request = world.request({ duration_seconds: 5 * 3600 });
        expect(await world.admit(request)).toMatchObject({ outcome: 'refused' });
        await world.admit(request);
        expect(await told(request.event_id)).toEqual(['refused']);
        const [row] = await db.database.query<{ about: string; facts: string }>(
          'SELECT about, facts FROM register.notices',
        );
        expect(JSON.parse(row?.about ?? '{}')).toMatchObject({
          invoker: alice.upn,
          profile: 'admin',
          justification: null,
        });
        expect(row?.about).not.toContain(request.justification);
        expect(JSON.parse(row?.facts ?? '{}')).toMatchObject({ code: 'duration_too_long' });
      });

      it('says nothing of a request that nobody signed', async () => {
        world.setPolicy(DESK);
        const request = world.request();
        expect(await world.admit(request, newPerson('alice'))).toMatchObject({ code: 'bad_signature' });
        expect(await told(request.event_id)).toEqual([]);
      });

      it('tells of ten an hour of one person, so that nobody can drown the rest', async () => {
        world.setPolicy(DESK);
        for (let count = 0; count < 12; count += 1) await world.admit(world.request({ duration_seconds: 5 * 3600 }));
        const others = world.request({ by: bob, duration_seconds: 5 * 3600 });
        await world.admit(others, bob);
        const [{ count = 0 } = {}] = await db.database.query<{ count: number }>(
          'SELECT count(*) FROM register.notices',
        );
        expect(count).toBe(11);
        expect(await told(others.event_id)).toEqual(['refused']);
      });
    });

    describe('when something is granted', () => {
      it('tells of the intent before the ledger has it, and once', async () => {
        world.setPolicy(DESK);
        const request = world.request();
        const intent = await world.issue(request);
        expect(await told(request.event_id)).toEqual(['requested']);
        await keepOwed();
        await keepOwed();
        expect(await told(request.event_id)).toEqual(['requested', 'breakglass.invoked']);
        expect(await factsOf(request.event_id, 'breakglass.invoked')).toMatchObject({
          quorum: 'full',
          approved_by: [bob.upn, carol.upn],
          duration_seconds: 1800,
        });
        await world.end(request, intent);
        expect(await told(request.event_id)).toEqual(['requested', 'breakglass.invoked', 'breakglass.expired']);
      });

      it('tells of it with the ledger, where the loop never came to it', async () => {
        world.setPolicy(DESK);
        const request = await world.granted();
        expect(await told(request.event_id)).toEqual(['requested', 'breakglass.invoked', 'breakglass.expired']);
        expect(await factsOf(request.event_id, 'breakglass.expired')).toMatchObject({ duration_seconds: 1800 });
      });

      it('tells of an immediate grant on every channel, whatever it names', async () => {
        world.setPolicy({
          notices: [{ channel: 'desk', events: ['finding'] }],
          profiles: { fire: profileNamed('fire', IMMEDIATE) },
        });
        const request = await world.granted({ profile: 'fire', approvers: [] });
        expect(await channelsOf(request.event_id)).toEqual({ immediate: ['desk'] });
      });

      it('names who closed it', async () => {
        world.setPolicy(DESK);
        const request = world.request();
        const intent = await world.issue(request);
        const ended = { end: 'closed', cause: 'close', by: 'alice' };
        await world.append(request, [
          intent,
          { transition: 'ended', draft: entryOf(request.event_id, 'ended', 'ended', world.now, ended) },
        ]);
        expect(await factsOf(request.event_id, 'breakglass.closed')).toMatchObject({
          end: 'closed',
          closed_by: alice.upn,
          closed_reason: 'close',
        });
      });

      it('tells the invoker that it was denied', async () => {
        world.setPolicy(DESK);
        const request = world.request();
        await world.admitted(request);
        await world.deny(request);
        expect(await factsOf(request.event_id, 'denied')).toMatchObject({ cause: 'deny', by: bob.upn });
      });

      it('tells of a ceremony that was lost before anything was issued', async () => {
        world.setPolicy(DESK);
        const request = world.request();
        await world.admitted(request);
        await openIntents(world.holdings).closeRow(request.event_id, 'gone');
        expect(await told(request.event_id)).toEqual(['requested', 'cancelled']);
        expect(await factsOf(request.event_id, 'cancelled')).toMatchObject({ cause: 'workflow_lost' });
      });
    });

    describe('what is pressing', () => {
      it('is recorded and logged without any channel', async () => {
        const request = world.request();
        await world.admitted(request);
        await world.append(request, [sign(entryOf(request.event_id, 'reappeared', 'reappeared/1', T0))]);
        expect(await channelsOf(request.event_id)).toEqual({ reappeared: [] });
        expect(world.logged).toEqual([
          [
            'notice',
            {
              event_id: request.event_id,
              code: 'reappeared',
              transition: 'reappeared/1',
              at: '2026-11-21T10:00:00.000Z',
            },
          ],
        ]);
      });

      it('is told of so many times, and what comes after it all the same', async () => {
        world.setPolicy(DESK);
        const request = world.request();
        await world.admitted(request);
        const finding = (n: number) => {
          const data = { code: 'foreign_change', detail: `number ${n}` };
          const transition = `finding/${n}`;
          return { transition, draft: entryOf(request.event_id, 'finding', transition, T0, data) };
        };
        await world.append(
          request,
          Array.from({ length: 60 }, (__, n) => finding(n)),
        );
        for (let n = 60; n < 70; n += 1) await world.append(request, [finding(n)]);
        await world.deny(request);
        const types = await told(request.event_id);
        expect(types.filter((type) => type === 'finding')).toHaveLength(64);
        expect(types.at(-1)).toBe('denied');
      });
    });

    it('is empty for an event that nobody knows', async () => {
      expect(await noticesOf(db.database, newEvent())).toEqual([]);
    });

    it('takes back nothing that was told', async () => {
      world.setPolicy(DESK);
      await world.admitted(world.request());
      const changes = [
        'DELETE FROM register.notices',
        'TRUNCATE register.notices CASCADE',
        'TRUNCATE register.notice_attempts',
      ];
      for (const change of changes) await expect(db.database.query(change)).rejects.toThrow(/append-only/);
    });
  });
});
