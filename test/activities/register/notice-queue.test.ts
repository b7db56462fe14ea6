import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { noticeQueue, type NoticeQueue } from '../../../activities/register/notice-queue.js';
import { noticesOf } from '../../../activities/register/notice-reader.js';
import { MOST_ATTEMPTS, RETRY_AFTER_SECONDS } from '../../../domain/notice-retries.js';
import type { NoticeDelivery } from '../../../domain/notice-view.js';
import { alice, bob, carol } from '../../proofs/ceremony-people.js';
import { bothDatabases, type TestDatabase } from './both-databases.js';
import { RegisterWorld } from './register-world.js';

const HISTORY = (eventId: string, runId: string): string => `http://127.0.0.1:8233/${eventId}/${runId}`;
const FAILED = { code: 'http_status', status: 500 };

describe.each(bothDatabases)('the outbox of notices over %s', (_, skip, open) => {
  describe.skipIf(skip !== null)(`contract${skip === null ? '' : ` (skipped: ${skip})`}`, () => {
    let db: TestDatabase;
    let world: RegisterWorld;
    let queue: NoticeQueue;

    beforeAll(async () => {
      db = await open();
      world = new RegisterWorld(db.database);
      queue = noticeQueue(db.database, HISTORY);
    }, 60_000);
    afterAll(() => db.close());
    beforeEach(async () => {
      await world.clear();
      world.setPolicy({ notices: [{ channel: 'desk', events: ['requested'] }] });
    });

    const asked = async (by = alice): Promise<string> => {
      const request = world.request({ by });
      await world.admitted(request, by);
      return request.event_id;
    };
    const deliveryOf = async (eventId: string): Promise<NoticeDelivery> => {
      const [delivery] = (await noticesOf(db.database, eventId)).flatMap(({ deliveries }) => deliveries);
      if (delivery === undefined) throw new Error('no delivery');
      return delivery;
    };
    /** Lets what waits be due now. */
    const wait = (): Promise<unknown> =>
      db.database.query("UPDATE register.notice_deliveries SET due_at = clock_timestamp() WHERE state = 'waiting'");
    /** Seconds from the last attempt's outcome to the next attempt. */
    const waitAfterLast = async (): Promise<number> => {
      const text = `SELECT round(extract(epoch FROM due_at - (SELECT max(at) FROM register.notice_attempts)))::int AS seconds
        FROM register.notice_deliveries`;
      return (await db.database.query<{ seconds: number }>(text))[0]?.seconds ?? Number.NaN;
    };
    /** Whether a claim of this moment still keeps others away. */
    const isClaimed = async (): Promise<boolean> => (await queue.claim('desk', 1)).length === 0;
    const claimOne = async () => {
      const [claimed] = await queue.claim('desk', 1);
      if (claimed === undefined) throw new Error('nothing is due');
      return claimed;
    };

    it('hands out what is due, with the payload as it is sent', async () => {
      const event_id = await asked();
      const claimed = await claimOne();
      expect(claimed).toMatchObject({ channel: 'desk', attempt: 1, type: 'requested', event_id });
      expect(claimed.id).toMatch(/^notice_[0-9a-f]{16}_\d+$/);
      expect(JSON.parse(claimed.body)).toEqual({
        id: claimed.id,
        type: 'requested',
        timestamp: '2026-11-21T10:00:00.000Z',
        event_id,
        request_digest: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
        summary: claimed.summary,
        to: [bob.upn, carol.upn],
        profile: 'admin',
        role: 'Privileged Role Administrator',
        scope: '/',
        invoker: alice.upn,
        principal: alice.upn,
        reason_code: 'incident',
        ticket: null,
        ui_url: HISTORY(event_id, 'run-1'),
        next: `reseal approve ${event_id}`,
        approvals_wanted: 2,
        approve_by: '2026-11-21T10:30:00.000Z',
        duration_seconds: 1800,
      });
    });

    it('hands each message to one of many that ask at once', async () => {
      const events = await Promise.all([asked(alice), asked(bob), asked(carol)]);
      const other = noticeQueue(db.database, HISTORY);
      const claims = await Promise.all(Array.from({ length: 8 }, (__, n) => (n % 2 ? queue : other).claim('desk', 2)));
      expect(
        claims
          .flat()
          .map(({ event_id }) => event_id)
          .sort(),
      ).toEqual([...events].sort());
    });

    it('keeps what another channel has to send for that one', async () => {
      await asked();
      expect(await queue.claim('pager', 10)).toEqual([]);
      expect(await queue.claim('desk', 10)).toHaveLength(1);
    });

    it('records what arrived', async () => {
      const event_id = await asked();
      expect(await queue.record(await claimOne(), { code: null, status: 204 })).toBe('delivered');
      expect(await deliveryOf(event_id)).toMatchObject({
        channel: 'desk',
        state: 'delivered',
        attempts: [{ attempt: 1, code: null, status: 204 }],
        next_at: null,
      });
      await wait();
      expect(await queue.claim('desk', 1)).toEqual([]);
    });

    it('tries six times over half an hour with the very same message, and then gives up', async () => {
      const event_id = await asked();
      const bodies = new Set<string>();
      const waits: number[] = [];
      for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt += 1) {
        const claimed = await claimOne();
        bodies.add(claimed.id + claimed.body);
        expect(claimed.attempt).toBe(attempt);
        const state = await queue.record(claimed, FAILED);
        expect(state).toBe(attempt < MOST_ATTEMPTS ? 'waiting' : 'dead');
        if (state === 'waiting') waits.push(await waitAfterLast());
        expect(await queue.claim('desk', 1)).toEqual([]);
        await wait();
      }
      expect(bodies.size).toBe(1);
      expect(waits).toEqual([...RETRY_AFTER_SECONDS]);
      expect(waits.reduce((sum, seconds) => sum + seconds, 0)).toBe(1800);
      const delivery = await deliveryOf(event_id);
      expect(delivery).toMatchObject({ state: 'dead', next_at: null });
      expect(delivery.attempts.map(({ attempt, code, status }) => [attempt, code, status])).toEqual(
        Array.from({ length: 6 }, (__, n) => [n + 1, 'http_status', 500]),
      );
    });

    it('waits as long as the receiver asks, within reason', async () => {
      await asked();
      await queue.record(await claimOne(), { ...FAILED, retry_after: 90 });
      expect(await waitAfterLast()).toBe(90);
      await wait();
      await queue.record(await claimOne(), { ...FAILED, retry_after: 1 });
      expect(await waitAfterLast()).toBe(RETRY_AFTER_SECONDS[1]);
      await wait();
      await queue.record(await claimOne(), { ...FAILED, retry_after: 999_999 });
      expect(await waitAfterLast()).toBe(1200);
    });

    it('gives up at once where nothing more is wanted', async () => {
      const event_id = await asked();
      expect(await queue.record(await claimOne(), { code: 'http_status', status: 410, final: true })).toBe('dead');
      expect((await deliveryOf(event_id)).state).toBe('dead');
    });

    it('goes on at once with what its own end interrupted', async () => {
      await asked();
      expect(await queue.record(await claimOne(), { code: 'interrupted', status: null })).toBe('waiting');
      expect((await claimOne()).attempt).toBe(2);
    });

    it('takes over from a process that died, and buries what died with the last attempt', async () => {
      const event_id = await asked();
      for (let attempt = 1; attempt < MOST_ATTEMPTS; attempt += 1) {
        await claimOne();
        expect(await isClaimed()).toBe(true);
        await wait();
      }
      await claimOne();
      expect(await queue.bury(['desk'])).toEqual([]);
      await wait();
      expect(await queue.claim('desk', 1)).toEqual([]);
      expect(await queue.bury(['desk'])).toEqual([
        { event_id, type: 'requested', channel: 'desk', code: 'interrupted' },
      ]);
      expect(await deliveryOf(event_id)).toMatchObject({
        state: 'dead',
        attempts: [{ attempt: 7, code: 'interrupted' }],
      });
    });

    it('believes an attempt that outlived its claim when it arrived, and nothing else', async () => {
      const event_id = await asked();
      const slow = await claimOne();
      await wait();
      const next = await claimOne();
      await queue.record(slow, FAILED);
      expect(await isClaimed()).toBe(true);
      await queue.record(next, FAILED);
      await queue.record(slow, { code: null, status: 200 });
      expect((await deliveryOf(event_id)).state).toBe('delivered');
    });

    it('buries what no process can send, when another had half an hour to come', async () => {
      const event_id = await asked();
      expect(await queue.bury(['pager'])).toEqual([]);
      const aged = `ALTER TABLE register.notices DISABLE TRIGGER USER`;
      await db.database.query(aged);
      await db.database.query("UPDATE register.notices SET recorded_at = recorded_at - interval '31 minutes'");
      await db.database.query('ALTER TABLE register.notices ENABLE TRIGGER USER');
      expect(await queue.bury(['desk', 'pager'])).toEqual([]);
      expect(await queue.bury(['pager'])).toEqual([
        { event_id, type: 'requested', channel: 'desk', code: 'channel_missing' },
      ]);
      expect((await deliveryOf(event_id)).state).toBe('dead');
      expect(await queue.bury(['pager'])).toEqual([]);
    });

    it('tells of a refused request by what was asked, without a history', async () => {
      world.setPolicy({ notices: [{ channel: 'desk' }] });
      const request = world.request({ duration_seconds: 5 * 3600 });
      await world.admit(request);
      const { body } = await claimOne();
      expect(JSON.parse(body)).toMatchObject({
        type: 'refused',
        invoker: alice.upn,
        profile: 'admin',
        to: [alice.upn],
        code: 'duration_too_long',
        ui_url: null,
        next: null,
      });
      expect(body).not.toContain(request.justification);
    });
  });
});
